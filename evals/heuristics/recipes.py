"""A recipe by what the pool's records look like: conversations, texts that several people labelled, or other texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

POOL: Final = "pool.jsonl"
CHAT: Final = ("filter.chat", "filter.rules: {profile: sft}", "dedup.exact", "dedup.near: {threshold: 0.7}")
"""What is broken, no answer, or there twice."""
TEXTS: Final = ("dedup.exact: {field: text}",)
_PAIRS: Final = "from rows a join rows b on a.text = b.text and a.annotator <> b.annotator"
_AGREE: Final = "avg((a.label = b.label)::int)"
LABELLED: Final = (
    f'filter.where: {{keep: "annotator in (select a.annotator {_PAIRS} group by 1 having {_AGREE} > '
    f'(select {_AGREE} {_PAIRS}))"}}',
)
"""Annotators who agree with the others more than is usual."""


def submission(folder: Path, task: str) -> dict[str, Any]:
    lines = (folder / POOL).read_bytes().splitlines()
    first = next((record for line in lines if (record := _record(line))), {})
    steps = CHAT if "messages" in first else LABELLED if first.get("annotator") else TEXTS
    return {"recipes": [written(POOL, *steps)]}


def _record(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def written(file: str, *steps: str) -> str:
    """A recipe over one file, with these steps."""
    listed = "".join(f"  - {step}\n" for step in steps)
    return f"recipe: 1\ndataset: pool\nsources: [{{name: pool, paths: [{file}]}}]\nmax_reject: 0.1\nsteps:\n{listed}"
