"""The suite `filtering`: which lines of a messy chat dataset must go. It knows what counts for a line and what does not.

The data and their truth are `planted`'s: the same kinds that the shipped tools are tried on. With real data, texts are
to be dropped that most of the people who were asked call bad.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ...tools.errors import Misuse
from ..planted import Cluster, generate
from ..planted.draw import Draw
from ..planted.truth import DUPLICATES
from ..real import UNANIMOUS, VOTES, Vote, digest, enough, named, read_votes
from ..sets import generator, instance_id
from ..suite import Baseline, Instance, Score

ROWS: Final = 300
FILE: Final = "chat.jsonl"
LEFT_ALONE: Final = frozenset({"mojibake", "control_characters", "zero_width", "not_nfc", "refusal", "truncation"})
"""Kinds for which a line may go or stay: they can be repaired, or are a matter of taste."""

SCHEMA: Final = {
    "type": "object",
    "required": ["drop"],
    "additionalProperties": False,
    "properties": {"drop": {"type": "array", "items": {"type": "integer", "minimum": 1}}},
}

TASK: Final = f"""\
{FILE} holds conversations for fine-tuning, one JSON object with "messages" in a line. Say which lines must be dropped.

A line must go when it is no valid JSON record in UTF-8 (also when it holds NaN, an overflowing number, a lone surrogate,
a repeated key or a second value); when its conversation is malformed (no messages, an empty turn, an unknown role, roles
out of order, no answer at the end, a tool call without its result or the reverse, arguments that are no JSON); when the
answer is empty, echoes the question, repeats itself without end, shows a chat template's own marks or replacement
characters; and when it is a copy or a near copy of a line that stays (70 % of five-word sequences shared): of such lines
exactly one stays, whichever. Lines of which a tool could repair the letters, refusals and answers cut short count neither
way. What a text quotes on purpose is no defect, and a system prompt that many share is none.

{{hand_in}}"""

REAL_TASK: Final = """\
{file} holds texts, one JSON object with "text" in a line. Several people said of each whether it is good to train a language
model on. Say which lines most of them called bad.

