"""The suite `wikitables`: questions of people over tables of Wikipedia, from WikiTableQuestions (arXiv 1508.00305).

The data are not part of this project: --data names their folder. An answer is right when it denotes the same set of
values: numbers by value, dates by day, texts after normalisation.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from ...tools.errors import Misuse
from ..planted.draw import Draw
from ..real import content, digest, enough, named
from ..sets import generator, instance_id
from ..suite import Baseline, Instance, Score

QUESTIONS: Final = "pristine-unseen-tables.tsv"
TABLE: Final = "table.csv"
SCHEMA: Final = {
    "type": "object",
    "required": ["answer"],
    "additionalProperties": False,
    "properties": {"answer": {"type": "array", "items": {"type": ["string", "number"]}}},
}
TASK: Final = f"""\
{TABLE} is a table from Wikipedia; in its quoted cells a quote is written \\". Answer this question about it:

{{question}}

Hand in {{{{"answer": [value, …]}}}}: the value, or all of them where the answer is several. Order does not matter."""

_ESCAPED: Final = {r"\n": "\n", r"\p": "|", r"\\": "\\"}
_QUOTES: Final = str.maketrans({"‘": "'", "’": "'", "´": "'", "`": "'", "“": '"', "”": '"', "‐": "-", "‑": "-", "‒": "-",
                                "–": "-", "—": "-", "−": "-"})  # fmt: skip
_MONTHS: Final = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
                  "november", "december")  # fmt: skip


class WikiTables:
    """Real tables, real questions."""

    name = "wikitables"
    version = 1
    summary = "answer people's questions over tables of Wikipedia (WikiTableQuestions)"
    metric = "correct"
    better: Literal["higher", "lower"] = "higher"

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        """Raises Misuse: there are no questions without data."""
        raise Misuse(
            f"The suite {self.name} needs the WikiTableQuestions data.",
            next_step=f"--data DIR names the folder that holds {QUESTIONS} (CC BY-SA 4.0).",
        )

    def with_data(self, folder: Path) -> WikiTablesData:
        """Over FOLDER/pristine-unseen-tables.tsv and csv/. Raises Misuse when they are not there."""
        return WikiTablesData(folder)

    def _instance(self, seed: str, number: int, folder: Path, question: Sequence[str]) -> Instance:
        _, text, context, target = question
        gold = [_unescaped(value) for value in target.split("|")]
        kind = "several" if len(gold) > 1 else "number" if isinstance(_value(gold[0]), float) else "text"
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=TASK.format(question=_unescaped(text)),
            files={TABLE: content(folder, context)},
            submission=SCHEMA,
            truth={"gold": gold},
            tags={"answer": kind},
            cluster=context,
        )

    def score(self, instance: Instance, submission: Mapping[str, Any]) -> Score:
        answer = submission.get("answer")
        if set(submission) != {"answer"} or not isinstance(answer, list):
            raise Misuse("A submission is an object with one key, answer, which holds a list of values.")
        if not all(isinstance(value, str | int | float) for value in answer):
            raise Misuse("A value of the answer is neither text nor number.")
        right = float(denotes([str(value) for value in answer], instance.truth["gold"]))
        return Score(right, {"correct": right}, {instance.tags["answer"]: right}, weights={"accuracy": (right, 1.0)})

    def known(self, name: Baseline, instance: Instance, rng: random.Random) -> Mapping[str, Any] | None:
        """Random is one cell, the sprayer all of them."""
        cells = re.findall(r'"((?:[^"\\]|\\.)*)"', instance.files[TABLE].decode("utf-8"))
        draw = Draw.by(rng)
        found = {"oracle": instance.truth["gold"], "nothing": [], "random": [draw.pick(cells)], "sprayer": cells}
        return {"answer": found[name]}


class WikiTablesData(WikiTables):
    """The questions of a folder, in an order that the seed decides."""

    def __init__(self, folder: Path) -> None:
        lines = content(folder, QUESTIONS).decode("utf-8").split("\n")[1:]
        self._questions = [line.split("\t") for line in lines if line.count("\t") == 3]
        self._folder = folder
        self.name = named(WikiTables.name, folder)
        self.data = digest(folder, [QUESTIONS, *{context for _, _, context, _ in self._questions}])
        self.most = len(self._questions)

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        """Raises Misuse when there are not so many questions."""
        enough(self._folder, self.most, count, "one question")
        order = Draw.by(generator(seed, self.name)).shuffled(self._questions)
        return [self._instance(seed, number, self._folder, order[number]) for number in range(count)]


def denotes(given: Sequence[str], gold: Sequence[str]) -> bool:
    """Do both lists denote the same set of values?"""
    return {_value(one) for one in given} == {_value(one) for one in gold}


def _value(text: str) -> Any:
    """A number, a day as (year, month, day), or a normalised text."""
    plain = _normalised(text)
    number = plain.replace(",", "") if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", plain) else plain
    try:
        found = float(number)
        return round(found, 6) if abs(found) < 1e15 else plain
    except ValueError:
        pass
    if day := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", plain):
        return int(day[1]), int(day[2]), int(day[3])
    if (day := re.fullmatch(r"([a-z]+) (\d{1,2}),? (\d{4})", plain)) and day[1] in _MONTHS:
        return int(day[3]), _MONTHS.index(day[1]) + 1, int(day[2])
    return plain


def _normalised(text: str) -> str:
    """Letters without marks, plain quotes and dashes, no note marks and no bracketed end, no case, one space."""
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) != "Mn").translate(_QUOTES)
    while True:
        before = text
        text = re.sub(r"(?:\[[^\]]*\]|[♦†‡*#+^])+$", "", text.strip()).strip()
        text = re.sub(r"(?<=.)\s*\([^)]*\)$", "", text).strip()
        text = re.sub(r'^"([^"]*)"$', r"\1", text).strip()
        if text == before:
            break
    return " ".join(text.rstrip(".").lower().split())


def _unescaped(text: str) -> str:
    return re.sub(r"\\[np\\]", lambda found: _ESCAPED[found[0]], text)


SUITE: Final = WikiTables()
