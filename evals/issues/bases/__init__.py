"""Clean data to plant in: tables written from small word lists and a schema, each with its own look-alikes of defects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...planted.draw import Draw
from ..data import Data
from .documents import documents
from .events import events
from .pairs import instructions, preferences
from .shop import shop
from .tickets import tickets

BASES: Final[dict[str, Callable[[Draw], Data]]] = {
    "shop": shop,
    "events": events,
    "tickets": tickets,
    "documents": documents,
    "instructions": instructions,
    "preferences": preferences,
}
