"""A call before it is made: its arguments validated, every name in them pinned to a version, and its step key.

It knows what the same call is. It runs no tool and writes nothing but benchmarks that are registered on the way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ...tools import tool as registry
from ...tools.errors import Retry
from ...tools.store.past import rulings
from ...tools.store.query.sql import validate_order, validate_predicate, validate_query
from ...tools.store.query.views import VIEWS
from ...tools.store.rows import Rows
from ...tools.store.store import Store
from ...tools.tool import Tool
from . import making
from .spending import NOTHING_SAID, PAID, Spending


@dataclass(frozen=True)
class Origin:
    """Who asked for a call."""

    actor: str = "person"
    session: str = ""
    call_id: str = ""


PERSON: Final = Origin()


@dataclass(frozen=True)
class Settings:
    """What holds for every call of a command. `released` is the version whose rows win over newer near-duplicates."""

    seed: int = 0
    threads: int = 1
    sample: int | None = None
    max_drop: float | None = None
    released: str | None = None
    bases: dict[str, str] = field(default_factory=dict)
    """The versions this command has made of datasets that tools make rows into: their names mean these."""
    spending: Spending = NOTHING_SAID


@dataclass(frozen=True)
class Call:
    """A call with everything resolved: it will give the same result wherever its `key` is the same.

    `files` are the hashes of the files it reads, `kept` the rows that people ruled to keep, by position: no step drops
    them.
    """

    tool: Tool
    dataset: str
    rows: Rows
    args: Mapping[str, Any]
    others: tuple[str, ...]
    files: tuple[str, ...]
    kept: Mapping[int, rulings.Ruling]
    key: str
    base: str = ""

    @property
    def makes(self) -> str:
        """The dataset that rows are made into; "" for a tool that makes none."""
        return str(self.args[self.tool.makes]) if self.tool.makes else ""


def resolve(store: Store, tool_id: str, address: str, args: Mapping[str, Any], settings: Settings) -> Call:
    """Validate arguments and pin every name in them to a version. Raises Misuse and Retry; writes nothing."""
    dataset, vid = store.resolve(address)
    return resolve_on(store, tool_id, dataset, store.rows_of(vid), args, settings)


def resolve_on(
    store: Store, tool_id: str, dataset: str, rows: Rows, args: Mapping[str, Any], settings: Settings
) -> Call:
    """As `resolve`, for rows at hand."""
    tool = registry.get(tool_id)
    if tool.changes and dataset.startswith("benchmarks/"):
        from ...tools.contaminate import _registered

        _registered.refuse_frozen(store, dataset, tool.id)
    for parameter in tool.parameters:
        if parameter.arg.benchmark and parameter.required and not args.get(parameter.name):
            from ...tools.contaminate import _registered

            raise _registered.refuse_unnamed(store, tool.id, parameter.name)
    resolved = tool.validate(args)
    others: list[str] = []
    files: list[str] = []
    base = ""
    for parameter in tool.parameters:
        value = resolved.get(parameter.name)
        if value is None:
            continue
        if parameter.arg.field:
            resolved[parameter.name] = rows.mapping.resolve_field(str(value))
        elif parameter.arg.dataset:
            name, vid = str(value), settings.bases.get(str(value), "")
            if not vid:
                name, vid = store.resolve(name)
            resolved[parameter.name] = f"{name}@{vid}"
            others.append(vid)
        elif parameter.arg.benchmark:
            resolved[parameter.name] = [_benchmark(store, str(one)) for one in value]
            others += [one.rpartition("@")[2] for one in resolved[parameter.name] if "@" in one]
        elif parameter.arg.makes:
            if str(value) == dataset:
                raise Retry(f"{tool.id}: {value} holds the rows things are made from.", next_step="Name another.")
            onto = making.base_of(store, str(value), settings.bases) if resolved.get("append") else ""
            base = f"{value}@{onto}" if onto else ""
            others += [onto] if onto else []
            resolved.pop("replace", None)  # a word about what was there, not about what is made
        elif parameter.arg.predicate:
            validate_predicate(str(value), views=VIEWS)
        elif parameter.arg.order:
            validate_order(str(value))
        elif parameter.arg.query:
            validate_query(str(value), views=VIEWS)
        elif parameter.arg.path:
            files.append(_bytes_of(Path(str(value)), tool.id))
    files += [_bytes_of(store.root / name, tool.id) for name in tool.reads if (store.root / name).exists()]
    if tool.after:
        files += [one.key for one in store.ledger.lineage(dataset, rows.vid) if one.tool == tool.after][-1:]
    said = rulings.last_words(rulings.read(store.root), dataset)
    kept = _kept(rows, said)
    identity = [tool.id, tool.version, tool.source, resolved, rows.vid, others, files, settings.seed, sorted(kept)]
    if settings.released is not None:
        identity.append(settings.released)
    if tool.effect_of(resolved) in PAID:
        identity.append(settings.spending.asked_of(store))
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    by_position = {position: said[row_id] for row_id, position in kept.items()}
    return Call(tool, dataset, rows, resolved, tuple(others), tuple(files), by_position, key, base)


def _kept(rows: Rows, said: Mapping[str, rulings.Ruling]) -> dict[str, int]:
    """Positions of the live rows that people ruled to keep, by row id."""
    wanted = [row_id for row_id, ruling in said.items() if ruling.word == "keep"]
    return rows.positions_of(wanted) if wanted else {}


def _benchmark(store: Store, wanted: str) -> str:
    """The address of a benchmark. A file is registered where the workspace may be written, else left as it is."""
    from ...tools.contaminate import _registered

    known = store.histories()
    if not Path(wanted).is_file() or wanted in known or f"{_registered.FOLDER}{wanted}" in known:
        return _registered.address_of(store, wanted)
    return _registered.address_of_file(store, wanted) if store.locked else wanted


def _bytes_of(path: Path, tool_id: str) -> str:
    """The sha256 of a file, or of all files of a folder with their names. Raises Misuse."""
    if not path.exists():
        raise Retry(f"{tool_id}: there is no {path}.", next_step="Name an existing file or folder.")
    whole = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as opened:
                whole.update(f"{file.relative_to(path)}\0".encode() + hashlib.file_digest(opened, "sha256").digest())
    return whole.hexdigest()
