"""The real vLLM, on a CPU, with models of random weights: what `tilth serve` starts answers through our client.

Opt-in: name the Python vLLM is installed in, then `VLLM_PYTHON=/path/to/bin/python pytest -m vllm`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel

from tilth.agent.config import Config, read_config
from tilth.agent.models import serving
from tilth.agent.models.connections import Connections
from tilth.agent.models.probe import probe
from tilth.agent.models.structured import strict_schema

PYTHON = os.environ.get("VLLM_PYTHON", "")
pytestmark = [
    pytest.mark.vllm,
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="VLLM_PYTHON names no Python that vLLM is installed in"),
]


class Colour(BaseModel):
    colour: Literal["ochre", "umber"]


ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "2",
    "HF_HUB_OFFLINE": "1",
}
COMMON = ["--dtype", "float32", "--max-model-len", "2048", "--max-num-seqs", "8", "--enforce-eager"]
CAUSAL = [
    *COMMON, "--enable-auto-tool-choice", "--tool-call-parser", "hermes",
    "--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}',
]  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    script = Path(__file__).with_name("build_tiny_models.py")
    subprocess.run([PYTHON, str(script), str(folder)], check=True, timeout=300, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def config(models: Path, environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """The configuration of a workspace that runs the causal model."""
    root = tmp_path_factory.mktemp("workspace")
    with serving.Server(root, str(models / "tiny"), python=PYTHON, arguments=CAUSAL) as server:
        server.ready(seconds=300)
        yield read_config(root)


async def test_the_client_finds_every_ability_of_a_causal_model(config: Config, models: Path) -> None:
    async with Connections(config) as connections:
        found = await probe(f"vllm:{models / 'tiny'}", connections)
    assert not found.fault
    assert found.context == 2048
    # At temperature 0 a random model may fill a tool call with spaces for ever; the next test lets it choose.
    assert {name: said for name, said in found.abilities.items() if name != "strict tools"} == {
        "json_schema": "yes",
        "logprobs": "yes",
        "prompt logprobs": "yes",
        "embeddings": "no",
        "streaming": "yes",
    }


async def test_answers_and_tool_calls_fit_their_schemas(config: Config, models: Path) -> None:
    function = {"name": "paint", "description": "Paint.", "parameters": strict_schema(Colour), "strict": True}
    async with Connections(config) as connections:
        model = connections.model(f"vllm:{models / 'tiny'}")
        answers = [
            await model.answer([{"role": "user", "content": f"Paint {i}."}], schema=Colour, nonce=[i], temperature=1.0)
            for i in range(5)
        ]
        called = await model.answer(
            [{"role": "user", "content": "Paint."}],
            tools=[{"type": "function", "function": function}],
            tool_choice={"type": "function", "function": {"name": "paint"}},
            temperature=1.0,
            seed=1,
            max_tokens=1500,
        )
    assert [one["outcome"] for one in answers] == ["ok"] * 5
    assert {one["data"]["colour"] for one in answers} <= {"ochre", "umber"}
    (call,) = called["tool_calls"]
    assert Colour.model_validate_json(call["function"]["arguments"]).colour in ("ochre", "umber")


async def test_an_encoder_gives_embeddings(models: Path, environment: None, tmp_path: Path) -> None:
    arguments = [*COMMON, "--runner", "pooling"]
    with serving.Server(tmp_path, str(models / "tiny-encoder"), python=PYTHON, arguments=arguments) as server:
        server.ready(seconds=300)
        async with Connections(read_config(tmp_path)) as connections:
            vectors = await connections.server("vllm").embed(str(models / "tiny-encoder"), ["Good soil.", "Bad soil."])
    assert [len(one) for one in vectors] == [64, 64]
    assert vectors[0] != vectors[1]
