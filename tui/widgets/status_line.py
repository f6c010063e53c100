"""One line that always says how things stand: state, context, tokens, cost, rate, dataset, what the endpoint may see.

It knows the last meter reading. On a narrow screen the least important parts go first; none is cut in the middle.
"""

from __future__ import annotations

from ...agent.events import Metered
from ..cells import neutral, width
from .plain_text import ACCENT, GOOD, MUTED, WARNING, PlainText, joined

STATES = {"ready": ("●", GOOD), "asks you": ("?", WARNING), "no model": ("○", MUTED)}
SEPARATOR = " · "


class StatusLine(PlainText):
    """`● ready · dataset@1a2b3c4d · 12 % of context · …`"""

    DEFAULT_CSS = (
        "StatusLine { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }"
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state = "ready"
        self._dataset = self._sees = ""
        self._meter: Metered | None = None

    def on_resize(self) -> None:
        self._draw()

    def say(
        self,
        state: str | None = None,
        *,
        dataset: str | None = None,
        sees: str | None = None,
        meter: Metered | None = None,
    ) -> None:
        """Set what has changed. `sees` is what the endpoint may see of the data, known before it is asked."""
        self._state = self._state if state is None else state
        self._dataset = self._dataset if dataset is None else dataset
        self._sees = self._sees if sees is None else sees
        self._meter = self._meter if meter is None else meter
        self._draw()

    @property
    def state(self) -> str:
        return self._state

    def _draw(self) -> None:
        glyph, style = STATES.get(self._state, ("…", ACCENT))
        room = (self.size.width or 80) - 2
        shown = [neutral(self._state)]
        room -= width(shown[0]) + 2
        # in order of importance; kept while they fit
        for part in self._parts():
            if width(part) + len(SEPARATOR) <= room:
                shown.append(part)
                room -= width(part) + len(SEPARATOR)
        rest = SEPARATOR + SEPARATOR.join(shown[1:]) if len(shown) > 1 else ""
        self.show(joined((f"{glyph} ", style), (shown[0], f"bold {style}"), (rest, MUTED)))

    def _parts(self) -> list[str]:
        parts = [neutral(self._dataset)]
        if (meter := self._meter) is None:
            parts.append(f"sees {neutral(self._sees)}" if self._sees else "")
        else:
            used = f"{100 * meter.context / meter.limit:.0f} % of {_short(meter.limit)} context" if meter.limit else ""
            parts += [
                used,
                f"${meter.usd:.2f}",
                f"sees {neutral(meter.sees)}",
                f"↑{_short(meter.tokens_in)} ↓{_short(meter.tokens_out)}",
                f"{meter.rate:.0f} tok/s" if meter.rate else "",
                neutral(meter.model),
            ]
        return [part for part in parts if part]


def _short(count: int) -> str:
    return f"{count:,}" if count < 10_000 else f"{count / 1000:,.0f}k" if count < 1_000_000 else f"{count / 1e6:,.1f}M"
