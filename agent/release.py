"""An export: data files, card, manifest and provenance in one folder, put in place at once and written down.

It knows the order of these things. How files and cards are written is told in `tools/store/export` and
`tools/document`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..tools.document.card import write_card
from ..tools.errors import Refused
from ..tools.store.export import Written, default_folder, earlier, options, place, temporary_for, write_data
from ..tools.store.ledger import Entry
from ..tools.store.past.depth import without_real
from .acting.resolving import PERSON, Origin
from .events import Finished, Noticed, Progressed

if TYPE_CHECKING:
    from .workspace import Workspace


@dataclass(frozen=True)
class Exported:
    """Where an export lies. `changed` is False when the same export was already there; `paste` is for the trainer."""

    folder: Path
    written: Written
    changed: bool
    paste: str


def export(
    workspace: Workspace,
    address: str,
    folder: Path | None,
    *,
    format: str | None = None,
    trainer: str | None = None,
    split: Mapping[str, float] | None = None,
    group_by: str | None = None,
    uniform: bool = False,
    escape_formulas: bool = False,
    seed: int | None = None,
    force: bool = False,
    origin: Origin = PERSON,
) -> Exported:
    """Write the version an address means into `folder`, or into `exports/<dataset>-<vid>-<options>`.

    Raises Misuse for formats that cannot be written, Refused when a row would not load, a split stays empty, or (without
    `force`) a further round of made rows would leave without the real rows it goes back to.
    """
    store = workspace.store
    dataset, vid = store.resolve(address)
    rows = store.rows_of(vid)
    deepest, missing = without_real(store, dataset, rows)
    if missing:
        text = f"{dataset} holds rows made from made rows (depth {deepest}), and {', '.join(missing)} is not exported"
        if not force:
            raise Refused(
                f"{text}: models trained on such rounds without their real rows get worse with each.",
                next_step=f"First: tilth export {missing[0]}; or give --force.",
            )
        workspace.listener(Noticed(text, "loud"))
    asked = {
        "format": format, "trainer": trainer, "split": split, "group_by": group_by, "uniform": uniform,
        "escape_formulas": escape_formulas, "seed": workspace.seed if seed is None else seed,
    }  # fmt: skip
    told, notes = options(rows.mapping, **asked)  # type: ignore[arg-type]
    target = folder or default_folder(workspace.root, dataset, vid, told.to_json())
    with store.writing(f"tilth export {address}"):
        temporary = temporary_for(target)
        try:
            written = write_data(
                rows,
                temporary,
                **asked,  # type: ignore[arg-type]
                dataset=dataset,
                earlier=earlier(store, rows),
                progress=_progress(workspace),
            )
            write_card(store, dataset, vid, temporary, written)
            changed = place(temporary, target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        where = os.path.relpath(target, workspace.root)
        if changed:
            files = {file.path: file.sha256 for file in written.files}
            details = {"folder": where, "files": files, "losses": [loss.code for loss in written.losses]}
            counts = {"before": rows.version.rows, "after": rows.version.rows}
            entry = Entry("export", dataset, args=told.to_json(), inputs=(vid,), counts=counts, details=details)
            store.commit(replace(entry, actor=origin.actor, session=origin.session, call_id=origin.call_id))
    for note in [*notes, *written.notes, *(f"{loss.message} ({loss.rows:,} rows)" for loss in written.losses)]:
        workspace.listener(Noticed(note))
    workspace.listener(Finished(_line(dataset, vid, os.fspath(target), written, changed)))
    return Exported(target, written, changed, written.paste(dataset, os.fspath(target)))


def _progress(workspace: Workspace) -> Any:
    return lambda done, total, unit="rows": workspace.listener(Progressed("export", done, total, unit))


def _line(dataset: str, vid: str, folder: str, written: Written, changed: bool) -> dict[str, Any]:
    return {
        "tool": "export",
        "dataset": dataset,
        "version": vid,
        "folder": folder,
        "format": written.options.format,
        "rows": written.rows,
        "splits": [dict(share) for share in written.shares],
        "losses": [{"code": loss.code, "rows": loss.rows} for loss in written.losses],
        "changed": changed,
    }
