"""`tilth`: a command is run, and ends with an exit code; handlers are imported when they are called.

It knows errors and exit codes. How a line is read is told in `parsing`, what a verb does is a Workspace's business, how
its answer looks is `render`'s. Nothing heavy is imported here, so that `tilth --help` starts at once.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from ..tools.errors import TilthError
from .line.parsing import WIDTH, find_verb, overview, parser_for, passed_on, refuse_extra, refuse_limited, verb_place

if TYPE_CHECKING:
    from .command import Command, Face

Handler = Callable[["Command"], "int | None"]

_REFUSED_BY_SYSTEM: Final = (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG)
_GOES_ON: Final = ("do", "run", "eval")
"""Verbs that keep what was done before an interrupt and, asked again, do the rest."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; -> its exit code. Nothing is raised."""
    from .command import open_face

    words = list(sys.argv[1:] if argv is None else argv)
    return run(words, open_face(words))


def run(words: list[str], face: Face) -> int:
    """Run one command through a face, and close it; -> its exit code. Nothing is raised."""
    from .faces.ndjson import Unwritten

    try:
        return _answered(words, face)
    except BrokenPipeError:
        _drop_stdout()
        return 0
    except Unwritten as unwritten:
        sys.stderr.write(f"tilth: Cannot write to standard output: {unwritten}.\n")
        _drop_stdout()
        return 1


def _answered(words: list[str], face: Face) -> int:
    """Run one command, tell its error; only what standard output does not take is raised."""
    from .faces.ndjson import Unwritten

    try:
        code = _run(words, face)
        face.close()
        return code
    except (BrokenPipeError, Unwritten):
        raise
    except BaseException as error:
        code = _told(error, face, words)
        try:
            face.close()
        except BrokenPipeError:
            _drop_stdout()
        return code


def _told(error: BaseException, face: Face, words: list[str]) -> int:
    """Tell the person what went wrong; -> the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 0
    if isinstance(error, TilthError):
        face.fail(str(error.args[0]), error.next_step, error.exit_code)
        return error.exit_code
    from ..tools.store.door import is_interrupt

    if is_interrupt(error):
        face.fail("stopped" + _going_on(words), "", 130)
        return 130
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno in _REFUSED_BY_SYSTEM):
        where = f" {error.filename}" if error.filename else ""
        cure = "Choose a shorter name." if error.errno == errno.ENAMETOOLONG else "See that it may be read and written."
        face.fail(f"The system refused{where}: {error.strerror}.", cure, 2)
        return 2
    from .crash import write_log

    path = write_log(error)
    next_step = f"The details are in {path}; nothing that was committed is lost."
    face.fail(f"This is a bug in tilth: {type(error).__name__}.", next_step, 70)
    return 70


def _going_on(words: list[str]) -> str:
    """What follows `stopped` for a command that was interrupted; nothing for one that has nothing to go on with."""
    place = verb_place(words)
    return "; run the same command again to resume" if place is not None and words[place] in _GOES_ON else ""


def _drop_stdout() -> None:
    """The reader has gone; what Python still holds for it must not become an error at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str], face: Face) -> int:
    from .command import Command

    place = verb_place(words)
    if place is None:
        return _without_verb(words, face)
    chosen = find_verb(words[place], words, place)
    parser, extend = parser_for(chosen, _columns()), None
    if chosen.name == "do":
        from .line.tool_flags import add_tool_flags

        extend = add_tool_flags(parser, words, place)
    words, passed = passed_on(words, chosen)
    args, extra = parser.parse_known_args([*words[:place], *words[place + 1 :]])
    args.passed = passed
    if extra:
        refuse_extra(chosen, parser, extra)
    refuse_limited(chosen, args)
    command = Command(args, face, tool=extend)
    module, _, function = chosen.handler.partition(":")
    handler: Handler = getattr(importlib.import_module(f".{module}", __package__), function)
    return handler(command) or 0


def _columns() -> int:
    """Cells across the terminal; COLUMNS decides where it is set."""
    return max(shutil.get_terminal_size((WIDTH, 24)).columns, 40)


def _without_verb(words: list[str], face: Face) -> int:
    """`tilth` alone: the status of a workspace, else the help page."""
    parser = overview(_columns())
    args = parser.parse_args(words)
    from .command import Command

    command = Command(args, face, tool=None)
    if command.has_workspace():
        from .verbs.look import status

        status(command)
        return 0
    sys.stdout.write(parser.format_help())
    return 0


if __name__ == "__main__":
    sys.exit(main())
