"""People look at single rows and rule: what is drawn for them, what is written down, what follows at once.

It knows samples and rulings. How a row is shown and how the answer is asked for is the face's business.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..tools.errors import Misuse, nearest
from ..tools.store.past import history, rulings, stored
from ..tools.store.past.rulings import STAYED as STAYED
from ..tools.store.past.rulings import Rate as Rate
from ..tools.store.past.rulings import Ruling, Word
from ..tools.store.past.rulings import rates as rates
from .events import Noticed
from .recipes import replay

if TYPE_CHECKING:
    from .workspace import Workspace


@dataclass(frozen=True)
class Case:
    """One row to rule on: what was decided about it, and the row that stayed in its place if it was a duplicate."""

    row: stored.StoredRow
    reason: str
    decision: history.Decision | None
    survivor: stored.StoredRow | None


def cases(workspace: Workspace, dataset: str, *, reason: str | None = None, count: int = 50) -> list[Case]:
    """A seeded sample for review: rows dropped for one reason, or about half dropped for any and half that stayed.

    Rows somebody has ruled on are left out. Raises Misuse for a reason nothing was dropped for.
    """
    store, seed = workspace.store, workspace.seed
    name, _ = store.resolve(dataset)
    ruled = set(rulings.last_words(rulings.read(workspace.root), name))
    found = history.drops(store, dataset, reason=reason, count=count + len(ruled), seed=seed)
    dropped = [one for one in found if one.row.row_id not in ruled]
    if reason is not None and not dropped:
        reasons = {name for one in history.funnel(store, dataset) for name in one.dropped}
        if reason not in reasons:
            raise Misuse(f"No row of {dataset} was dropped for {reason!r}.", next_step=nearest(reason, reasons))
    rng = np.random.default_rng([seed, count])
    picked = [dropped[i] for i in sorted(rng.permutation(len(dropped))[: count if reason else count // 2])]
    told = [Case(one.row, one.decision.reason, one.decision, one.survivor) for one in picked]
    if reason is None:
        rows = store.rows(dataset)
        some = stored.stored_rows(rows, np.sort(rng.permutation(len(rows))[: count - len(told) + len(ruled)]))
        stayed = [Case(row, "", None, None) for row in some if row.row_id not in ruled]
        told += stayed[: count - len(told)]
    return [told[i] for i in rng.permutation(len(told))]


def rule(workspace: Workspace, dataset: str, said: Sequence[tuple[Case, Word, str]], *, blind: bool = False) -> None:
    """Write down what was said about the cases of a review, and do the dataset's steps again under it."""
    name, _ = workspace.store.resolve(dataset)
    today, who = date.today().isoformat(), _who()
    new = [
        Ruling(name, case.row.row_id, word, because, who, today, case.reason, sampled=True, blind=blind)
        for case, word, because in said
    ]
    ruled = _changes(workspace, name, {case.row.row_id: word for case, word, _ in said})
    rulings.append(workspace.root, new)  # before the lock: what a person has said is not lost to a busy workspace
    workspace.listener(_written(new))
    if any(word != "unsure" for _, word, _ in said):
        with workspace.store.writing(f"tilth review {dataset}"):
            replay.again(workspace, dataset, ruled)


def rule_one(workspace: Workspace, row: str, word: Word, because: str, dataset: str | None = None) -> replay.Replayed:
    """`tilth keep ROW` and `tilth drop ROW`: one ruling, in force at once and in every later run. Raises Misuse."""
    if not because.strip():
        raise Misuse("A ruling needs a reason.", next_step="Say --because '…'.")
    life = workspace.why(row, dataset=dataset)
    if life.purged:
        raise Misuse(f"The row {life.row_id[:12]} was purged; there is nothing left to rule on.")
    told = [one for one in life.decisions if life.aside.get(one.entry.seq) not in ("undone", "trial")]
    last = next((one.reason for one in reversed(told) if one.action == "drop"), "")
    ruling = Ruling(life.dataset, life.row_id, word, because, _who(), date.today().isoformat(), last)
    with workspace.store.writing(f"tilth {word} {row}"):
        ruled = _changes(workspace, life.dataset, {life.row_id: word})
        rulings.append(workspace.root, [ruling])
        made = replay.again(workspace, life.dataset, ruled)
    workspace.listener(_written([ruling]))
    return made


def follow(
    workspace: Workspace, dataset: str, crossed: Sequence[tuple[str, str]], kind: Literal["undo", "redo"]
) -> int:
    """Take back the rulings that made the crossed versions, or give them again: otherwise a later run would not come to
    the version that is now current. `crossed` are (version before, version after); -> how many rulings."""
    made = {
        (one.inputs[0], one.output): one.args["ruled"]
        for one in workspace.store.ledger.of(dataset)
        if one.kind == "run" and "ruled" in one.args
    }
    today, who = date.today().isoformat(), _who()
    said = [
        Ruling(dataset, row_id, before if kind == "undo" else after, kind, who, today)
        for pair in crossed
        for row_id, (before, after) in made.get(pair, {}).items()
    ]
    rulings.append(workspace.root, said)
    return len(said)


def _written(said: Sequence[Ruling]) -> Noticed:
    what = "the ruling is" if len(said) == 1 else f"{len(said):,} rulings are"
    return Noticed(f"{what} written in {rulings.FILE}, which every later run heeds")


def _changes(workspace: Workspace, dataset: str, words: Mapping[str, Word]) -> dict[str, tuple[Word, Word]]:
    """What rulings change: row id -> (the word before, the word now)."""
    last = rulings.last_words(rulings.read(workspace.root), dataset)
    before: dict[str, Word] = {row_id: last[row_id].word if row_id in last else "unsure" for row_id in words}
    return {row_id: (before[row_id], word) for row_id, word in words.items() if word != before[row_id]}


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "someone"
