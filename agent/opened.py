"""A workspace that is open: its folder, its store, its configuration, and the way files come into it.

It knows addresses and imports. What can be asked of a workspace is told in `reading`, what can be done in `workspace`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..tools import tool as registry
from ..tools.errors import Misuse
from ..tools.store.importing import MAX_REJECT, PACK_ROWS, Imported, Mode, import_sources
from ..tools.store.ingest import ReadOptions, Source
from ..tools.store.ingest.files import SUFFIXES, find_files, is_remote, suffix_of
from ..tools.store.licences import doubt
from ..tools.store.store import Store, check_name
from .acting import resolving
from .acting.spending import NOTHING_SAID, Spending
from .config import Config, read_config
from .events import Finished, Listener, Noticed, Progressed, nobody


class Opened:
    """An open workspace. Addresses are `NAME`, `NAME~1`, `NAME@TAG`, `NAME@VID`, or the path of a file."""

    def __init__(
        self,
        root: Path,
        *,
        seed: int = 0,
        threads: int | None = None,
        listener: Listener = nobody,
        spending: Spending = NOTHING_SAID,
    ) -> None:
        self.root = root
        self.seed = seed
        self.spending = spending
        self.threads = threads or os.cpu_count() or 1
        self.listener = listener
        self.pack_rows = PACK_ROWS
        self.store = Store(root)
        self._load_own()

    @cached_property
    def config(self) -> Config:
        """What tilth.toml says. Raises Misuse where it is wrong; whatever needs no model and no own tool works then too."""
        return read_config(self.root)

    def _load_own(self) -> None:
        try:
            names = self.config.tools.load
        except Misuse as error:
            text = f"{error.args[0]} {error.next_step}".rstrip()
            text = f"{text} Until it is corrected, own tools are not loaded and no model is asked."
            self.listener(Noticed(text, "warning"))
            return
        for name in names:
            registry.load(self.root / name)

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(
        self,
        *paths: str | os.PathLike[str],
        name: str | None = None,
        append: bool = False,
        replace: bool = False,
        split: str | None = None,
        license: str | None = None,
        max_reject: float = MAX_REJECT,
        **read: Any,
    ) -> Imported:
        """Import files as a dataset (default name: the stem of the first); `read` are options of `ReadOptions`."""
        if not paths:
            raise Misuse("There is nothing to import.", next_step="Name one or more files, globs or folders.")
        texts = tuple(os.fspath(path) for path in paths)
        dataset = check_name(name) if name is not None else name_for(texts[0])
        mode: Mode = "append" if append else "replace" if replace else "new"
        source = Source(name=dataset, paths=texts, split=split, license=license)
        self.doubt_licenses([(dataset, license)])
        with self.store.writing(f"tilth import {dataset}"):
            imported = import_sources(
                self.store,
                dataset,
                [source],
                ReadOptions.from_args(read),
                mode=mode,
                max_reject=max_reject,
                pack_rows=self.pack_rows,
                progress=lambda done, total: self.listener(Progressed("import", done, total, "bytes")),
            )
        self.listener(Finished(self.import_line(imported)))
        return imported

    def doubt_licenses(self, declared: Iterable[tuple[str, str | None]]) -> None:
        """Tell of every source whose licence was not understood."""
        for name, license in declared:
            text = doubt(license)
            if text:
                self.listener(Noticed(f"source {name}: {text}", "loud"))

    def import_line(self, imported: Imported) -> dict[str, Any]:
        """The result line of an import."""
        return {
            "tool": "import",
            "dataset": imported.entry.dataset,
            "format": imported.version.mapping.format,
            "read": imported.read,
            "kept": imported.kept,
            "rejected": sum(imported.rejected.values()),
            "rejects": imported.rejected,
            "blank": imported.blank,
            "rejects_file": os.path.relpath(imported.rejects, self.root) if imported.rejects else None,
            "version": imported.version.vid,
        }

    def address(self, wanted: str) -> str:
        """The address itself, or, for an existing path, the dataset it is imported as."""
        if wanted.partition("@")[0].partition("~")[0] in self.store.histories():
            return wanted
        if not os.path.exists(wanted) and not any(mark in wanted for mark in "*?"):
            refuse_missing_file(wanted)
            return wanted
        name = name_for(wanted)
        if name in self.store.histories():
            imported = [entry for entry in self.store.ledger.of(name) if entry.kind == "import"]
            files = [file["path"] for source in imported[-1].details["sources"] for file in source["files"]]
            if os.path.realpath(wanted) in map(os.path.realpath, files):
                self.listener(Noticed(f"{wanted} is the dataset {name!r}, imported before"))
                return name
            next_step = f"Import it under a name of its own: tilth import NAME {wanted}"
            raise Misuse(f"{wanted} would be imported as {name!r}, which is another dataset.", next_step=next_step)
        self.add(wanted, name=name)
        self.listener(Noticed(f"{wanted} is now the dataset {name!r}"))
        return name

    def _settings(self, sample: int | None = None, max_drop: float | None = None) -> resolving.Settings:
        return resolving.Settings(self.seed, self.threads, sample, max_drop, spending=self.spending)


def name_for(path: str) -> str:
    """A dataset name from a path: its stem, lower case, a run of other characters replaced by '-'."""
    stem = (Path(path).name or Path(path).parent.name).lower()
    for suffix in (".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow", ".txt", ".md"):
        stem = stem.removesuffix(suffix)
    cleaned = re.sub("[^a-z0-9._]+", "-", stem).strip("._-")
    return check_name(cleaned[:64] or "data")


def refuse_missing_file(wanted: str) -> None:
    """Misuse when a word that names no dataset is written like a file and there is none."""
    if is_remote(wanted) or wanted.startswith("benchmarks/"):
        return
    if os.sep in wanted or suffix_of(wanted) in SUFFIXES:
        find_files(Source(wanted, (wanted,)))