{hand_in}"""

HAND_IN: Final = """\
Hand in {"drop": [line numbers]}, the first line being 1; an empty list keeps all. The score is the share of bad lines
that were dropped plus the share of good ones that were kept, minus 1: 0 for dropping nothing or everything, 1 at best."""

TEXTS: Final = 20
"""Texts in one instance of real data."""
REAL_FILE: Final = "texts.jsonl"


@dataclass(frozen=True, slots=True)
class Lines:
    """`bad` lines must go, `good` ones stay, and of each of the `copies` one stays; other lines do not count."""

    bad: frozenset[int]
    good: frozenset[int]
    copies: tuple[frozenset[int], ...]


class Filtering:
    """Keep or drop, line by line, against planted truth."""

    name = "filtering"
    version = 1
    summary = "say which lines of a messy chat dataset must be dropped"
    metric = "youden"
    better: Literal["higher", "lower"] = "higher"

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        return [self._instance(seed, number) for number in range(count)]

    def _instance(self, seed: str, number: int) -> Instance:
        planted = generate(generator(seed, self.name, number).getrandbits(53), ROWS)
        kinds = {str(line): sorted(found) for line, found in sorted(planted.truth.kinds.items())}
        decoys = {str(line): sorted(looks) for line, looks in sorted(planted.truth.decoys.items())}
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=TASK.format(hand_in=HAND_IN),
            files={FILE: planted.jsonl},
            submission=SCHEMA,
            truth={
                "lines": len(planted.lines),
                "kinds": kinds,
                "decoys": decoys,
                "copies": _joined(planted.truth.clusters),
            },
            tags={"base": "chat"},
            cluster=str(number),
        )

    def with_data(self, folder: Path) -> FilteringVotes:
        """Over FOLDER/majority_data.jsonl (`{"text": …, "label": 1 or 0}` a line).

        Raises Misuse when it is not there, BadInput when it has another form.
        """
        return FilteringVotes(folder)

    def score(self, instance: Instance, submission: Mapping[str, Any]) -> Score:
        """Youden's J (1950), signed. Raises Misuse, also for a line that the file does not have.

        Chance is a little above 0: whichever of two copies goes, the other may stay.
        """
        truth, dropped = instance.truth, _dropped(submission, instance.truth["lines"])
        lines = _lines(truth)
        gone = len(dropped & lines.bad) + sum(min(len(dropped & copies), len(copies) - 1) for copies in lines.copies)
        due = len(lines.bad) + sum(len(copies) - 1 for copies in lines.copies)
        kept = len(lines.good - dropped) + sum(not copies <= dropped for copies in lines.copies)
        worthy = len(lines.good) + len(lines.copies)
        lost = worthy - kept
        fooled = {int(line) for line in truth["decoys"]} & lines.good & dropped
        weights: dict[str, tuple[float, float]] = {
            "sensitivity": (gone, due),
            "specificity": (kept, worthy),
            "precision": (gone, gone + lost),
        }
        metrics = {name: part / whole for name, (part, whole) in weights.items() if whole}
        youden = metrics["sensitivity"] + metrics["specificity"] - 1 if due and worthy else None
        if youden is not None:
            metrics["youden"] = youden
        metrics |= {"dropped": len(dropped), "look_alikes_dropped": len(fooled)}
        return Score(youden, metrics, _by_kind(truth, dropped), weights=weights)

    def known(self, name: Baseline, instance: Instance, rng: random.Random) -> Mapping[str, Any] | None:
        count = int(instance.truth["lines"])
        if name == "oracle":
            lines = _lines(instance.truth)
            return {"drop": sorted(lines.bad.union(*(sorted(copies)[1:] for copies in lines.copies)))}
        draw = Draw.by(rng)
        guessed = sorted(draw.some(range(1, count + 1), draw.below(count // 2))) if name == "random" else []
        return {"drop": list(range(1, count + 1)) if name == "sprayer" else guessed}


class FilteringVotes(Filtering):
    """Texts with people's votes. The seed decides which stand together; no text is in two instances."""

    def __init__(self, folder: Path) -> None:
        self.name = named(Filtering.name, folder)
        self.summary = f"say which texts of {folder.name} most people called bad"
        self.data = digest(folder, [name for name in (VOTES, UNANIMOUS) if name == VOTES or (folder / name).exists()])
        self._folder = folder
        self._votes = read_votes(folder)
        self.most = len(self._votes) // TEXTS

    def with_data(self, folder: Path) -> FilteringVotes:
        return FilteringVotes(folder)

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        """Raises Misuse when there are not so many texts."""
        enough(self._folder, self.most, count, f"{TEXTS} texts")
        order = Draw.by(generator(seed, self.name)).shuffled(self._votes)
        return [self._texts(seed, number, order[number * TEXTS : (number + 1) * TEXTS]) for number in range(count)]

    def _texts(self, seed: str, number: int, votes: Sequence[Vote]) -> Instance:
        bad = {
            str(line): ["bad_unanimous" if one.unanimous else "bad_contested"]
            for line, one in enumerate(votes, 1)
            if not one.good
        }
        lines = (json.dumps({"text": one.text}, ensure_ascii=False) for one in votes)
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=REAL_TASK.format(file=REAL_FILE, hand_in=HAND_IN),
            files={REAL_FILE: ("\n".join(lines) + "\n").encode()},
            submission=SCHEMA,
            truth={"lines": len(votes), "kinds": bad, "decoys": {}, "copies": []},
            tags={},
            cluster=str(number),
        )


def _joined(clusters: Sequence[Cluster]) -> list[list[int]]:
    """Clusters that share a line are one."""
    groups: list[set[int]] = []
    for cluster in clusters:
        new = set(cluster.lines)
        for group in [group for group in groups if group & new]:
            groups.remove(group)
            new |= group
        groups.append(new)
    return sorted(sorted(group) for group in groups)


def _lines(truth: Mapping[str, Any]) -> Lines:
    """Copies that are bad for another reason as well must go for that, and are no longer their group's."""
    kinds = {int(line): set(found) for line, found in truth["kinds"].items()}
    bad = {line for line, found in kinds.items() if found - LEFT_ALONE - set(DUPLICATES)}
    groups = (frozenset(group) - bad for group in truth["copies"])
    copies = tuple(group for group in groups if group)
    good = set(range(1, truth["lines"] + 1)) - set(kinds)
    return Lines(frozenset(bad), frozenset(good), copies)


def _dropped(submission: Mapping[str, Any], lines: int) -> frozenset[int]:
    told = submission.get("drop")
    if set(submission) != {"drop"} or not isinstance(told, list):
        raise Misuse("A submission is an object with one key, drop, which holds a list of line numbers.")
    for line in told:
        if not isinstance(line, int) or isinstance(line, bool) or not 1 <= line <= lines:
            raise Misuse(f"{line!r} is no line of the file, which has the lines 1 to {lines:,}.")
    return frozenset(told)


def _by_kind(truth: Mapping[str, Any], dropped: frozenset[int]) -> dict[str, float]:
    """Of the bad lines that bear a kind, the share dropped."""
    found: dict[str, list[bool]] = {}
    for line, kinds in truth["kinds"].items():
        for kind in set(kinds) - LEFT_ALONE - set(DUPLICATES):
            found.setdefault(kind, []).append(int(line) in dropped)
    return {kind: sum(hits) / len(hits) for kind, hits in sorted(found.items())}


SUITE: Final = Filtering()
