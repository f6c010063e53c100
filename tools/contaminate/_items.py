"""What an item of a benchmark is: a question, and perhaps an answer, options and a passage, each a text of its own.

It knows which columns of known benchmarks are which, and how an item's parts are read and joined. It does not know how
items are looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

from ..errors import Misuse, nearest
from ..store.format.mapping import FIELDS
from ..store.format.paths import find, parse_path
from ..store.rows import Rows

PARTS: Final = ("question", "answer", "options", "passage")
"""The parts of an item, in the order they are joined."""

_KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "question": ("question", "prompt", "problem", "instruction", "query", "goal", "ctx", "text", "input"),
    "answer": ("answer", "canonical_solution", "solution", "answerKey", "answer_key", "target", "output", "response",
               "completion", "gold"),
    "options": ("choices", "options", "endings"),
    "passage": ("passage", "context", "article", "story", "paragraph"),
}  # fmt: skip
_LETTERED: Final = (("A", "B", "C", "D"), ("a", "b", "c", "d"), ("option_a", "option_b", "option_c", "option_d"))
_CODE: Final = frozenset(("canonical_solution", "entry_point", "test_list", "starter_code"))
_ID: Final = ("task_id", "id", "question_id", "qid", "uid")
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True)
class ItemFields:
    """Where the parts of an item lie in a record: paths, several for options; "" or none where there is no such part.

    `code` says whether items are programming tasks, `id` where their own name lies.
    """

    question: str
    answer: str = ""
    options: tuple[str, ...] = ()
    passage: str = ""
    id: str = ""
    code: bool = False

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ItemFields:
        return cls(**{**data, "options": tuple(data.get("options", ()))})

    def paths(self, part: str) -> tuple[str, ...]:
        value = getattr(self, part)
        return value if part == "options" else (value,) if value else ()


def fields_of(
    columns: Sequence[str],
    *,
    question: str | None = None,
    answer: str | None = None,
    options: str | None = None,
    passage: str | None = None,
) -> ItemFields:
    """The fields a person named, checked; with no question named, those guessed from the columns. Raises Misuse.

    Guessed are GSM8K (question, answer), HumanEval (prompt, canonical_solution), multiple choice as in MMLU (question,
    choices or options or A to D, answer), reading (passage or context beside the question) and their like.
    """
    told = {"question": question, "answer": answer, "options": options, "passage": passage}
    paths = {part: tuple(text.split(",")) for part, text in told.items() if text}
    for part, named in paths.items():
        for path in named:
            if str(parse_path(path, columns)[0]) not in columns:
                raise Misuse(f"--{part} {path}: the items have no such field.", next_step=nearest(path, columns))
    if not question:
        paths = _guessed(columns) | paths
    if "question" not in paths:
        raise Misuse("Which field holds the question cannot be guessed.",
                     next_step=f"Say --question FIELD. Fields: {', '.join(columns) or 'none'}.")  # fmt: skip
    for part in ("question", "answer", "passage"):
        if len(paths.get(part, ())) > 1:
            raise Misuse(f"--{part} takes one field, not {len(paths[part])}.", next_step="Only options may be several.")
    return ItemFields(
        question=paths["question"][0],
        answer=paths.get("answer", ("",))[0],
        options=paths.get("options", ()),
        passage=paths.get("passage", ("",))[0],
        id=next((name for name in _ID if name in columns), ""),
        code=bool(_CODE & set(columns)),
    )


def _guessed(columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for part, names in _KNOWN.items():
        name = next((name for name in names if name in columns), None)
        if name is not None:
            found[part] = (name,)
    lettered = next((names for names in _LETTERED if set(names) <= set(columns)), None)
    if "options" not in found and lettered is not None:
        found["options"] = lettered
    return found


@dataclass(frozen=True)
class Item:
    """One item: its number (the position of its row), its name, and the text of each part that it has."""

    number: int
    name: str
    parts: Mapping[str, str]

    @property
    def question(self) -> str:
        return self.parts.get("question", "")

    @cached_property
    def joined(self) -> str:
        """The parts joined by a newline: what n-gram counts are counted over."""
        return "\n".join(self.parts.values())

    @property
    def options(self) -> list[str]:
        """The options, in the benchmark's order."""
        return self.parts["options"].split("\n") if "options" in self.parts else []

    @property
    def right(self) -> int | None:
        """The number of the option the answer points to: by a letter, its number from 0, or its text."""
        answer, options = self.parts.get("answer", ""), self.options
        given = answer.strip().upper()
        number = int(given) if given.isdecimal() else ord(given) - ord("A") if len(given) == 1 else -1
        if 0 <= number < len(options):
            return number
        return options.index(answer) if answer in options else None

    @property
    def answer_words(self) -> list[str]:
        """The words of the answer; of the option it points to, where it points to one."""
        return words_of(self.parts.get("answer", "") if self.right is None else self.options[self.right])


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def read_items(rows: Rows, fields: ItemFields) -> list[Item]:
    """Every row of a benchmark as an item. A part that is a list is its elements, one a line."""
    columns = tuple(rows.mapping.columns)
    steps = {part: [parse_path(path, columns) for path in fields.paths(part)] for part in PARTS}
    named = parse_path(fields.id, columns) if fields.id else None
    items: list[Item] = []
    for batch in rows.batches():
        for record in batch.records():
            parts = {}
            for part, paths in steps.items():
                texts = [text for path in paths for _, value in find(record, path) for text in _texts(value)]
                if texts:
                    parts[part] = "\n".join(texts)
            number = len(items)
            name = next((str(value) for _, value in find(record, named)), "") if named else ""
            items.append(Item(number, name or str(number), parts))
    return items


def rows_as_items(rows: Rows) -> list[Item]:
    """The rows of any dataset as items: what was asked before the last answer, and the answer; or the text."""
    prompted = "prompt" in FIELDS[rows.mapping.format]
    roles = {"question": "prompt", "answer": "response"} if prompted else {"question": rows.mapping.default_field}
    items: list[Item] = []
    for batch in rows.batches():
        for record in batch.records():
            parts = {part: text for part, field in roles.items() if (text := rows.mapping.text(record, field))}
            items.append(Item(len(items), str(len(items)), parts))
    return items


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
    elif value is not None:
        yield str(value)
