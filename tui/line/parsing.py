"""How a command line is read: where its verb stands, the parser of each verb, and what is said of a word that fits nowhere.

It knows words, options and help pages. Which verbs there are is told in `grammar`; it runs none. Nothing heavy is
imported here, so that `tilth --help` starts at once.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shlex
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from ...tools.errors import Misuse, nearest
from ..text import fold
from .grammar import LIMITED, OPTIONS, VERBS, Verb

WIDTH: Final = 100
"""Cells of a help page, as those in docs/ have; on a narrower terminal it is as wide as that."""

EPILOG: Final = """X is a dataset, NAME~1 (one step back), NAME@TAG, NAME@VERSION, or a file, which is imported.
Start with:  tilth inspect chats.jsonl

exit codes: 0 done, 1 the answer is no, 2 usage or config, 3 busy or unavailable, 4 budget reached,
            70 a bug, 130 interrupted"""


def passed_on(words: list[str], chosen: Verb) -> tuple[list[str], list[str]]:
    """The words before `--`, and those after it, where the verb hands them on to a program it starts."""
    if chosen.passes_on and "--" in words:
        at = words.index("--")
        return words[:at], words[at + 1 :]
    return words, []


def verb_place(words: Sequence[str]) -> int | None:
    """Where the verb stands: the first word that is neither an option of every command nor its value.

    Raises Misuse for any other option before the verb.
    """
    takes_value = {name: option.takes_value for option in OPTIONS for name in option.names}
    takes_value |= dict.fromkeys(("-h", "--help", "--version"), False)
    i = 0
    while i < len(words):
        name, equals, _ = words[i].partition("=")
        if not words[i].startswith("-") or words[i] == "-":
            return i
        if name not in takes_value:
            raise Misuse(f"tilth has no option {name}.",
                         next_step=f"{_nearest_option(name, takes_value)}Other options come after the command.")  # fmt: skip
        i += 2 if takes_value[name] and not equals else 1
    return None


def find_verb(name: str, words: Sequence[str], place: int) -> Verb:
    """The verb of this name. Raises Misuse with the corrected command."""
    for one in VERBS:
        if one.name == name:
            return one
    if os.path.exists(name):
        rest = " ".join(_quoted(word) for word in [*words[:place], "inspect", *words[place:]])
        raise Misuse(f"{name!r} is a file, not a command.", next_step=f"To look into it: tilth {rest}")
    hint = nearest(name, (one.name for one in VERBS if not one.hidden))
    raise Misuse(f"There is no command {name!r}.", next_step=f"{hint} 'tilth --help' lists them.")


def _quoted(word: str) -> str:
    return shlex.quote(word)


class _Parser(argparse.ArgumentParser):
    """Complains by raising, so that every face tells errors its own way; its help is `columns` cells wide."""

    def __init__(self, *, columns: int, **settings: Any) -> None:
        def formatter(prog: str) -> argparse.HelpFormatter:
            return argparse.RawDescriptionHelpFormatter(prog, width=columns, max_help_position=28)

        super().__init__(formatter_class=formatter, allow_abbrev=False, **settings)
        self._columns = columns

    def format_help(self) -> str:
        return "\n".join(fold(super().format_help().split("\n"), self._columns))

    def error(self, message: str) -> NoReturn:
        raise Misuse(f"{self.prog}: {message}.", next_step=f"See '{self.prog} --help'.")


def overview(columns: int = WIDTH) -> argparse.ArgumentParser:
    """The parser of a line without a verb; its help is the page of all verbs, on `columns` cells."""
    names = "\n".join(
        textwrap.fill(one.summary, min(columns, WIDTH), subsequent_indent=" " * 15,
                      initial_indent=f"  {one.name:<13}", break_on_hyphens=False)
        for one in VERBS if not one.hidden
    )  # fmt: skip
    parser = _Parser(
        prog="tilth",
        usage="tilth COMMAND … [options]",
        description=f"Make a training set you can defend.\n\ncommands ('tilth COMMAND --help' tells more):\n{names}",
        epilog=EPILOG,
        columns=min(columns, WIDTH),
    )
    parser.add_argument("--version", action="version", version=_version())
    _add_options(parser.add_argument_group("options of every command, before or after it"))
    return parser


def _version() -> str:
    from ... import __version__

    return f"tilth {__version__}"


def parser_for(chosen: Verb, columns: int = WIDTH) -> argparse.ArgumentParser:
    """The parser of one verb's line, its name left out; its help has `columns` cells."""
    parser = _Parser(
        prog=f"tilth {chosen.name}",
        description=f"{chosen.summary[0].upper()}{chosen.summary[1:]}.",
        epilog="'tilth --help' lists the options of every command.",
        columns=min(columns, WIDTH),
    )
    for one in chosen.arguments:
        parser.add_argument(*one.names, **one.settings)
    _add_options(parser, hidden=True)
    return parser


def _add_options(parser: Any, *, hidden: bool = False) -> None:
    for option in OPTIONS:
        settings = dict(option.settings)
        if hidden:
            settings["help"] = argparse.SUPPRESS
        parser.add_argument(*option.names, **settings)


def flags_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from (name for name in action.option_strings if name.startswith("--"))


def refuse_limited(chosen: Verb, args: argparse.Namespace) -> None:
    """Raises Misuse for an option that means nothing to this verb, and for two formats at once."""
    if getattr(args, "jsonl", False) and getattr(args, "csv", False):
        raise Misuse("--jsonl and --csv exclude each other.", next_step="Name one of them.")
    for name in LIMITED:
        if getattr(args, name, None) and name not in chosen.takes:
            heeding = ", ".join(one.name for one in VERBS if name in one.takes)
            raise Misuse(f"--{name.replace('_', '-')} means nothing for 'tilth {chosen.name}'.",
                         next_step=f"It is for: {heeding}.")  # fmt: skip


def refuse_extra(chosen: Verb, parser: argparse.ArgumentParser, extra: Sequence[str]) -> NoReturn:
    """Raises Misuse for words that no argument takes."""
    flag = next((word for word in extra if word.startswith("-") and word != "-"), None)
    if flag is not None:
        name = flag.partition("=")[0]
        hint = _nearest_option(name, flags_of(parser))
        raise Misuse(f"'{parser.prog}' has no option {name}.", next_step=f"{hint}See '{parser.prog} --help'.")
    if chosen.name == "sql":
        raise Misuse(f"{extra[0]!r} is one word too many.", next_step='Put the query in quotes: tilth sql X "select …"')
    raise Misuse(f"{extra[0]!r} is one word too many for '{parser.prog}'.", next_step=f"See '{parser.prog} --help'.")


def _nearest_option(name: str, options: Iterable[str]) -> str:
    """A sentence naming the first option that begins as `name` does, else the closest; empty when none is close."""
    words = {one.lstrip("-"): one for one in options if one.startswith("--")}
    wanted = name.lstrip("-")
    begin = [one for one in words if len(wanted) > 1 and one.startswith(wanted)]
    close = begin or difflib.get_close_matches(wanted, words, n=1, cutoff=0.6)
    return f"Nearest: {words[close[0]]}. " if close else ""


def named_after_file(name: str, paths: Sequence[str]) -> str:
    """The corrected `tilth import` for a line whose NAME is a file."""
    stem = Path(name).name.partition(".")[0].lower() or "data"
    return f"tilth import {stem} {' '.join(_quoted(path) for path in [name, *paths])}"
