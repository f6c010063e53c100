"""`tilth eval calibrate`: the cut of a rubric fitted to people's verdicts, and kept in the workspace's calibrations/.

It knows where verdicts come from: rulings on rows of a dataset, or a file of texts and labels. How a cut is fitted is
`panel.calibration`'s business.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...prompts import Prompts
from ...tools.errors import BadInput, Misuse
from ...tools.filter.judge import candidate_of, judging
from ...tools.panel import Policy
from ...tools.store import disk
from ...tools.store.past import rulings
from .asking import CALIBRATIONS, World, asked

if TYPE_CHECKING:
    from ..panel.calibration import Calibration, Gold
    from ..workspace import Workspace


@dataclass(frozen=True)
class Calibrated:
    """What was fitted, and where it lies."""

    calibration: Calibration
    path: Path


def calibrate(
    workspace: Workspace,
    dataset: str,
    *,
    prompt: str = "judge/quality",
    gold: Path | None = None,
    field: str = "default",
    target: float = 0.9,
    reviewers: int = 3,
    batch: int = 1,
    votes: int = 1,
) -> Calibrated:
    """Show judged rows to the panel's judges and keep the cut that meets the target precision.

    Gold is the file `gold` (JSON lines of `text` and `good`, true or false), else the rulings on the dataset's rows:
    keep is good, drop is not. With `batch` judges see several at once, as filter.judge shows them. Raises Misuse without
    any, Refused when no cut is good enough.
    """
    store = workspace.store
    job = judging(Prompts(store.root / "prompts"), prompt, Policy(reviewers=reviewers))
    job = replace(job, batch=batch, votes=votes)
    rows = _from_file(gold) if gold is not None else _from_rulings(workspace, dataset, field)
    world: World = asked(store, workspace.spending, f"calibrate {prompt}", workspace.seed, workspace.listener)["panel"]
    fitted = world.calibrate(job, rows, target=target)
    name = hashlib.sha256(job.name.encode()).hexdigest()[:8]
    path = store.root / CALIBRATIONS / f"{prompt.replace('/', '-')}-{name}.json"
    text = json.dumps(fitted.to_json(), indent=1, ensure_ascii=False)
    disk.write_file(path, text.encode() + b"\n", temporary=store.state / "tmp" / path.name)
    return Calibrated(fitted, path)


def _from_file(path: Path) -> list[Gold]:
    from ..panel.calibration import Gold

    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"{path} cannot be read: {error}.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            text, good = told["text"], told["good"]
        except (ValueError, KeyError, TypeError):
            text, good = None, None
        if not isinstance(text, str) or not isinstance(good, bool):
            raise BadInput(
                f"{path}:{number} is no gold row.", next_step='Write {"text": "…", "good": true} on every line.'
            )
        found.append(Gold(candidate_of(text), good))
    if not found:
        raise Misuse(f"{path} holds no gold rows.")
    return found


def _from_rulings(workspace: Workspace, dataset: str, field: str) -> list[Gold]:
    from ..panel.calibration import Gold

    store = workspace.store
    name, vid = store.resolve(workspace.address(dataset))
    said = rulings.last_words(rulings.read(store.root), name)
    imports = [one.output for one in store.ledger.lineage(name, vid) if one.kind == "import" and one.output]
    if not said or not imports:
        raise Misuse(f"Nobody has ruled on rows of {name}.",
                     next_step=f"'tilth review {name}' asks about rows, or give --gold FILE.")  # fmt: skip
    rows = store.rows_of(imports[-1])
    places = rows.positions_of(list(said))
    chosen = rows.mapping.resolve_field(field)
    order = sorted(places.items(), key=lambda one: one[1])
    records = rows.records([place for _, place in order])
    return [
        Gold(candidate_of(rows.mapping.text(record, chosen)), said[row_id].word == "keep")
        for (row_id, _), record in zip(order, records, strict=True)
    ]
