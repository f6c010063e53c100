"""Prompt files: names, slots, shadowing, copies to edit."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tilth import prompts
from tilth.prompts import PromptError, Prompts


@pytest.fixture
def own(tmp_path: Path) -> Prompts:
    folder = tmp_path / "prompts"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "greet.md").write_text("Greet {{who}} in {{tongue}}.\n")
    return Prompts(folder)


def test_slots_are_filled_and_the_sha_is_of_the_file(own: Prompts) -> None:
    prompt = own.load("mine/greet", who="Ada", tongue="Latin")
    assert prompt.text == "Greet Ada in Latin."
    assert prompt.sha == hashlib.sha256(b"Greet {{who}} in {{tongue}}.\n").hexdigest()[:16]
    assert own.load("mine/greet", who="Bo", tongue="Greek").sha == prompt.sha


def test_a_value_is_never_read_for_slots(own: Prompts) -> None:
    assert (
        own.load("mine/greet", who="{{tongue}} \\1 \\g<0>", tongue="Latin").text
        == "Greet {{tongue}} \\1 \\g<0> in Latin."
    )


def test_an_unfilled_and_an_unused_slot_are_named(own: Prompts) -> None:
    with pytest.raises(PromptError, match=r"a slot \{\{tongue\}\} that nothing fills"):
        own.load("mine/greet", who="Ada")
    with pytest.raises(PromptError, match=r"lacks the slot \{\{mood\}\}"):
        own.load("mine/greet", who="Ada", tongue="Latin", mood="glad")


def test_an_unknown_name_says_the_nearest(own: Prompts) -> None:
    with pytest.raises(PromptError, match="Nearest: mine/greet"):
        own.load("mine/gret")


@pytest.mark.parametrize(
    "name", ["../prompts/mine/greet", "/etc/passwd", "mine//greet", "", "mine/greet.md", "Mine/Greet"]
)
def test_a_name_is_no_path(own: Prompts, name: str) -> None:
    with pytest.raises(PromptError):
        own.path(name)


def test_every_shipped_prompt_can_be_read() -> None:
    names = Prompts().names()
    assert names
    for name in names:
        assert Prompts().template(name).text
        assert not Prompts().shadowed(name)


def test_an_ejected_prompt_shadows_the_shipped_one(tmp_path: Path) -> None:
    name = Prompts().names()[0]
    mine = Prompts(tmp_path / "prompts")
    path = mine.eject(name)
    assert mine.shadowed(name) and mine.template(name) == Prompts().template(name)
    path.write_text("Otherwise.")
    assert mine.load(name).text == "Otherwise."
    assert mine.template(name).sha != Prompts().template(name).sha
    assert name in mine.names() and mine.names() == Prompts().names()
    with pytest.raises(PromptError, match="there already"):
        mine.eject(name)
    assert path.read_text() == "Otherwise."


def test_ejecting_wants_a_workspace_and_a_shipped_prompt(own: Prompts) -> None:
    with pytest.raises(PromptError, match="no workspace"):
        Prompts().eject(Prompts().names()[0])
    with pytest.raises(PromptError, match="own prompt already"):
        own.eject("mine/greet")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe")
    with pytest.raises(PromptError, match=r"bad\.md"):
        Prompts(tmp_path).load("bad")


def test_the_module_loads_shipped_prompts() -> None:
    with pytest.raises(PromptError, match="'tilth prompts' lists them"):
        prompts.load("zzzzzz")
