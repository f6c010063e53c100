"""Texts with words exchanged (easy data augmentation, Wei and Zou 2019): a word that other labels use gives way to one that
only this label uses."""

from __future__ import annotations

import json
from itertools import cycle
from pathlib import Path
from typing import Any, Final

FILE: Final = "shots.jsonl"
COUNT: Final = 20


def submission(folder: Path, task: str) -> dict[str, Any]:
    given = [json.loads(line) for line in (folder / FILE).read_text(encoding="utf-8").splitlines()]
    rows = []
    for label in sorted({row["label"] for row in given}):
        texts = [row["text"].split() for row in given if row["label"] == label]
        others = {word for row in given if row["label"] != label for word in row["text"].split()}
        own = cycle(sorted({word for words in texts for word in words} - others) or sorted(others))
        for at in range(COUNT):
            words = list(texts[at % len(texts)])
            shared = [place for place, word in enumerate(words) if word in others] or [0]
            words[shared[at // len(texts) % len(shared)]] = next(own)
            rows.append({"text": " ".join(words), "label": label})
    return {"rows": rows}
