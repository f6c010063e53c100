"""Licences are told as SPDX where they are SPDX, as written where not, and never guessed."""

from __future__ import annotations

import pytest

from tilth.tools.document._answers import hub_license, licence, spdx
from tilth.tools.document._facts import code, plain, visible


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (None, "unspecified"),
        ("", "unspecified"),
        ("  ", "unspecified"),
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("MIT License", "MIT"),
        ("cc-by-4.0", "CC-BY-4.0"),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("cc by nc 4.0", "CC-BY-NC-4.0"),
        ("Apache 2.0", "Apache-2.0"),
        ("CC0", "CC0-1.0"),
        ("odc-by", "ODC-By-1.0"),
        ("MIT AND CC-BY-4.0", "MIT AND CC-BY-4.0"),
        ("MIT or apache-2.0", "MIT OR Apache-2.0"),
        ("CC BY", "CC BY"),
        ("GPL", "GPL"),
        ("our own terms,\n see below", "our own terms, see below"),
        ("llama3", "llama3"),
    ],
)
def test_declared_licences(declared: str | None, told: str) -> None:
    assert licence(declared) == told


def test_a_family_of_licences_is_no_licence() -> None:
    assert [spdx(name) for name in ("CC BY", "BSD", "GPL", "Creative Commons")] == [None] * 4


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
