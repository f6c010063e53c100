"""`clean.html`: what is HTML and what only speaks about it, what is told, and that the missing extra is said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from html import escape
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.tools.clean.html import form_of
from tilth.tools.errors import Misuse
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

MakeRows = Callable[..., Rows]

POST = "<p>How do I sort a list?</p>\n\n<pre><code>x.sort()\n</code></pre>\n<p>It <b>fails</b> &amp; I cry.</p>"
STORY = "The old bridge was closed last winter because the wood had begun to rot."
PAGE = (
    "<!DOCTYPE html><html><head><title>Bridges</title><script>var secret = 1;</script></head><body>"
    "<nav><a href='/'>Home</a></nav><article><h1>Bridges</h1>" + f"<p>{STORY}</p>" * 3 + "</article></body></html>"
)


@pytest.fixture
def trafilatura() -> None:
    """Tests that read HTML need the extra."""
    try:
        import trafilatura  # noqa: F401
    except ImportError:
        pytest.skip("the extra html is not installed")


def rows_of(make_rows: MakeRows, texts: list[str], **read: Any) -> Rows:
    return make_rows([{"text": text} for text in texts], format="text", **read)


def texts_of(rows: Rows) -> list[str]:
    return [record["text"] for record in rows.records(range(len(rows)))]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (POST, "html"),
        (PAGE, "html"),
        ("  <div>\nx</div>\n", "html"),
        ("<!-- note --><p>x</p>", "html"),
        ("One<br>two", "html_among_text"),
        ("See <b>this</b>", "html_among_text"),
        ("<p>Start</p> and more", "html_among_text"),
        ("<p>Start</p> a -> b >", "html_among_text"),
        ("<p>x</p><!-- note -->", "html"),
        ("a < b and c > d", None),
        ("List<String> names; <T>", None),
        ("Write `<b>bold</b>` for bold.", None),
        ("```html\n<p>x</p>\n```", None),
        ("<thinking>Hm.</thinking>", None),
        ("<|im_end|>", None),
        ("", None),
    ],
)
def test_what_is_html(text: str, form: str | None) -> None:
    assert form_of(text) == form


def test_html_becomes_text_and_the_rest_stays(
    trafilatura: None, store: Store, make_rows: MakeRows, run_tool: Any
) -> None:
    texts = ["Plain & simple.", POST, "One<br>two", PAGE, "<div><img src='x.png'></div>"]
    ran = run_tool("clean.html", rows_of(make_rows, texts))
    plain, post, mixed, page, empty = texts_of(ran.rows)
    assert (plain, mixed, empty) == (texts[0], texts[2], texts[4])
    assert post.split("\n") == ["How do I sort a list?", "x.sort()", "It fails & I cry."]
    assert STORY in page and "secret" not in page and "<" not in page
    assert [(one["position"], one["action"], one["reason"]) for one in ran.decisions] == [
        (1, "edit", "html"), (3, "edit", "html"),
    ]  # fmt: skip
    assert ran.decisions[0]["evidence"] == {
        "spans": [[["text"], 0, len(POST)]],
        "before": len(POST),
        "after": len(post),
    }
    signals = store.objects.read(ran.entry.objects["signals"]).to_pydict()
    assert (signals["html_texts"], signals["mixed_texts"]) == ([0, 1, 0, 1, 1], [0, 0, 1, 0, 0])
    findings = {one["code"]: one["count"] for one in store.objects.read(ran.entry.objects["findings"]).to_pylist()}
    assert findings == {"html_without_text": 1, "html_among_text": 1}
    facts = store.objects.read(ran.entry.objects["facts"]).to_pylist()
    told = {one["id"].removeprefix("clean.html."): json.loads(one["value"]) for one in facts}
    assert (told["html"], told["html_among_text"]) == (2, 0)
    assert told["characters_before"] == len(POST) + len(PAGE)


def test_texts_with_tags_are_read_when_asked(trafilatura: None, make_rows: MakeRows, run_tool: Any) -> None:
    fence = "See <b>this</b>:\n```\nx\n```"
    ran = run_tool("clean.html", rows_of(make_rows, ["One<br>two &lt; three", fence]), mixed=True)
    assert texts_of(ran.rows) == ["One\ntwo < three", fence]
    assert [one["reason"] for one in ran.decisions] == ["html_among_text"]


def test_the_main_content_leaves_out_the_menu(trafilatura: None, make_rows: MakeRows, run_tool: Any) -> None:
    (main,) = texts_of(run_tool("clean.html", rows_of(make_rows, [PAGE]), content="main").rows)
    assert STORY in main and "Home" not in main


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, make_rows: MakeRows, run_tool: Any) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    rows = rows_of(make_rows, [POST])
    with pytest.raises(Misuse, match=r"needs the package 'trafilatura'.*pip install 'tilth\[html\]'"):
        run_tool("clean.html", rows)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.lists(st.text(st.sampled_from("abc &<é"), min_size=1, max_size=12), min_size=1, max_size=4),
                   min_size=1, max_size=5),
    pack_rows=st.sampled_from([1, 2, 100]),
)  # fmt: skip
def test_no_word_of_a_paragraph_is_lost(
    lines: list[list[str]], pack_rows: int, trafilatura: None, make_rows: MakeRows, run_tool: Any
) -> None:
    texts = ["".join(f"<p>{number} {escape(line)}.</p>" for number, line in enumerate(one)) for one in lines]
    after = texts_of(run_tool("clean.html", rows_of(make_rows, texts, pack_rows=pack_rows)).rows)
    for one, text in zip(lines, after, strict=True):
        said = "".join(f"{number} {line}." for number, line in enumerate(one))
        assert "".join(text.split()) == "".join(said.split())
