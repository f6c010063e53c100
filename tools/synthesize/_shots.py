"""What the tasks of `few_shot` share: its config, and the draw of labels and examples.

Uniform and stratified sampling are Fabricator's (Golde et al. 2023, arXiv 2309.09582): all examples from one label, or
the same number from every label. It does not know what kind of rows is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import Field

from ..errors import Misuse
from ..panel import Task
from ._seeds import Seeds
from ._strategy import Config, Wish, some

NAME = "few_shot"

Kind = Literal["classification", "qa", "ner", "instruction"]
Mode = Literal["unlabelled", "label", "labelled"]


class Shots(Config):
    """The config of `few_shot`."""

    task: Kind = Field("instruction", description="what the rows are")
    mode: Mode = Field("labelled", description="new inputs alone, labels for inputs that lack one, or both")
    sampling: Literal["uniform", "stratified"] = Field(
        "uniform", description="examples of one label drawn at random; or labels in turn, examples of each"
    )
    shots: int = Field(3, ge=0, le=50, description="examples in a prompt; stratified: of each label")
    labels: tuple[str, ...] = Field((), description="the labels to use (default: those of the seeds)")
    text: str = Field("text", description="classification, ner: the column of the text")
    label: str = Field("label", description="classification: the column of the label")
    context: str = Field("context", description="qa: the column of the passage")
    question: str = Field("question", description="qa: the column of the question")
    answers: str = Field("answers", description="qa: the column of the answer, as a text or as SQuAD has it")
    spans: str = Field("spans", description="ner: the column of [{start, end, label}]")
    tokens: str = Field("", description="ner: the column of the words, where seeds are words with BIO tags")
    tags: str = Field("", description="ner: the column of the BIO tags")


@dataclass(frozen=True)
class Pool:
    """Seeds by what they can serve for: `labelled` as examples, `bare` to be labelled, `of` by label."""

    labelled: Sequence[int]
    bare: Sequence[int]
    of: dict[str, list[int]]
    labels: Sequence[str]

    def need(self, mode: Mode, what: str) -> None:
        """Raises Misuse where the mode has nothing to work on."""
        if mode == "label" and not self.bare:
            raise Misuse(f"Every row has its {what} already; there is nothing to label.",
                         next_step="Leave it empty in the rows to be labelled, or choose mode labelled.")  # fmt: skip
        if mode != "label" and not self.labelled:
            raise Misuse(f"No row has its {what}; there is no example to go by.",
                         next_step="Fill it in for some rows.")  # fmt: skip


def pool(values: Sequence[Sequence[str]], labels: Sequence[str], *, free: bool = False) -> Pool:
    """From the labels of every seed (none: not labelled). `labels`: the ones allowed, default all; `free`: labels are
    not a set to choose from."""
    of: dict[str, list[int]] = {}
    for i, given in enumerate(values):
        for label in dict.fromkeys(given):
            of.setdefault(label, []).append(i)
    known = tuple(dict.fromkeys(labels)) or (() if free else tuple(sorted(of)))
    labelled = [i for i, given in enumerate(values) if given]
    return Pool(labelled, [i for i, given in enumerate(values) if not given], of, known)


def tasks(config: Shots, found: Pool, wish: Wish, seeds: Seeds) -> Iterator[Task]:
    """One task a row to make, or a row to label. `data`: `label` to make it for, `row` to work on, `examples`."""
    if config.mode == "label":
        for position, row in enumerate(found.bare):
            yield _task(config, found, wish, seeds, position, row=row)
        return
    for position in wish.endless(NAME):
        yield _task(config, found, wish, seeds, position)


def _task(config: Shots, found: Pool, wish: Wish, seeds: Seeds, position: int, *, row: int | None = None) -> Task:
    rng = wish.rng(NAME, position)
    label = ""
    if found.labels:
        label = rng.choice(found.labels)
        if config.sampling == "stratified":
            label = _in_turn(wish, tuple(found.labels), position)
    if not found.labels:
        examples = some(rng, found.labelled, config.shots)
    elif config.sampling == "stratified" or config.mode == "label":
        # A row to be labelled is not shown examples of one label only, which would tell the answer.
        shown = found.labels if config.sampling == "stratified" else some(rng, found.labels, config.shots)
        each = config.shots if config.sampling == "stratified" else 1
        examples = [i for one in shown for i in some(rng, found.of.get(one, []), each)]
        examples = list(dict.fromkeys(examples))
        rng.shuffle(examples)
    else:
        examples = some(rng, found.of.get(label, []), config.shots)
    data: dict[str, Any] = {"examples": examples}
    if found.labels and config.mode == "labelled":
        data["label"] = label
    parents = [seeds.parent(i) for i in examples]
    if row is not None:
        data["row"] = row
        parents.insert(0, seeds.parent(row))
    return Task(position, data, tuple(parents))


def _in_turn(wish: Wish, labels: tuple[str, ...], position: int) -> str:
    """Every label once in each block of as many tasks, in an order drawn for the block."""
    block, place = divmod(position, len(labels))
    return _blocks(wish.seed, labels)(block)[place]


@cache
def _blocks(seed: int, labels: tuple[str, ...]) -> Any:
    @cache
    def block(number: int) -> tuple[str, ...]:
        order = list(labels)
        Wish(seed=seed).rng(NAME, f"block {number}").shuffle(order)
        return tuple(order)

    return block
