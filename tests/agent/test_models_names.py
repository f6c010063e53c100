"""How models, endpoints and roles are named, and what contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.config import Config, Endpoint, is_local
from tilth.agent.models.connections import VLLM_URL, Connections, Reference, endpoint_of, reference, roles
from tilth.tools.errors import Misuse

LAB = {"endpoints": {"lab": {"base_url": "http://127.0.0.1:1/v1"}}}
GOOD = "openai:small@lab"


def config(**tables: Any) -> Config:
    return Config.model_validate({**LAB, **tables})


@given(st.text(min_size=1).filter(lambda text: "@" not in text))
def test_any_model_name_reads_back(model: str) -> None:
    assert reference(f"openai:{model}@lab", config().endpoints) == Reference("openai", model, "lab")
    assert str(reference(f"openai:{model}@lab", config().endpoints)) == f"openai:{model}@lab"


def test_a_model_name_may_hold_colons_slashes_and_ats() -> None:
    found = reference("openai:org/model:7b@2024@lab", config().endpoints)
    assert (found.model, found.endpoint) == ("org/model:7b@2024", "lab")


@pytest.mark.parametrize(
    "text", ["", "small", "openai:small", "openai:@lab", "openai:x@", "vllm:", "offline:x", "gpt:x@lab"]
)
def test_what_names_no_model_is_told_the_forms(text: str) -> None:
    with pytest.raises(Misuse, match="names no model") as told:
        reference(text, config().endpoints)
    assert "openai:MODEL@ENDPOINT" in told.value.next_step


def test_an_unknown_endpoint_names_the_nearest_or_how_to_add_one() -> None:
    with pytest.raises(Misuse, match=r"no endpoint 'lap'\. Nearest: lab"):
        reference("openai:x@lap", config().endpoints)
    with pytest.raises(Misuse, match="tilth models add lap URL"):
        reference("openai:x@lap", {})


def test_vllm_needs_no_endpoint_and_heeds_one() -> None:
    assert endpoint_of("vllm", Config()).base_url == VLLM_URL
    declared = config(endpoints={"vllm": {"base_url": "http://10.0.0.7:9000/v1"}})
    assert endpoint_of("vllm", declared).host == "10.0.0.7:9000"


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ({"generator": [GOOD, GOOD]}, "twice"),
        ({"generator": [GOOD, "offline:"]}, "mixes offline:"),
        ({"reviewer": [GOOD]}, "no generator"),
        ({"generator": ["openai:small@lob"]}, r"roles\.generator: .*no endpoint 'lob'"),
    ],
)
def test_contradictory_roles(named: dict[str, list[str]], what: str) -> None:
    with pytest.raises(Misuse, match=what) as told:
        roles(config(roles=named))
    assert told.value.exit_code == 2 and told.value.next_step


async def test_one_model_may_fill_every_role_and_is_opened_once() -> None:
    same = config(roles={"generator": [GOOD], "reviewer": [GOOD], "adjudicator": []})
    found = {role: [str(one) for one in named] for role, named in roles(same).items()}
    assert found == {"generator": [GOOD], "reviewer": [GOOD], "adjudicator": []}
    async with Connections(same) as connections:
        assert connections.model(GOOD) is connections.model(GOOD)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://192.168.1.5/v1", True),
        ("https://api.example.com/v1", False),
        ("http://localhost.example.com/v1", False),
        ("http://8.8.8.8/v1", False),
        ("http://[::ffff:8.8.8.8]/v1", False),
        ("http://2130706433/v1", False),
    ],
)
def test_which_hosts_may_see_rows_by_default(url: str, local: bool) -> None:
    assert is_local(url) is local
    assert Endpoint(base_url=url).sees == ("rows" if local else "statistics")
    assert Endpoint(base_url=url, may_see="nothing").sees == "nothing"
