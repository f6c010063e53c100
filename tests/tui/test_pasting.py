"""Nothing that is pasted counts as a key, however the terminal cuts it into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.drivers import linux_driver

from tilth.tui.widgets.pasting import BEGIN, END, PasteParser, install

HOSTILE = st.text(alphabet="ab1\x1b[20~;mOP\n漢", max_size=60).filter(lambda text: END not in text)


def fed(*pieces: str) -> list[events.Event]:
    parser = PasteParser()
    found = [one for piece in pieces for one in parser.feed(piece)]
    return [one for one in found if isinstance(one, events.Key | events.Paste)]


def told(found: list[events.Event]) -> list[str]:
    return [one.text if isinstance(one, events.Paste) else f"<{one.key}>" for one in found]  # type: ignore[union-attr]


@given(HOSTILE, st.lists(st.integers(0, 80), max_size=6))
def test_a_paste_is_one_text_with_its_escapes_made_visible(text: str, cuts: list[int]) -> None:
    sent = f"x{BEGIN}a{text}{END}y"
    places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    pieces = [sent[a:b] for a, b in pairwise(places) if b > a]
    found = told(fed(*pieces))
    assert (found[0], found[-1]) == ("<x>", "<y>")
    assert found[1:-1] == ["a" + text.replace("\x1b", "␛")]


@given(st.text(alphabet="ab\x1b", max_size=10))
def test_what_is_typed_is_read_as_before(text: str) -> None:
    whole = told(fed(text + "z")) if text else ["<z>"]
    parser = linux_driver.XTermParser()
    assert whole == told([one for one in parser.feed(text + "z") if isinstance(one, events.Key)])


def test_two_pastes_and_arrow_keys_between_them() -> None:
    assert told(fed(f"{BEGIN}one\x1b[31m{END}\x1b[A{BEGIN}two{END}")) == ["one␛[31m", "<up>", "two"]


def test_the_driver_reads_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux_driver, "XTermParser", linux_driver.XTermParser)
    install()
    assert linux_driver.XTermParser is PasteParser
