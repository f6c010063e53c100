"""What the tasks of `few_shot` share: its config, and the draw of labels and examples.

Uniform and stratified sampling are Fabricator's (Golde et al. 2023, arXiv 2309.09582): all examples from one label, or
the same number from every label. It does not know what kind of rows is made.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import Field

from ...errors import Misuse
from ...panel import Task
from .._seeds import Seeds
from .._strategy import Config, Wish, some

NAME: Final = "few_shot"
VERSION: Final = 1

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


def tasks(
    config: Shots, found: Pool, wish: Wish, seeds: Seeds, *, sources: Sequence[int] | None = None
) -> Iterator[Task]:
    """One task a row to make, or a row to label. `data`: `label` to make it for, `row` to work on, `examples`.

    `sources`: the seeds that rows are made about, where they are made about one. Raises Misuse.
    """
    if config.mode == "label":
        for position, row in enumerate(found.bare):
            yield _task(config, found, wish, seeds, position, row)
        return
    for position in wish.endless(NAME):
        about = None if sources is None else wish.rng(NAME, f"source {position}").choice(sources)
        yield _task(config, found, wish, seeds, position, about)


def _task(config: Shots, found: Pool, wish: Wish, seeds: Seeds, position: int, row: int | None) -> Task:
    rng = wish.rng(NAME, position)
    label = _label(config, found, wish, rng, position)
    examples = [i for i in _examples(config, found, rng, label) if i != row]
    data: dict[str, Any] = {"examples": examples}
    if label and config.mode == "labelled":
        data["label"] = label
    if row is not None:
        data["row"] = row
    rows = [*([row] if row is not None else []), *examples]
    return Task(position, data, tuple(seeds.parent(i) for i in rows))


def _label(config: Shots, found: Pool, wish: Wish, rng: random.Random, position: int) -> str:
    """Drawn at random; stratified: every label once in each block of as many tasks, in an order drawn for the block."""
    if not found.labels:
        return ""
    if config.sampling == "uniform":
        return rng.choice(found.labels)
    block, place = divmod(position, len(found.labels))
    order = list(found.labels)
    wish.rng(NAME, f"block {block}").shuffle(order)
    return order[place]


def _examples(config: Shots, found: Pool, rng: random.Random, label: str) -> list[int]:
    """Of one label, or of each. A row to be labelled never sees examples of one label only: they would tell the
    answer."""
    if not label:
        return some(rng, found.labelled, config.shots)
    if config.sampling == "uniform" and config.mode != "label":
        return some(rng, found.of.get(label, []), config.shots)
    each, shown = config.shots, found.labels
    if config.sampling == "uniform":
        each, shown = 1, some(rng, found.labels, config.shots)
    drawn = dict.fromkeys(i for one in shown for i in some(rng, found.of.get(one, []), each))
    return some(rng, list(drawn), len(drawn))
