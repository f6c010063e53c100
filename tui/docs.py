"""Generated pages: docs/tools.md, docs/cli.md, the tables of docs/evals.md, docs/chat.md and docs/recipes.md, and what
commands print in README.md.

It knows where pages come from and how they are compared. A block is filled by running its command on made-up data, or with
a list of what the code declares.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..agent import commands
from ..agent.recipes import expect, form
from ..tools import tool as registry
from ..tools.errors import Misuse
from ..tools.tool import Parameter, Tool
from .line.grammar import OPTIONS, VERBS
from .line.parsing import overview, parser_for
from .text import one_line

if TYPE_CHECKING:
    from pydantic import BaseModel

SAMPLE: Final = "chats.jsonl"
SAMPLE_ROWS: Final = 2000
SAMPLE_SEED: Final = 7
COLUMNS: Final = 80
WITH_LISTS: Final = ("docs/evals.md", "docs/chat.md", "docs/recipes.md")

_BLOCK: Final = re.compile(
    r"(?P<open><!-- generated: (?P<command>tilth [^;\n]*?)(?:; first (?P<lines>\d+) lines)? -->\n)"
    r".*?(?P<close><!-- /generated -->)",
    re.DOTALL,
)
_LIST: Final = re.compile(
    r"(<!-- generated: (suites|held out|slash commands|recipe keys|source keys|read keys|export keys|expectations|reasons)"
    r" -->\n).*?(<!-- /generated -->)",
    re.DOTALL,
)
_NOTE: Final = "<!-- written by 'tilth docs' from the code; 'tilth docs --check' compares -->"


def repository() -> Path:
    """The source checkout this code lies in. Raises Misuse when it is installed elsewhere."""
    root = Path(__file__).resolve().parents[1]
    if not (root / "README.md").is_file() or not (root / "pyproject.toml").is_file():
        raise Misuse("There are no pages to write: tilth does not run from a source checkout.")
    return root


def write(root: Path) -> list[str]:
    """Write every page that differs; -> their names."""
    changed = []
    for name, text in pages(root):
        path = root / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def check(root: Path) -> str | None:
    """The first difference between a page and what it would be; None without one."""
    for name, text in pages(root):
        path = root / name
        if not path.exists():
            return f"{name} does not exist."
        have = path.read_text(encoding="utf-8")
        for number, (now, wanted) in enumerate(zip_longest(have.split("\n"), text.split("\n")), 1):
            if now != wanted:
                return f"{name}:{number} is {now!r} and would be {wanted!r}."
    return None


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of every generated page."""
    yield "docs/tools.md", tools_page()
    yield "docs/cli.md", cli_page()
    for name in WITH_LISTS:
        if (root / name).exists():
            yield name, listed((root / name).read_text(encoding="utf-8"))
    yield "README.md", filled((root / "README.md").read_text(encoding="utf-8"))


# -- docs/tools.md -------------------------------------------------------------------------------------------------


def tools_page() -> str:
    """Every packaged tool: its docstring and its arguments."""
    tools = [tool for id in registry.ids() if (tool := registry.get(id)).source == "tilth"]
    lines = [
        "# Tools",
        "",
        _NOTE,
        "",
        "Run one with `tilth do TOOL X`, name it in a recipe, or call `ws.do(TOOL, X)`.",
        "",
    ]
    lines += [f"- [`{tool.id}`](#{tool.id.replace('.', '')}) {one_line(tool.summary)}" for tool in tools]
    for tool in tools:
        lines += ["", f"## {tool.id}", "", *_doc(tool), "", *_arguments(tool)]
    return "\n".join(lines).rstrip() + "\n"


def _doc(tool: Tool) -> Iterator[str]:
    """The docstring as it was laid out: its summary, then the rest verbatim."""
    first, _, rest = tool.doc.partition("\n")
    yield first
    if rest.strip():
        yield ""
        yield "```text"
        yield from rest.strip("\n").split("\n")
        yield "```"


def _arguments(tool: Tool) -> Iterator[str]:
    if not tool.parameters:
        yield "It takes no arguments."
        return
    yield "| argument | type | default | |"
    yield "|---|---|---|---|"
    for one in tool.parameters:
        default = "*required*" if one.required else f"`{_literal(one.default)}`"
        mark = " *Threshold.*" if one.arg.threshold else ""
        yield f"| `{one.name}` | {_type(one)} | {default} | {_cell(one.arg.help)}{mark} |"


def _type(one: Parameter) -> str:
    if one.choices:
        return _cell(" | ".join(f"`{choice}`" for choice in one.choices))
    named = {int: "whole number", float: "number", bool: "true or false", str: "text"}.get(one.kind, "text")
    return f"list of {named}" if one.many else "SQL" if one.arg.predicate or one.arg.order else named


