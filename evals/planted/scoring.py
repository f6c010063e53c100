"""Planted against found: which step should see which kind, and what a run made of it.

It knows tool ids, actions and reasons as decisions name them. It does not know how to run a tool.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Final

from .truth import DECOYS, DUPLICATES, Truth

Outcome = tuple[str, str, str]
"""A decision about a line: the tool id, the action (drop, edit, flag; reject at import) and the reason."""

IMPORT: Final = "import"
"""Stands for the tool id where a line was rejected before any tool saw it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The tool that should find a kind and its reason; `also` are (tool, reason) pairs that will do."""

    tool: str
    reason: str
    also: tuple[tuple[str, str], ...] = ()
    signal: bool = False
    """The line must be flagged and kept."""

    @property
    def reasons(self) -> tuple[tuple[str, str], ...]:
        return ((self.tool, self.reason), *self.also)


_BAD: Final = (
    "not_json", "not_utf8", "nan_or_infinity", "extra_data", "repeated_key", "lone_surrogate",
    "number_overflow",
)  # fmt: skip
_CHAT: Final = (
    "no_messages", "unknown_role", "role_order", "last_turn_not_assistant", "empty_turn",
    "tool_call_without_result", "tool_result_without_call", "arguments_not_json",
)  # fmt: skip
_UNICODE: Final = ("mojibake", "control_characters", "zero_width", "not_nfc")
_RULES: Final = ("echoed_response", "markup_leak", "repeated_ngrams", "replacement_characters")
_EXACT: Final = ("dedup.exact", "exact_duplicate")
_NEAR: Final = ("dedup.near", "near_duplicate")

KINDS: Final[Mapping[str, Expected]] = {
    **{kind: Expected(IMPORT, kind) for kind in _BAD},
    **{kind: Expected("filter.chat", kind) for kind in _CHAT},
    **{kind: Expected("clean.unicode", kind) for kind in _UNICODE},
    "empty_response": Expected("filter.rules", "empty_response", also=(("filter.chat", "empty_turn"),)),
    **{kind: Expected("filter.rules", kind) for kind in _RULES},
    "refusal": Expected("filter.rules", "refusal", signal=True),
    "truncation": Expected("filter.rules", "truncation", signal=True),
    "exact_duplicate": Expected("dedup.exact", "exact_duplicate", also=(("dedup.near", "near_duplicate"),)),
    "reserialized_duplicate": Expected("dedup.exact", "exact_duplicate", also=(("dedup.near", "near_duplicate"),)),
    "near_duplicate": Expected("dedup.near", "near_duplicate", also=(("dedup.exact", "exact_duplicate"),)),
}
"""Each kind a line may bear and who should find it, in the order of a usual recipe."""

_SIGNALS: Final = {expected.reasons[0]: kind for kind, expected in KINDS.items() if expected.signal}
_GONE: Final = ("drop", "reject")


@dataclass(frozen=True, slots=True)
class KindScore:
    """What became of one kind, in lines.

    planted: lines that bear the kind; of duplicates, those beyond one of each cluster.
    found: lines on which the expected step acted, for this kind or for another of the line's that is its
    business too (a row is dropped for one reason only); of duplicates, those gone for whatever reason.
    masked: not found, but dropped for another defect that they bear.
    false_alarms: lines dropped, edited or flagged for this reason that bear nothing the step should act on,
    and the last of a cluster. Of a decoy, `planted` lines were on offer, `false_alarms` taken for a defect.
    """

    kind: str
    planted: int
    found: int
    false_alarms: int
    expected_step: str
    masked: int = 0
    decoy: bool = False

    @property
    def recall(self) -> float | None:
        """Share found of those that could be found; None where there were none."""
        findable = self.planted - self.masked
        return self.found / findable if findable else None


def score(truth: Truth, outcomes: Mapping[int, Iterable[Outcome]]) -> list[KindScore]:
    """How well a run did: the kinds in the order of KINDS, reasons nothing was planted for, and the decoys.

    `outcomes` maps a line number (from 1) to the decisions about it; lines without any may be left out.
    """
    told = {line: tuple(decisions) for line, decisions in outcomes.items()}
    gone = {line for line, decisions in told.items() if any(action in _GONE for _, action, _ in decisions)}
    planted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    masked: Counter[str] = Counter()
    for line, kinds in truth.kinds.items():
        for kind in kinds.difference(DUPLICATES):
            planted[kind] += 1
            if _was_seen(kind, kinds, told.get(line, ())):
                found[kind] += 1
            elif _was_due_to_go(kinds, told.get(line, ())):
                masked[kind] += 1
    for cluster in truth.clusters:
        planted[cluster.kind] += len(cluster.lines) - 1
        found[cluster.kind] += min(len(gone.intersection(cluster.lines)), len(cluster.lines) - 1)
    alarms = _false_alarms(truth, told)
    scores, unclaimed = [], dict(alarms)
    for kind, expected in KINDS.items():
        false = len(unclaimed.pop(expected.reasons[0], ()))
        scores.append(KindScore(kind, planted[kind], found[kind], false, expected.tool, masked[kind]))
    scores += [KindScore(reason, 0, 0, len(lines), tool) for (tool, reason), lines in sorted(unclaimed.items())]
    return scores + _decoy_scores(truth, alarms)


def _reasons(kinds: Iterable[str]) -> set[tuple[str, str]]:
    """What a line of these kinds may be dropped or edited for."""
    return {pair for kind in kinds if not KINDS[kind].signal for pair in KINDS[kind].reasons}


def _was_seen(kind: str, kinds: Set[str], decisions: Iterable[Outcome]) -> bool:
    expected = KINDS[kind]
    if expected.signal:
        return (expected.tool, "flag", expected.reason) in decisions
    own, all_of_them = _reasons([kind]), _reasons(kinds)
    steps = {tool for tool, _ in own}
    return any(
        ((tool, reason) in own and action != "flag")
        or (action in _GONE and tool in steps and (tool, reason) in all_of_them)
        for tool, action, reason in decisions
    )


def _was_due_to_go(kinds: Set[str], decisions: Iterable[Outcome]) -> bool:
    """Was the line dropped for a kind that it bears?"""
    reasons = _reasons(kinds)
    return any(action in _GONE and (tool, reason) in reasons for tool, action, reason in decisions)


def _false_alarms(truth: Truth, told: Mapping[int, Iterable[Outcome]]) -> dict[tuple[str, str], set[int]]:
    """(tool, reason) -> the lines on which the tool had no cause to act so."""
    alarms: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for line, decisions in told.items():
        kinds = truth.kinds.get(line, frozenset())
        busy = {tool for tool, _ in _reasons(kinds)}
        for tool, action, reason in decisions:
            signal = _SIGNALS.get((tool, reason))
            if signal is not None:
                wrong = action != "flag" or signal not in kinds
            else:
                wrong = action in (*_GONE, "edit") and tool not in busy
            if wrong:
                alarms[tool, reason].add(line)
    duplicate = _reasons(DUPLICATES)
    for cluster in truth.clusters:
        taken = [
            (line, (tool, reason))
            for line in cluster.lines
            for tool, action, reason in told.get(line, ())
            if action == "drop" and (tool, reason) in duplicate
        ]
        for line, pair in taken[len(cluster.lines) - 1 :]:
            alarms[pair].add(line)
    return dict(alarms)


def _decoy_scores(truth: Truth, alarms: Mapping[tuple[str, str], set[int]]) -> list[KindScore]:
    scores = []
    for decoy, kinds in DECOYS.items():
        offered = {line for line, looks in truth.decoys.items() if decoy in looks}
        taken = {line for pair in _reasons(kinds) for line in alarms.get(pair, set()) & offered}
        scores.append(KindScore(decoy, len(offered), 0, len(taken), KINDS[kinds[0]].tool, decoy=True))
    return scores
