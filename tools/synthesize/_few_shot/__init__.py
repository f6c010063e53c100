"""The strategy `few_shot`. It knows which kind of rows is made by which module."""

from __future__ import annotations

from typing import Final

from ...panel import Job
from .._seeds import Seeds
from .._strategy import Wish, strategy
from .classification import Classification
from .entities import NamedEntities
from .instruction import Instructions
from .question_answer import QuestionAnswering
from .shots import NAME, VERSION, Shots

KINDS: Final[dict[str, type[Classification | QuestionAnswering | NamedEntities | Instructions]]] = {
    "classification": Classification,
    "qa": QuestionAnswering,
    "ner": NamedEntities,
    "instruction": Instructions,
}


@strategy(NAME, version=VERSION, config=Shots)
def few_shot(config: Shots, seeds: Seeds, wish: Wish) -> Job:
    """Make rows like the seeds, or label rows, with a few seeds as examples.

    `task`: classification (a text, one of a set of labels), qa (a passage, a question, an answer that stands verbatim
    in the passage), ner (a text and labelled spans of it), instruction (with its response). `mode`: `unlabelled` makes
    inputs alone, `label` labels the rows that lack a label, `labelled` makes inputs with their labels. `sampling`:
    `uniform` draws a label for each row and shows examples of it alone; `stratified` takes labels in turn, so that
    every label comes equally often, and shows examples of each. After Fabricator (Golde et al. 2023, arXiv 2309.09582).
    """
    return KINDS[config.task](config, seeds, wish).job()
