"""Faults of a person's own tools, told as theirs: which tool, which line of their file, which row.

It knows tracebacks and files of code. It does not know how tools are declared or called.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .change import Change
from .errors import Misuse, TilthError


def reporting(tool_id: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of an own tool; what it raises, also while its outcomes are drawn, becomes Misuse."""

    def call(*args: Any, **options: Any) -> Any:
        with blamed(tool_id, function):
            result = function(*args, **options)
        return replace(result, outcomes=_drawn(result.outcomes)) if isinstance(result, Change) else result

    def _drawn(outcomes: Iterable[Any]) -> Iterator[Any]:
        drawing = iter(outcomes)
        while True:
            with blamed(tool_id, function):
                try:
                    outcome = next(drawing)
                except StopIteration:
                    return
            yield outcome

    return call


@contextmanager
def blamed(tool_id: str, function: Callable[..., Any], row: Callable[[], str] = str) -> Iterator[None]:
    """Turn what own code raises into Misuse; `row()` gives the id of the row it was looking at, "" when there is none."""
    try:
        yield
    except TilthError:
        raise
    except Exception as error:
        file = _file_of(function)
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if frame.filename == file), None)
        at = f"{os.path.basename(file)} line {line}" if line else os.path.basename(file)
        on = f" on row {found[:12]}" if (found := row()) else ""
        raise Misuse(
            f"{tool_id} ({at}) raised {type(error).__name__}: {error}{on}.",
            next_step=_next_step(file),
            quotes=str(error),
        ) from error


def refuse_reason(tool_id: str, function: Callable[..., Any], reason: object, row: str) -> Misuse:
    """What to say of a rule that gave something else than a reason."""
    said = repr(reason) if isinstance(reason, bool | int | float) else f"a {type(reason).__name__}"
    told = "an empty text" if isinstance(reason, str) else said
    return Misuse(
        f"{tool_id} returned {told} for row {row[:12]}; a rule gives a reason as text, or None to keep the row.",
        next_step=_next_step(_file_of(function)),
    )


def _next_step(file: str) -> str:
    near = os.path.relpath(file)
    return f"Mend it and try: tilth tools check {file if near.startswith('..') else near}"


def _file_of(function: Callable[..., Any]) -> str:
    module = sys.modules.get(function.__module__)
    return getattr(module, "__file__", None) or function.__code__.co_filename
