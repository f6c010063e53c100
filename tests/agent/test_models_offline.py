"""The offline model quotes and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tilth.agent.config import Config
from tilth.agent.models.connections import Connections
from tilth.agent.models.offline import OfflineModel, quotes

MATERIAL = (
    "Tilth is the state of soil. Good tilth lets roots grow. Version 3.5 of the plough costs 40 shillings! "
    "Roots need air, and worms bring it. The plough was sold."
)


def user(*texts: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text} for text in texts]


async def test_it_quotes_what_shares_the_rarest_words() -> None:
    answer = await OfflineModel().answer(user(f"{MATERIAL}\n\nWhat does the plough of version 3.5 cost?"))
    assert answer["text"].splitlines()[0] == "Version 3.5 of the plough costs 40 shillings!"
    assert (answer["model"], answer["outcome"], answer["tokens"]) == ("offline:", "ok", {"input": 0, "output": 0})


async def test_material_may_come_in_earlier_messages_and_from_tools() -> None:
    messages = [
        {"role": "system", "content": "Worms are secret."},
        {"role": "tool", "content": MATERIAL},
        *user("What do worms bring?"),
    ]
    assert (await OfflineModel().answer(messages))["text"] == "Roots need air, and worms bring it."


async def test_where_nothing_matches_it_says_so() -> None:
    for messages in (user(f"{MATERIAL}\n\nQuantum chromodynamics?"), user("Why?"), []):
        answer = await OfflineModel().answer(messages)
        assert (answer["outcome"], answer["text"]) == ("refused", "")
        assert "no sentence" in answer["problem"]


async def test_it_fills_no_schema() -> None:
    class Verdict(BaseModel):
        score: int

    answer = await OfflineModel().answer(user("Score this."), schema=Verdict)
    assert (answer["outcome"], answer["data"]) == ("refused", None)
    assert "cannot fill Verdict" in answer["problem"]


@given(st.text(max_size=60), st.text(max_size=400))
def test_every_quote_is_verbatim_in_order_and_the_same_twice(question: str, material: str) -> None:
    found = quotes(question, material)
    assert found == quotes(question, material)
    assert len(found) <= 3
    at = 0
    for quote in found:
        at = material.index(quote, at) + len(quote)


@given(st.integers(1, 10), st.sampled_from("?!.\n 。"))
def test_long_rows_of_marks_take_no_time(power: int, mark: str) -> None:
    quotes("a", "a" + mark * 2**power * 20)


async def test_it_opens_by_name_and_needs_no_endpoint() -> None:
    async with Connections(Config()) as connections:
        assert connections.model("offline:").name == "offline:"
