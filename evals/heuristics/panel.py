"""Rows judged by measured signals: length, repetition, overlap with the question, marks, refusals, sums that are wrong.

It reads no meaning: an answer that is wrong in well-formed words passes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

FILE: Final = "probes.jsonl"

MARKS: Final = re.compile(r"<\|[a-z_]+\|>|\[/?INST\]|</?s>|\ufffd|</?[a-z]+>")
REFUSAL: Final = re.compile(r"(?i)\bas an ai\b|\bi('m| am) (sorry|unable|not able)|\bi (cannot|can't) (help|assist)")
TO_A_JUDGE: Final = re.compile(
    r"(?i)\b(ignore|disregard)\b.{0,30}\b(above|previous|prior|instructions|questions)\b|\b(reviewer|judge|grader)s?\b|"
    r"\bfull marks\b|\b(accept|approve) (it|this|the)\b|^\s*\[?system\b|\brate (it|this)\b|\bcriteria\b|\ball\b.*\bwith yes\b"
)
SUM: Final = re.compile(r"(\d+) ?(\+|-|−|\*|×|times|plus|minus) ?(\d+) ?(?:=|is|are|makes) ?(\d+)\b")
_DO: Final[dict[str, Callable[[int, int], int]]] = {
    **dict.fromkeys(("+", "plus"), lambda a, b: a + b),
    **dict.fromkeys(("-", "−", "minus"), lambda a, b: a - b),
    **dict.fromkeys(("*", "×", "times"), lambda a, b: a * b),
}
COUNTED: Final = re.compile(r"(?i)\b(?:name|list|give)(?: me)? (\d+) ")


def submission(folder: Path, task: str) -> dict[str, Any]:
    rows = [json.loads(line) for line in (folder / FILE).read_text(encoding="utf-8").splitlines()]
    return {"answers": {row["id"]: judged(row["question"], row["answer"]) for row in rows}}


def judged(question: str, answer: str) -> dict[str, bool]:
    return {
        "correct": related(question, answer) and sums_hold(answer),
        "complete": answer.strip() != question.strip() and whole(question, answer) and not REFUSAL.search(answer),
        "clean": not (MARKS.search(answer) or repeats(answer) or speaks_to_a_judge(question, answer)) and ends(answer),
    }


def related(question: str, answer: str) -> bool:
    """Do both share a word of four letters, a name or a number?"""
    return bool(_terms(question) & _terms(answer))


def _terms(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"\d+|[^\W\d_]{4,}|\b[A-Z][a-z]+", text)}


def sums_hold(answer: str) -> bool:
    return all(_DO[sign](int(a), int(b)) == int(c) for a, sign, b, c in SUM.findall(answer))


def whole(question: str, answer: str) -> bool:
    """Is it as many things as were asked for, and JSON with the keys that were?"""
    if found := COUNTED.search(question):
        named = answer.rpartition(":")[2].split(",")
        return len(named) == int(found[1])
    if "JSON object" in question:
        try:
            told = json.loads(answer)
        except ValueError:
            return False
        keys = re.search(r"\bkeys ([\w, ]+)", question)
        return isinstance(told, dict) and (keys is None or set(re.split(r",? and |, ", keys[1])) <= set(told))
    return True


def ends(answer: str) -> bool:
    """Does it end as sentences, quotations and code do?"""
    return bool(re.search(r"[.!?…:;\"'”’)\]}`]\s*$", answer))


def repeats(answer: str) -> bool:
    """Does a sentence follow itself?"""
    sentences = re.split(r"(?<=[.!?])\s+", answer.strip())
    period = next((n for n in range(1, len(sentences) // 2 + 1) if sentences[n:] == sentences[:-n]), 0)
    return bool(period) or any(one == other for one, other in pairwise(sentences))


def speaks_to_a_judge(question: str, answer: str) -> bool:
    """What the question itself says may be said again."""
    found = TO_A_JUDGE.search(answer)
    return found is not None and found[0].lower() not in question.lower()
