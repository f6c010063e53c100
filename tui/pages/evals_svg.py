"""Plots of evaluations as inline SVG: intervals, cost against score, curves. Colours come from the page's style.

It knows coordinates and labels. What the figures mean it does not know.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from . import page

WIDTH: Final = 760
NAME_WIDTH: Final = 150
HUES: Final = 6
"""Lines beyond this many differ by dashes."""

STYLE: Final = """
svg text{font-size:12px}
svg .ink{fill:var(--ink)}
svg line,svg polyline{stroke:var(--line);fill:none}
svg .zero{stroke:var(--faint)}
svg .span{stroke:var(--ink);stroke-width:1.5}
svg .dot{fill:var(--bar);stroke:var(--ink);stroke-width:1}
svg polyline{stroke-width:2}
:root{--h0:#4d7a2a;--h1:#2f6690;--h2:#a86400;--h3:#8e3b8e;--h4:#b3261e;--h5:#00796b}
@media (prefers-color-scheme:dark){:root{--h0:#8fae6b;--h1:#86bce6;--h2:#f2b35b;--h3:#d99bd9;--h4:#ff8a80;--h5:#5fd0c0}}
.heat td{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.heat td:first-child{text-align:left}
.wide{overflow-x:auto}
.wide svg,.wide table{min-width:42rem}
.caution{border-left:4px solid var(--warning);padding-left:.7rem;font-weight:600}
"""


@dataclass(frozen=True)
class Bar:
    """A figure with its interval; `low` and `high` are NaN where there is none."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Dot:
    label: str
    x: float
    y: float


def forest(bars: Sequence[Bar], *, name: str, unit_range: bool = True) -> str:
    """One line for each figure: its interval and value on a common scale. Without `unit_range`, 0 is marked."""
    known = [value for one in bars for value in (one.value, one.low, one.high) if not math.isnan(value)]
    if not known:
        return ""
    low, high = (min(0.0, *known), max(1.0, *known)) if unit_range else _widened(min(0.0, *known), max(0.0, *known))
    left, right, row = 236, WIDTH - 166, 24
    bottom = row * len(bars) + 8

    def at(value: float) -> str:
        return f"{left + (value - low) / (high - low) * (right - left):.1f}"

    parts = []
    for tick in _ticks(low, high):
        kind = "zero" if tick == 0 and not unit_range else ""
        parts.append(f'<line class="{kind}" x1="{at(tick)}" x2="{at(tick)}" y1="4" y2="{bottom}"/>')
        parts.append(f'<text x="{at(tick)}" y="{bottom + 14}" text-anchor="middle">{tick:g}</text>')
    for i, one in enumerate(bars):
        y = row * i + 20
        parts.append(f'<text class="ink" x="0" y="{y + 4}">{page.escaped(_short(one.label, 34))}</text>')
        if math.isnan(one.value):
            parts.append(f'<text x="{left}" y="{y + 4}">no score</text>')
            continue
        told = f"{one.value:.3f}"
        if not math.isnan(one.low):
            parts.append(f'<line class="span" x1="{at(one.low)}" x2="{at(one.high)}" y1="{y}" y2="{y}"/>')
            told += f" ({one.low:.3f} to {one.high:.3f})"
        parts.append(f'<circle class="dot" cx="{at(one.value)}" cy="{y}" r="4.5"/>')
        parts.append(f'<text class="ink" x="{WIDTH}" y="{y + 4}" text-anchor="end">{told}</text>')
    return _svg(parts, bottom + 20, name)


def scatter(dots: Sequence[Dot], *, name: str, x_name: str, y_name: str, money: bool = False) -> str:
    """Points with their names beside them. The x axis is logarithmic where costs differ 20-fold; no cost stands left."""
    dots = [one for one in dots if not math.isnan(one.y)]
    costs = [one.x for one in dots if one.x > 0]
    if not costs:
        return ""
    height, left, right, top = 272, 60, WIDTH - 170, 24
    base = height - 42
    logarithmic = max(costs) / min(costs) > 20
    free = 90 if logarithmic and len(costs) < len(dots) else 0
    low = math.log10(min(costs)) if logarithmic else 0.0
    high = math.log10(max(costs)) if logarithmic else max(costs)
    bottom_y, top_y = min(0.0, *(one.y for one in dots)), max(1.0, *(one.y for one in dots))

    def x_at(cost: float) -> float:
        if logarithmic and cost <= 0:
            return left
        value = math.log10(cost) if logarithmic else cost
        return left + free + (value - low) / ((high - low) or 1.0) * (right - left - free)

    def y_at(value: float) -> float:
        return base - (value - bottom_y) / ((top_y - bottom_y) or 1.0) * (base - top)

    parts = []
    for tick in _ticks(bottom_y, top_y):
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y_at(tick):.1f}" y2="{y_at(tick):.1f}"/>')
        parts.append(f'<text x="{left - 8}" y="{y_at(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    marks = [10.0**power for power in range(math.ceil(low), math.floor(high) + 1)] if logarithmic else _ticks(low, high)
    marks = marks or costs[:1]
    for cost in [*marks, *([0.0] if free else [])]:
        told = f"${cost:g}" if money else f"{cost:,.0f}"
        parts.append(f'<text x="{x_at(cost):.1f}" y="{base + 16}" text-anchor="middle">{told}</text>')
    near: list[list[Dot]] = []  # dots whose names would lie over one another
    for one in sorted(dots, key=lambda dot: (dot.x, dot.y, dot.label)):
        if not near or x_at(one.x) - x_at(near[-1][-1].x) >= NAME_WIDTH:
            near.append([])
        near[-1].append(one)
    for group in near:
        heights = _apart([y_at(one.y) + 4 for one in group], least=top + 4, most=base + 4)
        for one, label_y in zip(group, heights, strict=True):
            x = x_at(one.x)
            parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y_at(one.y):.1f}" r="5"/>')
            parts.append(
                f'<text class="ink" x="{x + 9:.1f}" y="{label_y:.1f}">{page.escaped(_short(one.label, 24))}</text>'
            )
    parts.append(
        f'<text x="{(left + right) / 2:.0f}" y="{height - 6}" text-anchor="middle">{page.escaped(x_name)}</text>'
    )
    parts.append(f'<text x="0" y="{top - 12}">{page.escaped(y_name)}</text>')
    return _svg(parts, height, name)


def curves(series: Sequence[tuple[str, Sequence[tuple[float, float]]]], *, name: str, x_name: str) -> str:
    """Lines over a common scale, each with its name at its end."""
    points = [point for _, line in series for point in line]
    if not points:
        return ""
    height, left, right, top = 260, 44, WIDTH - 170, 12
    base = height - 42
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(xs), max(xs) if max(xs) > min(xs) else min(xs) + 1
    least, most = min(0.0, *ys), max(1.0, *ys)

    def at(x: float, y: float) -> tuple[float, float]:
        return left + (x - low) / (high - low) * (right - left), base - (y - least) / (most - least) * (base - top)

    parts = []
    for tick in _ticks(least, most):
        y = at(low, tick)[1]
        kind = "zero" if tick == 0 else ""
        parts.append(f'<line class="{kind}" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in _ticks(low, high):
        parts.append(f'<text x="{at(tick, 0)[0]:.1f}" y="{base + 16}" text-anchor="middle">{tick:g}</text>')
    drawn = [(place, label, line) for place, (label, line) in enumerate(series) if line]
    heights = _apart([at(*line[-1])[1] + 4 for _, _, line in drawn], least=top + 4, most=base + 4)
    for (place, label, line), label_y in zip(drawn, heights, strict=True):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in line))
        dash = f' stroke-dasharray="{3 + place // HUES * 3} 3"' if place >= HUES else ""
        parts.append(f'<polyline style="stroke:var(--h{place % HUES})"{dash} points="{path}"/>')
        x = at(*line[-1])[0]
        parts.append(
            f'<text style="fill:var(--h{place % HUES})" x="{x + 8:.1f}" y="{label_y:.1f}">'
            f"{page.escaped(_short(label, 24))}</text>"
        )
    parts.append(
        f'<text x="{(left + right) / 2:.0f}" y="{height - 6}" text-anchor="middle">{page.escaped(x_name)}</text>'
    )
    return _svg(parts, height, name)


def _svg(parts: Sequence[str], height: float, name: str) -> str:
    view = f'viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{page.escaped(name)}"'
    return f"<svg {view}>{''.join(parts)}</svg>"


def _apart(heights: Sequence[float], *, least: float, most: float, gap: float = 13.0) -> list[float]:
    """Heights of labels, each near its own and `gap` from the next, in their order; all in the range while it has room."""
    order = sorted(range(len(heights)), key=lambda i: (heights[i], i))
    found, above = list(heights), least - gap
    for i in order:
        found[i] = above = max(heights[i], above + gap)
    below = most + gap
    for i in reversed(order):
        found[i] = below = min(found[i], below - gap)
    return found


def _ticks(low: float, high: float) -> list[float]:
    """Round values, four to eight of them, that lie in the range."""
    rough = (high - low) / 5 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _widened(low: float, high: float) -> tuple[float, float]:
    margin = (high - low) * 0.05 or 0.5
    return low - margin, high + margin


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
