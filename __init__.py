"""tilth: data curation for language-model training sets.

    import tilth

    ws = tilth.open(".")
    ws.add("tickets.jsonl")
    ws.do("dedup.near", "tickets", threshold=0.7)
    ws.rows("tickets").arrow()

Own tools are declared with `@tilth.tool` or, in short, `@tilth.filter`. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .tools.version import VERSION

if TYPE_CHECKING:
    from .agent.workspace import Workspace as Workspace
    from .agent.workspace import open_workspace
    from .tools.change import DELETE as DELETE
    from .tools.change import Change as Change
    from .tools.change import Edit as Edit
    from .tools.change import Fact as Fact
    from .tools.change import Finding as Finding
    from .tools.change import Outcome as Outcome
    from .tools.change import Report as Report
    from .tools.change import drops as drops
    from .tools.context import Context as Context
    from .tools.store.rows import Rows as Rows
    from .tools.tool import Arg as Arg
    from .tools.tool import TextField as TextField
    from .tools.tool import row_filter
    from .tools.tool import tool as tool

    open = open_workspace
    filter = row_filter

__version__ = VERSION

_PUBLIC = {
    "open": (".agent.workspace", "open_workspace"),
    "Workspace": (".agent.workspace", "Workspace"),
    "Rows": (".tools.store.rows", "Rows"),
    "Context": (".tools.context", "Context"),
    "Arg": (".tools.tool", "Arg"),
    "TextField": (".tools.tool", "TextField"),
    "tool": (".tools.tool", "tool"),
    "filter": (".tools.tool", "row_filter"),
    **{name: (".tools.change", name) for name in
       ("Change", "DELETE", "Edit", "Fact", "Finding", "Outcome", "Report", "drops")},
}  # fmt: skip

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'tilth' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _PUBLIC[name]
    return getattr(import_module(module, __name__), attribute)


def __dir__() -> list[str]:
    return __all__
