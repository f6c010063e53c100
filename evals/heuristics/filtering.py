"""Lines that the packaged rules drop: broken conversations, answers that are no answers, copies. Of web texts: the rules of
Gopher (arXiv 2112.11446)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ..proxies.running import run
from .recipes import CHAT, written

CHATS: Final = "chat.jsonl"
TEXTS: Final = "texts.jsonl"
WEB: Final = written(TEXTS, "filter.rules: {profile: gopher@paper, field: text}")


def submission(folder: Path, task: str) -> dict[str, Any]:
    file = CHATS if (folder / CHATS).exists() else TEXTS
    body = (folder / file).read_bytes()
    left = run(written(file, *CHAT) if file == CHATS else WEB, file, body)
    lines = body.removesuffix(b"\n").count(b"\n") + 1
    return {"drop": sorted(set(range(1, lines + 1)) - left.lines)}