def _literal(value: object) -> str:
    return (
        "none"
        if value is None
        else '""'
        if value == ""
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|").replace("<", "&lt;")


# -- docs/cli.md ---------------------------------------------------------------------------------------------------


def cli_page() -> str:
    """The help page of every verb, as printed."""
    lines = ["# Command line", "", _NOTE, "", "```text", overview().format_help().rstrip(), "```"]
    for verb in VERBS:
        if not verb.hidden:
            lines += ["", f"## tilth {verb.name}", "", "```text", parser_for(verb).format_help().rstrip(), "```"]
            heeded = [
                option.names[0] for option in OPTIONS if option.names[0].lstrip("-").replace("-", "_") in verb.takes
            ]
            if heeded:
                lines += ["", f"Also heeds {', '.join(f'`{name}`' for name in heeded)}."]
    return "\n".join(lines) + "\n"


# -- docs/evals.md, docs/chat.md and docs/recipes.md ---------------------------------------------------------------


def listed(text: str) -> str:
    """The text with its lists filled in: each is marked by what it lists."""
    lists = {
        "suites": _suites,
        "held out": _held_out,
        "slash commands": _slash_commands,
        "recipe keys": lambda: _keys(form.RecipeModel),
        "source keys": lambda: _keys(form.SourceSpec),
        "export keys": lambda: _keys(form.ExportSpec),
        "read keys": _read_keys,
        "expectations": _expectations,
        "reasons": _reasons,
    }
    return _LIST.sub(lambda block: f"{block[1]}{chr(10).join(lists[block[2]]())}\n{block[3]}", text)


def _suites() -> Iterator[str]:
    from ..evals import registry as evals

    yield "| suite | an agent is to | score | `--data` |"
    yield "|---|---|---|---|"
    for name in evals.built_in():
        one = evals.suite(name)
        data = one.with_data.__doc__ if hasattr(one, "with_data") else ""
        better = "" if one.better == "higher" else ", lower is better"
        yield f"| `{one.name}@{one.version}` | {_cell(one.summary)} | {one.metric}{better} | {_cell(_files(data or ''))} |"


def _files(doc: str) -> str:
    """What a suite says of the data it takes: the first sentence of its docstring."""
    return re.split(r"\.\s", doc)[0].strip().removeprefix("Over ").rstrip(".")


def _held_out() -> Iterator[str]:
    from ..evals.issues.plant import HELD_OUT

    yield from textwrap.wrap(", ".join(f"`{name}`" for name in HELD_OUT), 124)


def _slash_commands() -> Iterator[str]:
    yield "| type | what it does | the same on the command line |"
    yield "|---|---|---|"
    for one in commands.COMMANDS:
        twin = f"`tilth {one.twin}`" if one.twin else ""
        yield f"| `/{f'{one.name} {one.args}'.strip()}` | {_cell(one.help)} | {twin} |"


def _keys(model: type[BaseModel]) -> Iterator[str]:
    """The keys of a mapping of a recipe."""
    yield "| key | default | | for example |"
    yield "|---|---|---|---|"
    for name, field in form.keys_of(model):
        default = "*required*" if field.is_required() else _default(field.get_default(call_default_factory=True))
        example = (field.examples or [""])[0]
        yield f"| `{name}` | {default} | {_cell(field.description or '')} | `{_cell(example)}` |"


def _default(value: object) -> str:
    return f"`{_literal(value)}`" if isinstance(value, bool | int) else "none"


def _read_keys() -> Iterator[str]:
    yield "| key | | for example |"
    yield "|---|---|---|"
    for name, (told, example) in form.READ_KEYS.items():
        yield f"| `{name}` | {_cell(told)} | `{_cell(example)}` |"


def _expectations() -> Iterator[str]:
    yield "| name | |"
    yield "|---|---|"
    for name, told in expect.NUMBERS.items():
        yield f"| `{name}` | {_cell(told)} |"
    yield "| `dropped.REASON` | rows dropped for one reason, by all steps |"
    yield "| `made.DATASET` | rows of a dataset that a step made |"
    yield "| any other, as `pii.email` | a fact of a step, as its page in [tools](tools.md) and `tilth sql` name them |"


def _reasons() -> Iterator[str]:
    yield "| tool | reasons |"
    yield "|---|---|"
    for tool in map(registry.get, registry.ids()):
        if tool.reasons and tool.source == "tilth":
            given = tool.reasons_of({one.name: one.default for one in tool.parameters}) or ()
            yield f"| `{tool.id}` | {', '.join(f'`{one}`' for one in sorted(given))} |"


# -- README.md -----------------------------------------------------------------------------------------------------


def filled(readme: str) -> str:
    """The text with every block's command run, in order, in one folder that holds the sample data."""
    if not _BLOCK.search(readme):
        return readme
    from ..evals.planted.chat import generate

    with tempfile.TemporaryDirectory(prefix="tilth-docs-") as folder:
        (Path(folder) / SAMPLE).write_bytes(generate(SAMPLE_SEED, SAMPLE_ROWS).jsonl)
        return _BLOCK.sub(lambda block: _fill(block, Path(folder)), readme)


def _fill(block: re.Match[str], folder: Path) -> str:
    printed = _printed(block["command"], folder)
    lines = printed.rstrip("\n").split("\n")
    most = int(block["lines"] or len(lines))
    shown = [*lines[:most], *(["…"] if len(lines) > most else [])]
    body = "\n".join(line.rstrip() for line in shown)
    return f"{block['open']}```text\n$ {block['command']}\n{body}\n```\n{block['close']}"


def _printed(command: str, folder: Path) -> str:
    """What a command prints on stdout. Raises Misuse when it fails."""
    words = [sys.executable, "-m", f"{__package__}.cli", *shlex.split(command)[1:]]
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise Misuse(f"README.md: '{command}' ends with exit code {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout
