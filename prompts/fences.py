"""Fences: how texts that others wrote stand in a prompt as data.

A fence opens with a line `<label nonce>` and closes with `</label nonce>`. The nonce is derived from all texts of the
prompt and occurs in none of them, so that no text can close its own fence. It knows strings only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

DIGITS: Final = 12
"""Hex digits of a nonce."""

_LABEL: Final = re.compile(r"[a-z][a-z0-9_]*")


def nonce_for(texts: Iterable[str]) -> str:
    """Hex digits that occur in none of the texts, upper or lower case; the same for the same texts in the same order."""
    texts = list(texts)
    digest = hashlib.sha256()
    for text in texts:
        written = text.encode("utf-8", "surrogatepass")
        digest.update(len(written).to_bytes(8, "big") + written)
    lowered = [text.lower() for text in texts]
    while True:
        nonce = digest.hexdigest()[:DIGITS]
        if not any(nonce in text for text in lowered):
            return nonce
        digest.update(b"again")


def fence(label: str, text: str, nonce: str) -> str:
    """The text between two lines that only the nonce can make. `nonce` must come from `nonce_for` over all texts of the
    prompt; a text that holds it raises ValueError."""
    if not _LABEL.fullmatch(label):
        raise ValueError(f"a fence's label is made of a-z, 0-9 and _, not {label!r}")
    if not nonce or nonce in text.lower():
        raise ValueError(f"the text fenced as {label!r} holds the nonce {nonce!r}")
    return f"<{label} {nonce}>\n{text}\n</{label} {nonce}>"


def fenced(parts: Iterable[tuple[str, str]]) -> str:
    """Several (label, text), each fenced with one nonce for all."""
    parts = list(parts)
    nonce = nonce_for(text for _, text in parts)
    return "\n\n".join(fence(label, text, nonce) for label, text in parts)
