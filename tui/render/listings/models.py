"""Endpoints, roles, and what models can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...terminal import Terminal
from ...text import one_line, table, wrap
from .. import fitted

if TYPE_CHECKING:
    from ....agent.models.probe import Probed


@fitted
def listed(line: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    if line["endpoints"]:
        head = ["endpoint", "URL", "may see", "key in"]
        rows = [
            [one["name"], one_line(one["base_url"]), one["may_see"], one_line(one["api_key_env"] or "none")]
            for one in line["endpoints"]
        ]
        yield from table([head, *rows], columns=terminal.columns)
    else:
        yield "no endpoints; 'tilth models add NAME URL' adds one"
    yield ""
    for role, named in line["roles"].items():
        yield f"{role:<12} {one_line(', '.join(named)) or 'none'}"


@fitted
def added(line: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    url = one_line(line["base_url"])
    if line["new"]:
        yield f"added {line['endpoint']} at {url}; it may see {line['may_see']}"
    else:
        yield f"{line['endpoint']} at {url} was there already; these roles were empty:"
    for role, named in line["roles"].items():
        yield f"  {role:<12} {one_line(', '.join(named))}"
    if not line["roles"]:
        offered = line["models"]
        names = ", ".join(offered[:8]) + (f" and {len(offered) - 8} more" if len(offered) > 8 else "")
        yield from wrap(
            f"  roles were left as they are; it offers: {one_line(names) or 'no model'}",
            terminal.columns,
            indent="    ",
        )
    if "generator" in line["empty"]:
        yield "no model is the generator yet; say which:"
        yield f"  tilth models add {line['endpoint']} {url} --model {one_line((line['models'] or ['MODEL'])[0])}"
    else:
        yield "next: tilth models check"


@fitted
def probed(found: Sequence[Probed], terminal: Terminal) -> Iterator[str]:
    for i, one in enumerate(found):
        if i:
            yield ""
        yield one_line(f"{one.model}  at {one.host or 'an unknown host'}")
        if one.fault:
            yield from wrap(one_line(f"{one.fault} {one.next_step}"), terminal.columns, indent="  ")
            continue
        yield f"  {'context':<16} {f'{one.context:,} tokens' if one.context else 'not told'}"
        for name, said in one.abilities.items():
            yield f"  {name:<16} {said}"
        if one.seconds is not None:
            speed = f", {one.tokens_per_second:,.1f} tokens/s" if one.tokens_per_second else ""
            yield f"  {'speed':<16} {one.seconds:.2f} s a call{speed} (median of 5, one at a time)"
