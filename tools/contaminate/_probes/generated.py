"""Probes that let the model write: guided instruction, guessing a hidden option, and how much samples differ.

It knows what is asked about one item and how much an answer is like the item. It does not know what follows from it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Final

from ....prompts import Prompts
from .._items import Item, words_of
from .asking import Ask, Question, Reply

_TOKEN: Final = re.compile(r"\s*\S+")
_DERIVABLE: Final = re.compile(r"\b(?:all|none|both|neither|either|any) of\b|\babove\b|\bboth\b", re.IGNORECASE)
_LETTER: Final = re.compile(r"\(?[A-Za-z][.):]\s+")

LEAST: Final = 8
"""Words of an item below which there is nothing to continue."""

SPLIT: Final = (0.4, 0.7)
"""Share of the words that is shown, drawn anew for each item (Golchin & Surdeanu 2024)."""

TOKENS_PER_WORD: Final = 3
LONGEST: Final = 512

SAMPLED: Final = 100
"""Words of an output that are compared (CDD, Dong et al. 2024)."""

NEAR: Final = 0.05
"""Edit distance, as a share of the longest output, within which a sample repeats the likeliest output (CDD)."""

TEMPERATURE: Final = 0.8
APART: Final = 2
"""Edits within which TED takes an output for the likeliest one again (Dong et al. 2024)."""

SHORT_ANSWER: Final = 8
"""Words of an answer that can be looked for in an output; a longer one is a derivation."""


def written(item: Item, options: Sequence[str] | None = None) -> str:
    """An item as it is mostly written down: the question, and lettered options or else the answer in a line each."""
    options = item.options if options is None else options
    lines = [f"{chr(ord('A') + i)}. {option}" for i, option in enumerate(options)]
    if not lines and "answer" in item.parts:
        lines = [item.parts["answer"]]
    return "\n".join([item.question, *lines])


def guided(item: Item, rng: random.Random, prompts: Prompts, benchmark: str, *, untold: bool = True) -> Ask | None:
    """Continue the item, told of which benchmark it is: ROUGE-L F1 to how it goes on, "guided"; untold too, "general".

    Continuations are cut to the length of the rest, so that going on is not punished.
    """
    words = _TOKEN.findall(written(item))
    if len(words) < LEAST:
        return None
    cut = max(1, round(len(words) * rng.uniform(*SPLIT)))
    shown, rest = "".join(words[:cut]), words_of("".join(words[cut:]))
    if not rest:
        return None
    most = min(LONGEST, TOKENS_PER_WORD * len(rest) + TOKENS_PER_WORD)
    systems = {"guided": prompts.load("contaminate/probe_guided", benchmark=benchmark).text}
    if untold:
        systems["general"] = prompts.load("contaminate/probe_general").text

    def score(replies: Sequence[Reply]) -> Mapping[str, float] | None:
        texts = [one.text for one in replies if one.text is not None]
        if len(texts) < len(systems):
            return None
        found = (rouge_l(words_of(text)[: len(rest)], rest) for text in texts)
        return dict(zip(systems, found, strict=True))

    return Ask(tuple(Question(shown, system, most) for system in systems.values()), score)


def ts_guess(item: Item, rng: random.Random, prompts: Prompts, benchmark: str) -> Ask | None:
    """Write a wrong option that is not shown, the last one (TS-Guessing, Deng et al. 2024): "match", 1 if word for word.

    Options that can be worked out are left out: numbers, and those that speak of the others.
    """
    right, options = item.right, item.options
    if right is None or len(options) < 3:
        return None
    hidden = max(i for i in range(len(options)) if i != right)
    wanted = words_of(options[hidden])
    if not wanted or all(word.isnumeric() for word in wanted) or _DERIVABLE.search(options[hidden]):
        return None
    shown = f"{written(item, options[:hidden])}\n{chr(ord('A') + hidden)}."
    system = prompts.load("contaminate/probe_option", benchmark=benchmark).text
    question = Question(shown, system, min(LONGEST, TOKENS_PER_WORD * len(wanted) + TOKENS_PER_WORD))

    def score(replies: Sequence[Reply]) -> Mapping[str, float] | None:
        if replies[0].text is None:
            return None
        lines = replies[0].text.strip().split("\n")
        return {"match": float(words_of(_LETTER.sub("", lines[0], count=1)) == wanted or words_of(lines[0]) == wanted)}

    return Ask((question,), score)


def cdd(item: Item, samples: int) -> Ask | None:
    """Answer the question once and `samples` times at random (CDD): "peak", the share of samples that repeat the first.

    With a short answer also "accuracy", the share of samples that hold it, and "accuracy_ted", the same without repeats
    of any output and outputs within 2 edits of the first (TED), where one is left.
    """
    asked = item.question if not item.options else written(item)
    if len(words_of(asked)) < LEAST:
        return None
    questions = [Question(asked, max_tokens=SAMPLED * 2)]
    questions += [
        Question(asked, max_tokens=SAMPLED * 2, temperature=TEMPERATURE, sample=i + 1) for i in range(samples)
    ]
    answer = item.answer_words

    def score(replies: Sequence[Reply]) -> Mapping[str, float] | None:
        outputs = [one.text.split()[:SAMPLED] for one in replies if one.text is not None]
        if replies[0].text is None or len(outputs) < 2:
            return None
        first, drawn = outputs[0], outputs[1:]
        limit = int(NEAR * max(map(len, outputs)))
        found = {"peak": sum(within(first, one, limit) for one in drawn) / len(drawn)}
        if 0 < len(answer) <= SHORT_ANSWER:
            found["accuracy"] = _accuracy(drawn, answer)
            others = [list(one) for one in dict.fromkeys(map(tuple, drawn)) if not within(first, one, APART)]
            found |= {"accuracy_ted": _accuracy(others, answer)} if others else {}
        return found

    return Ask(tuple(questions), score)


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """F1 of the longest common subsequence of words (Lin 2004)."""
    lengths = [0] * (len(other) + 1)
    for word in one:
        corner = 0
        for j, theirs in enumerate(other, 1):
            corner, lengths[j] = lengths[j], corner + 1 if word == theirs else max(lengths[j], lengths[j - 1])
    return 2 * lengths[-1] / (len(one) + len(other)) if one and other else 0.0


def within(one: Sequence[str], other: Sequence[str], limit: int) -> bool:
    """Is the edit distance in words at most `limit`? Only the band around the diagonal is looked at (Ukkonen 1985)."""
    if abs(len(one) - len(other)) > limit:
        return False
    far = limit + 1
    row = {j: j for j in range(min(limit, len(other)) + 1)}
    for i, word in enumerate(one, 1):
        below: dict[int, int] = {}
        for j in range(max(0, i - limit), min(len(other), i + limit) + 1):
            best = row.get(j, far) + 1
            if j:
                best = min(best, below.get(j - 1, far) + 1, row.get(j - 1, far) + (word != other[j - 1]))
            below[j] = min(best, far)
        row = below
    return row.get(len(other), far) <= limit


def _accuracy(outputs: Sequence[Sequence[str]], answer: Sequence[str]) -> float:
    said = [words_of(" ".join(one)) for one in outputs]
    held = [any(one[i : i + len(answer)] == answer for i in range(len(one) - len(answer) + 1)) for one in said]
    return sum(held) / len(held)
