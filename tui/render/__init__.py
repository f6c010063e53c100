"""How answers look to people, one module per noun: values and a Terminal in, lines out. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec

from ..terminal import Terminal
from ..text import fold

P = ParamSpec("P")


def fitted(render: Callable[P, Iterator[str]]) -> Callable[P, Iterator[str]]:
    """A renderer whose last argument is the Terminal; its lines that are too long are continued below."""

    @wraps(render)
    def fitting(*args: P.args, **kwargs: P.kwargs) -> Iterator[str]:
        terminal = args[-1]
        assert isinstance(terminal, Terminal)
        return fold(render(*args, **kwargs), terminal.columns)

    return fitting
