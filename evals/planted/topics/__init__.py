"""What the planted conversations are about. A topic is a function from a seeded draw to one clean record."""

from __future__ import annotations

from ..draw import Draw
from ..messages import Record, addressed
from . import coding, cooking, languages, maths, parcels, scripts, smalltalk, support
from .vocabulary import SHARED_SYSTEM_PROMPT, SYSTEM_PROMPTS

__all__ = ["SHARED_SYSTEM_PROMPT", "SYSTEM_PROMPTS", "conversation"]

# How often each topic is drawn, in parts of the total.
_ENGLISH = (
    *(support.conversation,) * 18,
    *(parcels.conversation,) * 12,
    *(coding.conversation,) * 18,
    *(cooking.conversation,) * 16,
    *(maths.conversation,) * 14,
    *(smalltalk.conversation,) * 13,
)
_OTHERS = (*(languages.conversation,) * 8, scripts.chinese)


def conversation(draw: Draw) -> Record:
    """A clean record of any topic, without a system turn."""
    at = draw.below(len(_ENGLISH) + len(_OTHERS))
    return addressed(_ENGLISH[at](draw)) if at < len(_ENGLISH) else _OTHERS[at - len(_ENGLISH)](draw)
