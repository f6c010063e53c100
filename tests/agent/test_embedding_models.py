"""dedup.semantic over the vectors of a server: what is asked, what is refused before anything is sent, what comes out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.acting.spending import Estimate, Spending
from tilth.agent.models import embedding
from tilth.agent.models.connections import Connections
from tilth.agent.models.embedding import BATCH
from tilth.agent.workspace import Workspace
from tilth.tools.errors import BadInput, Misuse, OverBudget, Refused, Unavailable

PLACES = {"a dog": [3.0, 0.1], "a hound": [6.0, 0.3], "a cat": [0.0, 1.0], "nothing": [0.0, 0.0]}
MODEL = "openai:small@lab"


def place(text: str) -> Any:
    return PLACES[text]


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Workspace]:
    """`opened(url, texts, **endpoint) -> Workspace` with the dataset `d`."""

    def make(url: str, texts: list[str], *, may_see: str = "rows", folder: str = "w", **options: Any) -> Workspace:
        root = tmp_path / folder
        root.mkdir(exist_ok=True)
        (root / "tilth.toml").write_text(f'[endpoints.lab]\nbase_url = "{url}"\nmay_see = "{may_see}"\n')
        (root / "d.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        workspace = Workspace(root, **options)
        workspace.add(root / "d.jsonl", name="d")
        return workspace

    return make


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that wait on a clock of their own, which goes on as they sleep."""
    slept: list[float] = []

    async def at_once(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(embedding, "Connections", partial(Connections, clock=lambda: sum(slept), sleep=at_once))


def decisions(workspace: Workspace, done: Any) -> list[tuple[str, float, Mapping[str, Any]]]:
    table = workspace.store.objects.read(done.entry.objects["decisions"]).to_pylist()
    return [(one["row_id"].hex(), one["score"], json.loads(one["evidence"])) for one in table]


def test_rows_whose_vectors_lie_close_go_and_the_model_is_named(serve: Any, opened: Any) -> None:
    server = serve(vector=place)
    with opened(server.url, ["a dog", "", "a hound", "a cat", "nothing"]) as workspace:
        done = workspace.do("dedup.semantic", "d", embedder=MODEL)
        assert done.result["dropped"] == {"semantic_duplicate": 1}
        assert server.embedded == [["a dog", "a hound", "a cat", "nothing"]]  # a row without text is not sent
        ((_, score, evidence),) = decisions(workspace, done)
        assert (score, evidence["embedder"]) == (0.9999, MODEL)


def test_threads_and_batches_change_nothing(serve: Any, opened: Any) -> None:
    texts = [f"text number {i}" for i in range(3 * BATCH + 5)]
    server = serve(vector=lambda text: [float(int(text.split()[-1]) % 40), 3.0, float(len(text))])
    found = []
    for folder, threads in (("one", 1), ("two", 2)):
        with opened(server.url, texts, folder=folder, threads=threads) as workspace:
            found.append(decisions(workspace, workspace.do("dedup.semantic", "d", embedder=MODEL, threshold=1.0)))
    assert found[0] == found[1] and len(found[0]) > BATCH
    assert max(map(len, server.embedded)) == BATCH
    assert sorted(text for batch in server.embedded for text in batch) == sorted(2 * texts)


def test_a_server_that_may_not_see_rows_is_not_asked(serve: Any, opened: Any) -> None:
    server = serve(vector=place)
    with opened(server.url, list(PLACES), may_see="statistics") as workspace:
        with pytest.raises(Misuse, match=r"may not see rows; nothing was sent.*may_see = \"rows\""):
            workspace.do("dedup.semantic", "d", embedder=MODEL)
        assert server.embedded == [] and workspace.rows("d").version.rows == 4


@pytest.mark.parametrize(
    ("spending", "error", "message"),
    [
        (Spending(max_calls=1), OverBudget, r"130 texts need 3 calls, 64 texts each; nothing was sent.*--max-calls 1"),
        (Spending(max_usd=1.0), Misuse, "--max-usd cannot be kept"),
    ],
)
def test_caps_hold_before_anything_is_sent(
    serve: Any, opened: Any, spending: Spending, error: type[Exception], message: str
) -> None:
    server = serve()
    with opened(server.url, [f"text {i}" for i in range(130)], spending=spending) as workspace:
        with pytest.raises(error, match=message):
            workspace.do("dedup.semantic", "d", embedder=MODEL)
        assert server.embedded == []


def test_many_texts_need_a_word(serve: Any, opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.agent.acting.spending.FREE_CALLS", 1)
    server, asked = serve(), list[Estimate]()
    refusing = Spending(agree=lambda estimate: bool(asked.append(estimate)))
    workspace = opened(server.url, [f"text {i}" for i in range(130)], spending=refusing)
    with workspace, pytest.raises(Refused, match="Nothing was sent"):
        workspace.do("dedup.semantic", "d", embedder=MODEL)
    assert server.embedded == []
    assert (asked[0].rows, asked[0].calls, asked[0].fields) == (130, 3, ["text of rows"])


@pytest.mark.parametrize(
    ("vector", "error", "message"),
    [
        (lambda text: [1.0] * len(text), BadInput, "gave vectors of 5 and of 7 numbers"),
        (lambda text: [1.0, float("nan")], BadInput, "not finite"),
        (lambda text: "no vector", Unavailable, "holds no vectors"),
        (lambda text: None, Unavailable, "holds no vectors"),
    ],
)
def test_nonsense_is_named_and_nothing_changes(
    serve: Any, opened: Any, patient: None, vector: Callable[[str], Any], error: type[Exception], message: str
) -> None:
    server = serve(vector=vector)
    with opened(server.url, list(PLACES)) as workspace:
        with pytest.raises(error, match=message):
            workspace.do("dedup.semantic", "d", embedder=MODEL)
        assert len(workspace.rows("d")) == 4


def test_a_server_without_embeddings_says_so(serve: Any, sim: Any, opened: Any) -> None:
    server = serve(supports=frozenset(sim.EVERYTHING - {"embeddings"}))
    with opened(server.url, list(PLACES)) as workspace, pytest.raises(Misuse):
        workspace.do("dedup.semantic", "d", embedder=MODEL)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"embedder": "openai:small@nowhere"}, "nowhere"),
        ({"embedder": "echo"}, "openai:MODEL@ENDPOINT"),
        ({"embedder": MODEL, "vectors": "vectors"}, "from a model or from a folder"),
    ],
)
def test_what_cannot_be_meant_is_said(
    serve: Any, opened: Any, monkeypatch: pytest.MonkeyPatch, args: dict[str, str], message: str
) -> None:
    server = serve()
    with opened(server.url, list(PLACES)) as workspace:
        monkeypatch.chdir(workspace.root)
        Path("vectors").mkdir()
        with pytest.raises(Misuse, match=message):
            workspace.do("dedup.semantic", "d", **args)
    assert server.embedded == []
