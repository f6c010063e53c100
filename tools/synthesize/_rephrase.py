"""The strategy `rephrase`: the same content in another style, piece by piece, each with the characters it came from.

It knows pieces of texts, styles, and what a rewriting must keep. Offline it leaves out sentences that mention nothing
of their own: the style is not heeded then.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from pydantic import Field

from ..errors import Misuse
from ..panel import Candidate, Gate, Job, Prior, Rejected, Request, Step, Task
from ..text.mentions import lost, mentions
from . import _gates
from ._seeds import INSTRUCTIONS, Seeds
from ._strategy import Config, Wish, draw, evidence, request, rubric, strategy, text_of

NAME: Final = "rephrase"
VERSION: Final = 1

Style = Literal["easy", "medium", "hard", "qa"]

BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "easy": (0.4, 2.5),
    "medium": (0.4, 2.0),
    "hard": (0.25, 1.8),
    "qa": (0.3, 3.5),
}
"""Length of a rephrased piece over that of its source, in characters."""

CHARACTERS_A_TOKEN: Final = 4

_SENTENCE: Final = re.compile(r"(?:[^.!?。！？\n]|[.!?](?=\S))+[.!?。！？]*[\"'”’)\]]*\s*|[.!?。！？\s]+")
_QUESTION: Final = re.compile(r"^\W*(?:question|q)\b[^\n:]{0,6}:", re.IGNORECASE | re.MULTILINE)
_ANSWER: Final = re.compile(r"^\W*(?:answer|a)\b[^\n:]{0,6}:", re.IGNORECASE | re.MULTILINE)
_CRITERIA: Final = {
    "faithful": "Does the rewriting say everything the source says, and nothing against it?",
    "adds_nothing": "Does the rewriting state nothing that the source does not?",
    "style": "Is the rewriting in the style that is asked for?",
    "complete": "Is the rewriting complete, without a word about being one?",
}


class Rephrasing(Config):
    """The config of `rephrase`."""

    styles: tuple[Style, ...] = Field(
        ("medium",), min_length=1, description="easy, medium, hard, qa; drawn for each piece"
    )
    tokens: int = Field(300, ge=20, description="of the longest piece, at 4 characters a token")


class Piece(NamedTuple):
    """text[start:end], the space around it left out."""

    start: int
    end: int


@strategy(NAME, version=VERSION, config=Rephrasing)
def rephrase(config: Rephrasing, seeds: Seeds, wish: Wish) -> Job:
    """Say the texts of all rows again in another style, with all their figures and names.

    Styles: easy (for a child), medium (as an encyclopedia), hard (terse, for specialists), qa (questions and answers).
    Texts are cut into pieces of at most 300 tokens at the ends of paragraphs and sentences; a row comes from each piece
    and points to its characters. Responses of chats and instructions are rephrased whole, in their place. A draft is
    rejected when it lacks a figure, date, web address or name of its source. Mix rephrased and real text 1:1 by tokens.
    After WRAP (Maini et al. 2024, arXiv 2401.16380).
    """
    return _Rephrase(config, seeds, wish).job()


class _Rephrase:
    def __init__(self, config: Rephrasing, seeds: Seeds, wish: Wish) -> None:
        self.config, self.seeds, self.wish = config, seeds, wish
        self.whole = seeds.mapping.format in INSTRUCTIONS
        self.field = self._field(wish.field)
        if self.whole and "qa" in config.styles:
            raise Misuse(
                "rephrase: the style qa is for texts, not for responses.", next_step="Use easy, medium or hard."
            )
        self.prompts = {style: wish.prompts.load(f"synthesize/rephrase_{style}") for style in config.styles}
        self.evidence: dict[str, dict[str, Any]] = {
            style: evidence(f"{NAME}@{VERSION}", wish, prompt, style=style) for style, prompt in self.prompts.items()
        }

    def tasks(self) -> Iterator[Task]:
        position = 0
        for row in range(len(self.seeds)):
            text = self.seeds.text(row, self.field)
            for piece in self._pieces(text):
                style = self.wish.rng(NAME, position).choice(self.config.styles)
                data = {"row": row, "start": piece.start, "end": piece.end, "style": style}
                yield Task(position, data, (self.seeds.parent(row, self.field, piece.start, piece.end),))
                position += 1

    def ask(self, task: Task, prior: Prior) -> Request:
        return request(self.prompts[task.data["style"]], [("source", self._source(task))], self.config)

    def read(self, task: Task, prior: Prior, answer: Mapping[str, Any]) -> Any:
        text = text_of(answer)
        if isinstance(text, Rejected):
            return text
        text = _gates.without_preamble(text)
        if task.data["style"] == "qa" and not (_QUESTION.search(text) and _ANSWER.search(text)):
            return Rejected("not_qa", "The answer holds no question with an answer.", {"opening": text[:80]})
        return text

    def candidate(self, task: Task, prior: Prior) -> Candidate | Rejected:
        return self._made(task.data["row"], self._source(task), prior["rephrased"], task.data["style"])

    def offline(self, task: Task) -> Prior | Rejected:
        return {"rephrased": condensed(self._source(task))}

    def corrupted(self, candidate: Candidate, rng: random.Random) -> Candidate | None:
        """The rewriting with one of its figures or names put wrong everywhere; None where it has none."""
        made = spoiled(candidate.shown["rephrased"], rng)
        if made is None:
            return None
        shown = {**candidate.shown, "rephrased": made}
        return Candidate(candidate.record, shown, made, candidate.data)

    def job(self) -> Job:
        real = draw(self.wish, range(len(self.seeds)))
        first = [(i, text, self._pieces(text)) for i in real if (text := self.seeds.text(i, self.field)).strip()]
        style = self.config.styles[0]
        controls = [
            self._made(i, text[p[0].start : p[0].end], text[p[0].start : p[0].end], style) for i, text, p in first
        ]
        return Job(
            name=NAME,
            tasks=self.tasks,
            steps=(Step("rephrased", self.ask, self.read),),
            candidate=self.candidate,
            rubric=rubric(self.wish, "rephrase", **_CRITERIA),
            gates=[
                _gates.length("rephrased"),
                _gates.unchanged("rephrased", "source"),
                _no_scaffold,
                _gates.answered("rephrased"),
                _gates.ratio("rephrased", "source", lambda task: BOUNDS[task.data["style"]]),
                _gates.faithful("rephrased", "source"),
            ],
            controls=[one for one in controls if isinstance(one, Candidate)],
            corrupted=self.corrupted,
            near_duplicate=None,
            fields=(self.field,),
            offline=self.offline,
        )

    def _field(self, field: str) -> str:
        if self.whole:
            if field not in ("default", "response"):
                raise Misuse(f"rephrase rewrites responses here, not {field!r}.", next_step="Leave --field out.")
            return "response"
        resolved = self.seeds.mapping.resolve_field(field)
        if self.seeds.mapping.format != "text" and resolved not in self.seeds.mapping.columns:
            raise Misuse("rephrase wants to know which column to rewrite.", next_step="Name it: --field COLUMN")
        return resolved

    def _pieces(self, text: str) -> list[Piece]:
        if self.whole:
            return pieces(text, len(text) + 1)
        return pieces(text, self.config.tokens * CHARACTERS_A_TOKEN)

    def _source(self, task: Task) -> str:
        return self.seeds.text(task.data["row"], self.field)[task.data["start"] : task.data["end"]]

    def _made(self, row: int, source: str, text: str, style: str) -> Candidate | Rejected:
        shown = {"style": style, "source": source, "rephrased": text}
        if self.whole:
            record = self.seeds.replaced(row, self.field, text)
            if record is None:
                return Rejected("not_one_text", "The response is not one text.")
        else:
            record = self.seeds.text_record(self.field, text)
        return Candidate(record, shown, text, self.evidence[style])


def pieces(text: str, most: int) -> list[Piece]:
    """Consecutive pieces of at most `most` characters, cut between paragraphs where one fits, else between sentences,
    else words; they leave out nothing but white space."""
    units: list[Piece] = []
    for paragraph in re.finditer(r"(?:(?!\n\s*\n).)+", text, re.DOTALL):
        whole = _trimmed(text, *paragraph.span())
        if whole.end - whole.start <= most:
            units += [whole] * (whole.end > whole.start)
            continue
        for sentence in _SENTENCE.finditer(text, *paragraph.span()):
            units += _cut(text, _trimmed(text, *sentence.span()), most)
    found: list[Piece] = []
    for unit in units:
        if found and unit.end - found[-1].start <= most:
            found[-1] = Piece(found[-1].start, unit.end)
        else:
            found.append(unit)
    return found


def condensed(text: str) -> str:
    """The text without the sentences that mention nothing which the others do not, as far as it stays half as long."""
    sentences = [match[0] for match in _SENTENCE.finditer(text)]
    for sentence in list(sentences):
        rest = "".join(one for one in sentences if one is not sentence)
        if sentence.strip() and len(rest.strip()) >= len(text) / 2 and not lost(text, rest):
            sentences = [one for one in sentences if one is not sentence]
    return "".join(sentences).strip()


def spoiled(text: str, rng: random.Random) -> str | None:
    """The text with every occurrence of one of its mentions put wrong; None where it mentions nothing."""
    found = [one for one in mentions(text) if one.kind != "web"]
    if not found:
        return None
    one = rng.choice(found)
    wrong = "".join(str((int(c) + 1 + rng.randrange(8)) % 10) if c.isdigit() else c for c in text[one.start : one.end])
    wrong = wrong if one.kind == "figure" else "Somebody"
    made = text
    for other in reversed([other for other in found if other.key == one.key]):
        made = made[: other.start] + wrong + made[other.end :]
    return made


def _no_scaffold(task: Task, candidate: Candidate) -> Rejected | None:
    """As every made text; questions and answers do begin with "Question:"."""
    gate: Gate = _gates.scaffold("rephrased")
    return None if task.data["style"] == "qa" else gate(task, candidate)


def _trimmed(text: str, start: int, end: int) -> Piece:
    inside = text[start:end]
    return Piece(start + len(inside) - len(inside.lstrip()), start + len(inside.rstrip()))


def _cut(text: str, unit: Piece, most: int) -> list[Piece]:
    """A sentence in parts of at most `most` characters, at white space where there is some."""
    found: list[Piece] = []
    while unit.end - unit.start > most:
        at = max(text.rfind(space, unit.start + 1, unit.start + most) for space in " \t\n")
        at = at if at > unit.start else unit.start + most
        found.append(_trimmed(text, unit.start, at))
        unit = _trimmed(text, at, unit.end)
    return [*found, unit] if unit.end > unit.start else found
