"""What is pasted is text: none of it reaches the screen as keys.

Textual's parser (8.2.8) goes on looking for key sequences inside of a bracketed paste: every escape character in it is
sent as the Escape key, and what follows one as single keys, so that pasting a coloured log would interrupt a turn. They
are made visible before that parser sees them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

ESCAPE: Final = "\x1b"
VISIBLE: Final = "␛"
BEGIN, END = "\x1b[200~", "\x1b[201~"


class PasteParser(XTermParser):
    """Reads what a terminal sends; escape characters between the marks of a paste are text."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._pasting = False
        self._before = ""
        """While nothing is pasted: what may be the first characters of the mark that begins it, already handed on. In a
        paste: what may be those of the mark that ends it, held back."""

    def feed(self, data: str) -> Iterable[Message]:
        return super().feed(self._harmless(data) if data else data)

    def _harmless(self, data: str) -> str:
        made = ""
        while data:
            mark = END if self._pasting else BEGIN
            read, known = self._before + data, len(self._before)
            text, found, rest = read.partition(mark)
            self._before = "" if found else _begun(read, mark)
            if self._pasting:
                text = text if found else text.removesuffix(self._before)
                made += text.replace(ESCAPE, VISIBLE) + found
            else:
                made += (text + found)[known:]
            self._pasting ^= bool(found)
            data = rest
        return made


def _begun(text: str, mark: str) -> str:
    """The end of a text with which a mark may have begun."""
    return next((mark[:size] for size in range(len(mark) - 1, 0, -1) if text.endswith(mark[:size])), "")


def install() -> None:
    """From now on terminals are read by this parser. The toolkit makes its own by the name in its driver's module."""
    linux_driver.XTermParser = PasteParser  # type: ignore[attr-defined]
