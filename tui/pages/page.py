"""One HTML page that needs nothing else: no script, no network, light and dark; its parts as strings of HTML.

It knows markup and how text from data is made harmless. It does not know what a page tells.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from ..cells import neutral

_STYLE: Final = """
:root{color-scheme:light dark;--page:#fbfaf7;--card:#fff;--ink:#23211c;--faint:#6d685c;--line:#e3dfd5;
--bar:#7d9b5b;--soft:#eef2e6;--error:#b3261e;--warning:#a86400;--note:#2f6690}
@media (prefers-color-scheme:dark){:root{--page:#191814;--card:#22211c;--ink:#ebe7dc;--faint:#a39d8e;
--line:#3a382f;--bar:#8fae6b;--soft:#2b3022;--error:#ff8a80;--warning:#f2b35b;--note:#86bce6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:66rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2.4rem 0 .7rem;display:flex;justify-content:space-between;
align-items:baseline;gap:1rem}
h2 small,.faint{color:var(--faint);font-size:.85rem;font-weight:400}
p{margin:.3rem 0}
code,pre{font-family:ui-monospace,"DejaVu Sans Mono",monospace;background:var(--soft);overflow-wrap:anywhere}
code{font-size:.86em;padding:.12em .4em;border-radius:4px}
pre{font-size:.8rem;line-height:1.45;margin:.4rem 0;white-space:pre-wrap;padding:.5rem .7rem;
border-radius:6px}
table{border-collapse:collapse;width:100%}
th{font-weight:600;text-align:left;color:var(--faint);font-size:.8rem}
th,td{padding:.35rem .7rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td{overflow-wrap:anywhere}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.finding{background:var(--card);border:1px solid var(--line);border-left:4px solid;border-radius:6px;
padding:.45rem .9rem;margin:.4rem 0;display:grid;grid-template-columns:10rem minmax(0,1fr);gap:0 1rem}
.finding>div:last-child{display:flex;flex-wrap:wrap;gap:0 1rem;align-items:baseline}
.finding p:first-child{flex:1 1 22rem}
.finding details{flex:1 1 100%;margin:0}
.finding .count{font-size:1.15rem;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.2}
.error{border-left-color:var(--error)}
.warning{border-left-color:var(--warning)}
.note{border-left-color:var(--note)}
.severity{font-size:.75rem;font-weight:650;letter-spacing:.04em;text-transform:uppercase}
.error .severity{color:var(--error)}
.warning .severity{color:var(--warning)}
.note .severity{color:var(--note)}
details{margin-top:.3rem}
summary{cursor:pointer;color:var(--faint);font-size:.85rem}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(18.5rem,1fr));gap:.8rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;min-width:0}
.card h3{font-size:.95rem;margin:0 0 .2rem;overflow-wrap:anywhere}
svg{display:block;width:100%;height:auto}
svg rect{fill:var(--bar)}
svg text{fill:var(--faint);font:10px system-ui,sans-serif}
.bars{display:grid;grid-template-columns:minmax(3rem,max-content) minmax(4rem,1fr) auto;gap:.15rem .7rem;
align-items:center;font-size:.88rem}
.bars span{overflow-wrap:anywhere}
.bars i{display:block;height:.7rem;background:var(--bar);border-radius:2px}
.bars .error{background:var(--error)}
.bars .warning{background:var(--warning)}
.bars .note{background:var(--note)}
""".strip()

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def whole(title: str, body: str, *, style: str = "") -> str:
    """The page; its own policy forbids scripts and loading. `title` is text, `body` and `style` are markup."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{_STYLE}{style}\n</style>\n</head>\n<body>\n<main>\n"
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def escaped(text: Any) -> str:
    """Text from data, safe as HTML content and in quoted attributes."""
    return html.escape(neutral(str(text)))


def data(text: Any) -> str:
    """Text from data, kept from changing the reading direction of what stands around it."""
    return f"<bdi>{escaped(text)}</bdi>"


def section(title: str, body: Iterable[str], aside: str = "") -> Iterator[str]:
    yield f"<section>\n<h2>{title}{f' <small>{escaped(aside)}</small>' if aside else ''}</h2>\n"
    yield from body
    yield "\n</section>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> Iterator[str]:
    """A table of cells that are HTML already; columns whose place is in `numbers` are set right."""
    mark = [' class="n"' if place in numbers else "" for place in range(len(head))]
    yield f"<table><tr>{''.join(f'<th{m}>{cell}</th>' for m, cell in zip(mark, head, strict=True))}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td{m}>{cell}</td>' for m, cell in zip(mark, row, strict=True))}</tr>"
    yield "</table>"


def bars(rows: Iterable[tuple[str, float, str, str]]) -> str:
    """Horizontal bars: (label as HTML, share of the width, what stands behind it, class)."""
    told = "".join(
        f'<span>{label}</span><i class="{kind}" style="width:{max(min(share, 1.0), 0.0) * 100:.2f}%"></i>'
        f'<span class="n">{escaped(behind)}</span>'
        for label, share, behind, kind in rows
    )
    return f'<div class="bars">{told}</div>'
