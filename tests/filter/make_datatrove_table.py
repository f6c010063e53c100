"""Runs datatrove 0.10.1 and writes down what it saw: the table that test_web_profiles.py compares tilth with.

    python -m venv oracle && oracle/bin/pip install 'datatrove[processing]==0.10.1' spacy
    oracle/bin/python tests/filter/make_datatrove_table.py tests/filter/datatrove_table.json
    oracle/bin/python tests/filter/make_datatrove_table.py OUT.json TEXTS.jsonl

The last line is for other texts (a member "text" each), for `benchmarks/rules.py --table OUT.json`. datatrove is no
dependency of tilth. It hands over its own values: every threshold is an object that remembers what it is compared with.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.utils.text import split_into_words


class Seen:
    """A threshold that no value breaks and that remembers each."""

    __array_ufunc__ = None  # so that NumPy's numbers leave the comparison to this class

    def __init__(self) -> None:
        self.values: list[float] = []

    def __lt__(self, value: float) -> bool:
        self.values.append(float(value))
        return False

    __gt__ = __lt__


def values(text: str) -> dict[str, float]:
    """What each rule measures, by the name tilth has for it."""
    found: dict[str, float] = {}

    def run(make: Any, names: dict[str, tuple[str, ...]], **fixed: Any) -> None:
        seen = {argument: Seen() for argument in names}
        try:
            make(**seen, **fixed).filter(Document(text=text, id=""))
        except (ZeroDivisionError, ValueError):
            return  # datatrove's own end for texts without words
        for argument, signals in names.items():
            found.update(zip(signals, seen[argument].values, strict=False))

    run(
        GopherQualityFilter,
        {
            "min_doc_words": ("words",),
            "min_avg_word_length": ("mean_word_length",),
            "max_symbol_word_ratio": ("hashes_per_word", "ellipses_per_word"),
            "max_bullet_lines_ratio": ("bullet_lines",),
            "max_ellipsis_lines_ratio": ("ellipsis_lines",),
            "max_non_alpha_words_ratio": ("alpha_words",),
            "min_stop_words": ("stop_words",),
        },
    )
    top, duplicated = {n: Seen() for n in range(2, 5)}, {n: Seen() for n in range(5, 11)}
    run(
        GopherRepetitionFilter,
        {
            "dup_para_frac": ("dup_paragraphs",),
            "dup_para_char_frac": ("dup_paragraph_characters",),
            "dup_line_frac": ("dup_lines",),
            "dup_line_char_frac": ("dup_line_characters",),
        },
        top_n_grams=tuple(top.items()),
        dup_n_grams=tuple(duplicated.items()),
    )
    found.update({f"top_{n}_grams": seen.values[0] for n, seen in top.items() if seen.values})
    found.update({f"dup_{n}_grams": seen.values[0] for n, seen in duplicated.items() if seen.values})
    for prefix, punctuated in (("", True), ("unpunctuated_", False)):
        run(C4QualityFilter, {"min_num_sentences": (f"{prefix}sentences",)}, filter_no_terminal_punct=punctuated)
    run(
        FineWebQualityFilter,
        {
            "line_punct_thr": ("punctuated_lines",),
            "short_line_thr": ("short_lines",),
            "char_duplicates_ratio": ("dup_characters",),
            "new_line_ratio": ("newlines_per_word",),
        },
    )
    return found


def verdicts(text: str) -> dict[str, str]:
    """The reason of each profile, "" for a text that stays; none where datatrove ends in an error."""
    chains = {
        "gopher@datatrove": (GopherRepetitionFilter(), GopherQualityFilter()),
        "c4": (C4QualityFilter(),),
        "fineweb": (FineWebQualityFilter(),),
    }
    found = {}
    for profile, chain in chains.items():
        try:
            results = (one.filter(Document(text=text, id="")) for one in chain)
            found[profile] = next((result[1] for result in results if result is not True), "")
        except ZeroDivisionError:
            continue
    return found


NOUNS = [
    "river",
    "town",
    "winter",
    "garden",
    "bridge",
    "letter",
    "teacher",
    "market",
    "window",
    "harbour",
    "forest",
    "history",
]
VERBS = [
    "crosses",
    "follows",
    "remembers",
    "carries",
    "answers",
    "watches",
    "repairs",
    "forgets",
    "describes",
    "borrows",
]
PLACES = [
    "near the old mill",
    "with the children",
    "to the north",
    "of the valley",
    "that we have seen",
    "and to be home",
]


ODD_LINES = [
    "Please turn on JavaScript to read on.",
    "We use cookies to know you.",
    "Read our Terms of Use today.",
    "Lorem ipsum dolor sit amet.",
    "Lorem IPSUM without an end",
    "function() { return of the town. }",
    "A brace { of the town.",
    "Javascript { of the page } here.",
    "x" * 1001 + " is a long word.",
    "Two words.",
    "He said so (twice). \"Why?\" she asked. 'So!' ... Then he left.",
]


def sentence(rng: random.Random) -> str:
    noun, verb, other, place = (rng.choice(part) for part in (NOUNS, VERBS, NOUNS, PLACES))
    return f"The {rng.choice(['quiet', 'small', 'green', 'late'])} {noun} {verb} a {other} {place}{rng.choice('..!?')}"


def prose(rng: random.Random, sentences: int, end: str = "\n\n") -> str:
    said = [sentence(rng) for _ in range(sentences)]
    return end.join(" ".join(said[i : i + 3]) for i in range(0, sentences, 3))


def made_up() -> list[str]:
    """About sixty texts of our own, near and beyond every cut."""
    rng = random.Random(7)
    line = sentence(rng)
    texts = [
        "",
        "A river.",
        " \n ",
        "\n",
        prose(rng, 5),
        prose(rng, 8),
        prose(rng, 12),
        prose(rng, 30),
        prose(rng, 12, "\n"),
    ]
    texts += [
        prose(rng, 9, "\r\n"),
        prose(rng, 9, "\u2028"),
        "\n" + prose(rng, 9) + "\n",
        prose(rng, 9).replace(" ", "  "),
    ]
    texts += [
        prose(rng, count) + "\n" + "\n".join([line] * copies) for count, copies in ((12, 2), (12, 6), (24, 5), (30, 12))
    ]
    texts += [(prose(rng, 3) + "\n\n") * copies + prose(rng, 9) for copies in (2, 4, 8)]
    texts += [
        prose(rng, count) + " " + "to be or not to be, " * copies for count, copies in ((20, 3), (20, 9), (9, 14))
    ]
    texts += [
        "the same words again and again, " * 20,
        "ha " * 90 + "the of",
        prose(rng, 18) + " one two three four five six." * 6,
    ]
    texts += ["\n".join(f"{mark} {sentence(rng)}" for _ in range(12)) for mark in ("-", "•", "*", "1.")]
    texts += ["\n".join(sentence(rng)[:-1] + end for _ in range(12)) for end in ("...", "…", "", ",", "!", "。", '."')]
    texts += [prose(rng, 12).replace(".", mark) for mark in ("...", "…", " #", ". . .", "?!", "...#")]
    texts += [
        "\n".join(f"{rng.choice(NOUNS)} {n}: {n * 37}.{n}" for n in range(60)),
        "1,000 3.14 (2) [3] 4% $5 — " * 15 + prose(rng, 6),
    ]
    texts += [
        " ".join(word * 3 for word in NOUNS * 5),
        "a b c of to I it. " * 15,
        "\n".join(NOUNS * 4),
        "; ".join(NOUNS * 6),
    ]
    texts += [prose(rng, 12).replace("the", "le").replace("The", "Le").replace(" to ", " à ").replace(" of ", " de ")]
    texts += [
        "It's what we don't know, isn't it? They've seen the mother-in-law's well-known e.g. U.S. and/or a.m. " * 6
    ]
    texts += [prose(rng, 9) + "\n" + line + "\n" + prose(rng, 6) for line in ODD_LINES]
    texts += [
        prose(rng, 9).replace(".", ". [1]"),
        prose(rng, 9).replace(".", " [12] ."),
        prose(rng, 9).replace("!", "! [edit]"),
    ]
    texts += [
        "町は静かです。川は北へ流れます。" * 12,
        "Çok güzel bir şehir — “evet”, dedi. " * 9,
        prose(rng, 9) + " 🙂🙂 «à la carte» ½ №5",
    ]
    return texts


def main() -> None:
    out = Path(sys.argv[1])
    if len(sys.argv) > 2:
        texts = [json.loads(line)["text"] for line in Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()]
    else:
        texts = made_up()
    rows = [
        {
            "id": i,
            "text": text,
            "words": " ".join(split_into_words(text)),
            "values": values(text),
            "verdicts": verdicts(text),
        }
        for i, text in enumerate(texts)
    ]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows)
    out.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
