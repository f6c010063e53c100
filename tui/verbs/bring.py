"""Verbs that bring data in or out: import, export, card, verify-card."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from ...tools.errors import Misuse
from ..render import releases
from ..text import many_lines

if TYPE_CHECKING:
    from ..command import Command

_READ = ("format", "id", "encoding", "kind", "delimiter", "records", "text_unit")


def import_(command: Command) -> None:
    from ..line.parsing import named_after_file

    args = command.args
    if os.path.exists(args.name) and (not args.paths or not os.path.isdir(args.name)):
        raise Misuse(f"{args.name!r} is a file; the dataset's name comes first.",
                     next_step=f"Write: {named_after_file(args.name, args.paths)}")  # fmt: skip
    if not args.paths:
        raise Misuse(f"There is nothing to import as {args.name!r}.",
                     next_step=f"Write: tilth import {args.name} PATH…")  # fmt: skip
    if args.append and args.replace:
        raise Misuse("--append and --replace exclude each other.")
    read = {name: getattr(args, name) for name in _READ if getattr(args, name) is not None}
    if args.map:
        read["map"] = _pairs("--map", args.map)
    if args.no_header:
        read["header"] = False
    if args.columns:
        read["columns"] = args.columns.split(",")
    limit = {} if args.max_reject is None else {"max_reject": args.max_reject}
    if not command.has_workspace():  # a misspelt path makes no workspace
        from ...tools.store.ingest import Source
        from ...tools.store.ingest.files import find_files, is_remote

        find_files(Source(args.name, tuple(path for path in args.paths if not is_remote(path))))
    with command.open(create=True) as workspace:
        workspace.add(
            *args.paths,
            name=args.name,
            append=args.append,
            replace=args.replace,
            split=args.split,
            license=args.license,
            **limit,
            **read,
        )


def _pairs(flag: str, texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Misuse(f"{flag} {text!r} has no '='.", next_step=f"Write {flag} name=value.")
        found[name.strip()] = value.strip()
    return found


def export(command: Command) -> None:
    args = command.args
    options: dict[str, Any] = {"format": args.format, "trainer": args.trainer, "group_by": args.group_by,
                               "uniform": args.uniform, "force": args.force}  # fmt: skip
    if args.split is not None:
        options["split"] = _shares(args.split)
    with command.open(args.dataset) as workspace:
        exported = workspace.export(args.dataset, args.folder, **options)
        vid = workspace.rows(args.dataset).vid
    line = {"tool": "export", "dataset": args.dataset, "version": vid, **releases.fields(exported)}
    command.face.result(line, lambda screen: releases.exported(exported, screen), instead=True)


def _shares(text: str) -> dict[str, float]:
    """`train=.9,test=.1`"""
    found = {}
    for name, value in _pairs("--split", text.split(",")).items():
        try:
            found[name] = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
        except ValueError:
            raise Misuse(f"--split {name}={value}: {value!r} is not a number.",
                         next_step="Write --split train=.9,test=.1") from None  # fmt: skip
    return found


def card(command: Command) -> int:
    words = command.args.words
    if words[0] == "verify" and len(words) == 2:
        return _verify(command, words[1])
    if len(words) > 1:
        raise Misuse(f"{words[1]!r} is one word too many for 'tilth card'.", next_step="Write: tilth card X")
    with command.open(words[0]) as workspace:
        markdown = workspace.card(words[0])
    line = {"tool": "card", "dataset": words[0], "markdown": markdown}
    command.face.result(line, lambda screen: many_lines(markdown), instead=True)
    return 0


def verify_card(command: Command) -> int:
    return _verify(command, command.args.folder)


def _verify(command: Command, folder: str) -> int:
    from pathlib import Path

    from ...tools.document.card import verify_card as verify

    if not Path(folder).is_dir():
        raise Misuse(f"There is no folder {folder}.", next_step="Name the folder that 'tilth export' wrote.")
    verified = verify(Path(folder))
    line = {"tool": "verify-card", "folder": folder, "holds": verified.holds, **dataclasses.asdict(verified)}
    command.face.result(line, lambda screen: releases.verified(folder, verified, screen))
    return 0 if verified.holds else 1
