"""A card names a licence as a hub does, and shows every text as text."""

from __future__ import annotations

import pytest

from tilth.tools.document._answers import hub_license
from tilth.tools.document._facts import code, plain, visible


@pytest.mark.parametrize(
    ("chosen", "keys"),
    [
        ("", {}),
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("MIT OR Apache-2.0", {"license": "other", "license_name": "MIT OR Apache-2.0"}),
        ("ask us", {"license": "other", "license_name": "ask us"}),
    ],
)
def test_licences_as_a_hub_names_them(chosen: str, keys: dict[str, str]) -> None:
    assert hub_license(chosen) == keys


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<b> & [x](y)", "&lt;b&gt; &amp; \\[x\\]\\(y\\)"),
        ("*x* _y_ `z`", "\\*x\\* \\_y\\_ \\`z\\`"),
        ("a\nb\x1b[0m\u202e", "a\\\\u000ab\\\\u001b\\[0m\\\\u202e"),
    ],
)
def test_plain_text_is_no_markdown(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"), [("a", "`a`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("a|b", "`a\\|b`"), ("", "``")]
)
def test_code_spans_hold_any_text(text: str, shown: str) -> None:
    assert code(text) == shown


def test_nothing_hides_in_visible_text() -> None:
    assert visible("a\u200bb\rc") == "a\\u200bb\\u000dc"
