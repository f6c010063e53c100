"""A profile on a terminal and as a page: it fits, it is complete, and nothing in the data can act on either."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.plural import counted
from tilth.tui.cells import bar, fit, left, neutral, right, spark, width, wrap
from tilth.tui.pages.profile import render_html
from tilth.tui.render.profile import command, number, percent, render_profile

WIDTHS = (40, 60, 80, 120, 200)
ATTACKS = (
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b2J", "a\rb", "line\nbreak", "\u202eright to left", "\u200bhidden",
    "<script>alert(1)</script>", "</pre></main><img src=x onerror=alert(1)>", "[bold]markup[/bold] [/INST]",
    "'); drop table rows; --", "\"quoted\" & 'quoted'", "日本語のとても長い文字列です", "e\u0301" * 20, "{0} %s {name}",
    "\u2066isolated",
)  # fmt: skip
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

Details = Mapping[str, Any]


@pytest.fixture
def profile(make_rows: Any, run_tool: Any) -> Callable[..., Details]:
    def look(records: list[dict[str, Any]], **args: Any) -> Details:
        details: Details = run_tool("inspect.profile", make_rows(records), **args).details
        return json.loads(json.dumps(details))  # as another face would read it

    return look


def talk(*texts: str, **more: Any) -> dict[str, Any]:
    roles = ("system", "user", "assistant", "user", "assistant")
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)], **more}


@pytest.fixture(params=["chat", "table", "pairs", "text", "labels"])
def hostile(request: pytest.FixtureRequest, profile: Callable[..., Details]) -> Details:
    """Every place that shows data shows an attack."""
    attacks = [ATTACKS[i % len(ATTACKS)] for i in range(48)]
    long = " ".join(ATTACKS)
    by_format: dict[str, list[dict[str, Any]]] = {
        "chat": [talk(long, attack, f"{long} {i % 3} {long}", **{attack: attack}) for i, attack in enumerate(attacks)],
        "table": [{"key": str(i), attack: attack, "k" + ATTACKS[i % 3]: ATTACKS[i % 3], "z": "N/A" if i % 9 else "7"}
                  for i, attack in enumerate(attacks)],
        "pairs": [{"prompt": attack, "chosen": long * (i % 3), "rejected": attack, f"score_chosen{attacks[0]}": i,
                   f"score_rejected{attacks[0]}": 7} for i, attack in enumerate(attacks)],
        "text": [{"text": attack, attack: attack} for attack in attacks],
        "labels": [{"prompt": attack, "completion": attack, "label": bool(i % 2)} for i, attack in enumerate(attacks)],
    }  # fmt: skip
    by_format["chat"] += [
        {"messages": [{"role": attack, "content": attack}, {"role": "assistant", "content": attack}]}
        for attack in attacks
    ]
    return profile(by_format[request.param])


def hidden(text: str) -> set[str]:
    """Characters of a text that a terminal or a browser would act on."""
    return {character for character in text if neutral(character) != character}


@pytest.mark.parametrize("cells", WIDTHS)
def test_no_line_is_wider_than_the_terminal(hostile: Details, cells: int) -> None:
    lines = render_profile(hostile, dataset=ATTACKS[0], width=cells).split("\n")
    assert max(map(width, lines)) <= cells


def test_data_cannot_act_on_the_terminal(hostile: Details) -> None:
    plain = render_profile(hostile, dataset=ATTACKS[1], width=80)
    assert hidden(plain) <= {"\n"}
    painted = render_profile(hostile, dataset=ATTACKS[1], width=80, color=True)
    assert hidden(painted) <= {"\n", "\x1b"}
    assert ESCAPE.sub("", painted) == plain, "colour is all that is added, and what is red in the data is not"


class Page(HTMLParser):
    """Collects what a browser would make of a page."""

    TAGS = frozenset(
        (
            *(
                "html",
                "head",
                "meta",
                "title",
                "style",
                "body",
                "main",
                "section",
                "div",
                "span",
                "p",
                "small",
                "b",
                "i",
            ),
            *("h1", "h2", "h3", "bdi", "code", "pre", "details", "summary", "ul", "li", "table", "tr", "th", "td"),
            *("svg", "rect", "text"),
        )
    )
    VOID = frozenset(("meta",))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.shown: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.TAGS, tag
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.shown.append(data)


def test_data_cannot_act_on_the_page(hostile: Details) -> None:
    text = render_html(hostile, dataset="</title><script>alert(1)</script>")
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert page.attributes <= {
        *("lang", "charset", "http-equiv", "content", "name", "class", "style", "open"),
        *("viewbox", "role", "aria-label", "x", "y", "width", "height", "text-anchor"),
    }
    assert hidden(text) <= {"\n"}
    assert "default-src 'none'" in text and "<script" not in text and "src=" not in text.replace("&lt;img src=", "")
    assert "http" not in text.replace("http-equiv", "").replace("https://", "")


def test_what_is_shown_is_what_the_data_holds(profile: Callable[..., Details]) -> None:
    details = profile([{"<b>name</b>": "x & y", "n": str(i)} for i in range(30)])
    page = Page()
    page.feed(render_html(details, dataset="mine"))
    shown = "".join(page.shown)
    assert "<b>name</b>" in shown and "x & y" in shown
    assert "<b>name</b>" in render_profile(details, dataset="mine", width=120)


def test_the_verdict_comes_first_and_names_the_command(profile: Callable[..., Details]) -> None:
    details = profile([talk("s", "Hi", "Hello."), talk("s", "Hi", "Hello."), talk("s", "Ho")])
    lines = render_profile(details, dataset="mine", width=80).split("\n")
    assert lines[0] == "mine"
    assert lines[1].strip() == "3 conversations · messages format · 22 characters of dialogue"
    errors, checked = lines.index("ERRORS"), lines.index("NOT CHECKED")
    assert (
        errors < lines.index("WARNINGS") < lines.index("NOTES") < checked < lines.index("COLUMNS" + lines_tail(lines))
    )
    verdict = lines[errors:checked]
    assert any(re.fullmatch(r" +1 33\.3% +The last turn is not the assistant's: .*", line) for line in verdict)
    assert "                  → tilth do clean.chat mine" in lines
    assert "                  → tilth do dedup.exact mine" in lines
    assert any("Looked for in every row and not found: " in line for line in verdict)


def lines_tail(lines: list[str]) -> str:
    """What stands beside the heading of the columns."""
    return next(line for line in lines if line.startswith("COLUMNS")).removeprefix("COLUMNS")


def test_findings_with_one_fix_share_its_line(profile: Callable[..., Details]) -> None:
    broken = [
        {"messages": []},
        {"messages": [{"role": "narrator", "content": "x"}, {"role": "assistant", "content": "y"}]},
    ]
    text = render_profile(profile(broken), dataset="d")
    assert text.count("tilth do filter.chat d") == 1


def test_nothing_wrong_is_said_with_what_was_not_checked(profile: Callable[..., Details]) -> None:
    records = [{"prompt": f"What is {i} plus {i}?", "completion": f"It is {2 * i}."} for i in range(3)]
    text = render_profile(profile(records), dataset="fine")
    assert "NOTHING WRONG FOUND" in text and "NOT CHECKED" in text
    assert "personal data" in text


def test_every_section_of_a_table(profile: Callable[..., Details]) -> None:
    records = [
        {"id": f"r{i}", "a": "xyz"[i % 3], "b": "uvw"[i % 3] if i else "q", "n": str(i), "m": str(2 * i)}
        for i in range(30)
    ]
    text = render_profile(profile(records), width=80)
    for heading in ("DUPLICATES", "COLUMNS", "KEYS", "DEPENDENCIES", "CORRELATED"):
        assert f"\n{heading}" in text
    assert "data.jsonl:1: “q”, elsewhere “u”" in text


def test_the_page_draws_what_the_terminal_tells(profile: Callable[..., Details]) -> None:
    details = profile([talk("s" * i, "Hi", f"Hello number {i}, and welcome to this place. " * i) for i in range(1, 30)])
    text = render_html(details)
    assert text.count("<svg") >= 3
    assert text.count("<title>") == 1 + sum(
        len(one["histogram"]["counts"]) for one in [*details["lengths"], *details["columns"]]
        if len(one["histogram"].get("counts", ())) > 1
    )  # fmt: skip


# Small parts ----------------------------------------------------------------------------------------------------------


@given(st.text())
def test_neutral_text_is_visible_and_stays_so(text: str) -> None:
    safe = neutral(text)
    assert hidden(safe) == set()
    assert neutral(safe) == safe
    assert len(safe) == len(text)


@given(st.text().map(neutral), st.integers(0, 30))
def test_cut_and_padded_text_has_its_width(text: str, cells: int) -> None:
    assert width(fit(text, cells)) <= cells
    assert width(left(text, cells)) == width(right(text, cells)) == cells
    if width(text) <= cells:
        assert fit(text, cells) == text


@given(st.text().map(neutral), st.integers(2, 30))
def test_wrapping_loses_no_character_but_spaces(text: str, cells: int) -> None:
    lines = wrap(text, cells)
    assert max(map(width, lines)) <= cells
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_bars_and_histograms() -> None:
    assert spark([0, 1, 8, 4]) == " ▁█▄"
    assert spark([0, 1, 10_000]) == " ▁█", "what is there is seen"
    assert spark([]) == ""
    assert bar(0.5, 4) == "██" and bar(0, 4) == "" and bar(2, 4) == "████"


def test_numbers_for_people() -> None:
    assert [number(value) for value in (1234567, 0.12345, 12345.6, 3.0, None)] == [
        "1,234,567",
        "0.1235",
        "12,346",
        "3",
        "–",
    ]
    assert [percent(share) for share in (0, 0.0001, 0.5, 0.9996, 1)] == ["0.0%", "<0.1%", "50.0%", ">99.9%", "100%"]
    assert [counted(1, "rows"), counted(2_000, "rows"), counted(1, "tries"), counted(0, "tries")] == [
        "1 row",
        "2,000 rows",
        "1 try",
        "0 tries",
    ]
    assert command("dedup.near --threshold 0.7", "mine") == "tilth do dedup.near mine --threshold 0.7"
    assert command("filter.chat", "mine") == "tilth do filter.chat mine"
