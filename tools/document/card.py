"""The dataset card: `document.card` previews it, `write_card` writes it beside exported files, `verify_card`
checks it.

It knows which parts make a card. What they say is in the modules beside this one.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from ..change import Report
from ..context import Context
from ..store import licences
from ..store.disk import sha256
from ..store.export import Written, write_data
from ..store.export.folder import FORMAT, MANIFEST, README
from ..store.rows import Rows
from ..store.store import Store
from ..tool import Arg, tool
from . import _lineage, _measured
from ._answers import read_answers
from ._facts import Facts
from ._render import Card, render, text
from ._verify import Drift as Drift
from ._verify import Verified as Verified
from ._verify import verify_card as verify_card

Format = Literal[
    "default", "messages", "prompt-completion", "preference", "unpaired-preference", "text", "alpaca",
    "sharegpt", "jsonl", "csv", "parquet",
]  # fmt: skip


@tool("document.card", effect="reads", reads=("answers.toml",))
def card(
    ctx: Context,
    data: Rows,
    *,
    format: Annotated[Format, Arg("the format an export would have; 'default' is the dataset's own")] = "default",
) -> Report:
    """Preview the dataset card that an export would write.

    Every number in it is a fact computed from the files such an export would hold, or taken from the ledger;
    what only people can say comes from `answers.toml` ([DATASET] purpose, uses, unsuitable, collection,
    people, sensitive, limits, maintenance, contact, citation, license), or is "Not provided". Nothing is
    written; `tilth export` writes the card, and `tilth verify-card DIR` computes all of it again.

    Headings follow Datasheets for Datasets (Gebru et al. 2021) and the hub's dataset card. Languages:
    fastText lid.176 on up to 4,096 rows. Percentiles are nearest rank. There are no findings and no reason
    codes.
    """
    folder = ctx.scratch / "card"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wanted = None if format == "default" else format
    written = write_data(data, folder, format=wanted, progress=lambda done, total: ctx.progress(done, total))
    write_card(ctx.store, ctx.dataset, data.vid, folder, written)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    markdown = (folder / README).read_text(encoding="utf-8")
    shutil.rmtree(folder)
    return Report(facts=list(Facts.from_json(manifest["facts"]).values()), details={"markdown": markdown})


def write_card(store: Store, dataset: str, vid: str, folder: Path, written: Written) -> list[str]:
    """Write README.md, manifest.json and provenance.jsonl beside exported data files; -> their names.

    Raises Misuse when `answers.toml` asks for something unknown.
    """
    answers = read_answers(store.root, dataset)
    entries = store.ledger.lineage(dataset, vid)
    first = _lineage.last_import(entries)
    imported = None if first is None else store.rows_of(first)
    path = folder / _lineage.PROVENANCE
    path.write_bytes(_lineage.dump(_lineage.provenance(dataset, vid, entries, written, imported)))
    shipped = {
        "path": path.name,
        "sha256": sha256(path),
        "bytes": path.stat().st_size,
        "rows": 0,
        "split": None,
    }
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "dataset": dataset,
        "version": vid,
        "license": answers.license and licences.read(answers.license).told,
        "options": written.options.to_json(),
        "files": [*map(asdict, written.files), shipped],
        "mapping": written.mapping.to_json(),
        "features": written.features,
    }
    facts = Facts(
        [*_lineage.recorded(dataset, _lineage.load(path.read_bytes())), *_measured.measured(folder, manifest)]
    )
    manifest["facts"] = facts.to_json()
    (folder / README).write_text(text(render(Card.of(manifest, answers.texts))), encoding="utf-8")
    manifest["readme"] = sha256(folder / README)
    dumped = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(dumped, encoding="utf-8")
    return [_lineage.PROVENANCE, README, MANIFEST]
