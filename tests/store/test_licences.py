"""Licences are told as SPDX where they are SPDX, as written where not, and never guessed; the strictest class wins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.events import Noticed
from tilth.agent.recipes import expect
from tilth.agent.recipes.recipe import read_recipe
from tilth.agent.workspace import Workspace
from tilth.tools.errors import Misuse, Refused
from tilth.tools.store import licences
from tilth.tools.store.licences import CLASSES, doubt, is_within, read, spdx, strictest


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (None, "unspecified"),
        ("", "unspecified"),
        ("  ", "unspecified"),
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("MIT License", "MIT"),
        ("the MIT licence", "MIT"),
        ("cc-by-4.0", "CC-BY-4.0"),
        ("cc by 4.0", "CC-BY-4.0"),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("cc by nc 4.0", "CC-BY-NC-4.0"),
        ("Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International", "CC-BY-NC-SA-4.0"),
        ("Apache 2.0", "Apache-2.0"),
        ("apache 2", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("GPL v3", "GPL-3.0-only"),
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
    assert read(declared).told == told


def test_a_family_of_licences_is_no_licence() -> None:
    assert [spdx(name) for name in ("CC BY", "BSD", "GPL", "Creative Commons")] == [None] * 4


@pytest.mark.parametrize(
    ("declared", "kind", "flags"),
    [
        ("CC0-1.0", "commercial", []),
        ("MIT", "commercial", ["attribution"]),
        ("CC BY-SA 4.0", "commercial", ["attribution", "share-alike"]),
        ("CC BY-ND 4.0", "commercial", ["attribution", "no-derivatives"]),
        ("cc-by-nc-4.0", "non-commercial", ["attribution"]),
        ("PolyForm-Noncommercial-1.0.0", "non-commercial", ["attribution"]),
        ("research only", "academic-only", []),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "commercial", ["attribution", "share-alike"]),
        ("MIT AND CC-BY-NC-SA-4.0", "non-commercial", ["attribution", "share-alike"]),
        ("MIT OR CC-BY-NC-4.0", "commercial", ["attribution"]),
        ("ODbL-1.0 AND CC-BY-ND-4.0", "commercial", ["attribution", "share-alike", "no-derivatives"]),
        ("AAL", "unspecified", []),
        ("MIT AND AAL", "unspecified", ["attribution"]),
        ("ask us", "unspecified", []),
        (None, "unspecified", []),
    ],
)
def test_what_a_licence_allows(declared: str | None, kind: str, flags: list[str]) -> None:
    assert (read(declared).kind, read(declared).flags) == (kind, flags)


@given(st.lists(st.sampled_from(["MIT", "", "CC-BY-NC-4.0", "research only", "what?", "CC0"]), min_size=1))
def test_the_strictest_wins_whatever_the_order(declared: list[str]) -> None:
    found = strictest(declared)
    assert found == strictest(declared[::-1]) == max((read(one).kind for one in declared), key=CLASSES.index)
    assert CLASSES.index(strictest([*declared, "research only"])) >= CLASSES.index(found)


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_free_licence_without_being_understood(text: str) -> None:
    found = read(text)
    assert found.kind == "unspecified" or found.known
    assert found.known or not text.strip() or doubt(text)


def test_what_was_not_understood_is_said_with_the_nearest() -> None:
    assert doubt("cc-by-nc4.0").endswith("counts as unspecified; nearest: CC-BY-NC-4.0")
    assert "has no class here" in doubt("AAL")
    assert doubt("MIT") == doubt(None) == doubt("non-commercial") == ""


def test_every_identifier_of_the_tables_is_spdx() -> None:
    known = [*licences._FREE, *licences._PERMISSIVE, *licences._COPYLEFT, *licences._NON_COMMERCIAL]
    assert [name for name in [*known, *licences._ALIASES.values()] if spdx(name) != name] == []


@pytest.mark.parametrize(
    ("declared", "allowed", "within"),
    [
        ("MIT OR GPL-3.0-only", {"MIT"}, True),
        ("MIT AND GPL-3.0-only", {"MIT"}, False),
        ("MIT AND GPL-3.0-only", {"MIT", "GPL-3.0-only"}, True),
        ("MIT AND (GPL-3.0-only OR Apache-2.0)", {"MIT", "Apache-2.0"}, True),
        ("MIT AND CC-BY-NC-4.0", {"commercial"}, False),
        ("mit or apache-2.0", {"MIT OR Apache-2.0"}, True),
        ("all rights reserved MIT", {"MIT"}, False),
        (None, {"MIT", "commercial"}, False),
        (None, {"unspecified"}, True),
    ],
)
def test_of_a_choice_one_part_is_enough_and_of_a_sum_each_must(
    declared: str | None, allowed: set[str], within: bool
) -> None:
    assert is_within(declared, allowed) is within


def test_expected_licences_name_the_sources_that_fail() -> None:
    sources = [{"name": "a", "license": "mit"}, {"name": "b", "license": "CC BY-NC 4.0"}, {"name": "c"}]
    wanted = expect.parse("license", ["commercial"])
    verdict = expect.check_licenses(wanted, sources)
    assert not verdict.met and verdict.found == 2
    assert str(verdict) == "license in [commercial] (found b: CC-BY-NC-4.0, non-commercial; c: unspecified)"
    allowed = expect.parse("license", ["commercial", "cc by nc 4.0", "unspecified"])
    assert expect.check_licenses(allowed, sources).met
    for nonsense in (["comercial"], [], ">= 5", 3):
        with pytest.raises(Misuse, match="license"):
            expect.parse("license", nonsense)


RECIPE = """\
recipe: 1
dataset: notes
sources: [{name: notes, paths: [notes.jsonl], license: "cc-by-nc4.0"}]
steps: []
expect: {license: [commercial]}
export: {to: out}
"""


def test_a_recipe_warns_and_its_gate_stops_the_export(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text(json.dumps({"text": "a"}) + "\n")
    path = tmp_path / "r.yaml"
    path.write_text(RECIPE)
    heard: list[object] = []
    with Workspace(tmp_path, listener=heard.append) as workspace:
        with pytest.raises(Refused, match=r"found notes: cc-by-nc4\.0, unspecified"):
            workspace.run(path)
        assert [one.text for one in heard if isinstance(one, Noticed) and "nearest: CC-BY-NC-4.0" in one.text]
        assert not (tmp_path / "out").exists()
        path.write_text(RECIPE.replace("cc-by-nc4.0", "CC BY 4.0"))
        assert workspace.run(path).result["expect"][0]["met"]
        assert json.loads((tmp_path / "r.lock.json").read_text())["license"] == "commercial"


def test_only_the_license_takes_a_list(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(RECIPE.replace("license: [commercial]", "rows: [commercial]"))
    with pytest.raises(Misuse, match=r"r\.yaml:5: expect: rows takes one condition"):
        read_recipe(path)
