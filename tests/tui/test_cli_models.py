"""`tilth models`: listing, adding and checking endpoints, with every mistake told in one sentence."""

from __future__ import annotations

import importlib.util
import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.models.declare import extended
from tilth.tools.errors import Misuse
from tilth.tui import cli

Run = Callable[..., tuple[int, str, str]]
OLD = """# our settings, please keep
[tools]
load = []      # nothing yet

[roles]
# who does what
reviewer = []  # to be found
"""


def _simulated() -> Any:
    """The simulated server, which lies beside the agent's tests."""
    name = "simulated_server"
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "agent" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def serve() -> Iterator[Callable[..., Any]]:
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(_simulated().SimulatedServer(*args, **options))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("models", …) -> (exit code, stdout, stderr)`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def written(tmp_path: Path) -> dict[str, Any]:
    return tomllib.loads((tmp_path / "tilth.toml").read_text())


# -- add -------------------------------------------------------------------------------------------------------------


def test_add_writes_the_endpoint_and_the_one_model_everywhere(run: Run, serve: Any, tmp_path: Path) -> None:
    server = serve()
    code, out, _ = run("models", "add", "lab", server.url)
    assert code == 0
    assert "may see rows" in out and "tilth models check" in out
    every = ["openai:small@lab"]
    assert written(tmp_path) == {
        "endpoints": {"lab": {"base_url": server.url, "may_see": "rows"}},
        "roles": {"generator": every, "reviewer": every, "adjudicator": every},
    }
    assert not (tmp_path / ".tilth").exists()


def test_add_finds_v1_by_itself(run: Run, serve: Any, tmp_path: Path) -> None:
    server = serve()
    assert run("models", "add", "lab", server.url.removesuffix("/v1") + "/")[0] == 0
    assert written(tmp_path)["endpoints"]["lab"]["base_url"] == server.url


def test_add_keeps_comments_order_and_roles_that_are_filled(run: Run, serve: Any, tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(OLD + 'generator = ["vllm:mine"]\n')
    server = serve(models=["a", "b", "c", "d"])
    code, _, _ = run("models", "add", "lab", server.url, "--may-see", "nothing",
                       "--model", "a", "--model", "b", "--model", "c", "--model", "d")  # fmt: skip
    assert code == 0
    text = (tmp_path / "tilth.toml").read_text()
    assert [line for line in OLD.splitlines() if line not in text.splitlines()] == ["reviewer = []  # to be found"]
    assert 'reviewer = ["openai:b@lab", "openai:c@lab"]  # to be found' in text
    roles = {"generator": ["vllm:mine"], "reviewer": ["openai:b@lab", "openai:c@lab"], "adjudicator": ["openai:d@lab"]}
    assert written(tmp_path)["roles"] == roles
    assert written(tmp_path)["endpoints"]["lab"]["may_see"] == "nothing"


def test_add_chooses_nothing_among_several(run: Run, serve: Any, tmp_path: Path) -> None:
    code, out, _ = run("models", "add", "lab", serve(models=["a", "b"]).url)
    assert code == 0
    assert "it offers: a, b" in out
    assert "roles" not in written(tmp_path)


def test_an_endpoint_that_is_there_gets_its_empty_roles_filled(run: Run, serve: Any, tmp_path: Path) -> None:
    server = serve(models=["a", "b"])
    _, out, _ = run("models", "add", "lab", server.url)
    say_which = f"tilth models add lab {server.url} --model a"
    assert say_which in out and "next: tilth models check" not in out
    code, _, err = run("models", "check")
    assert code == 2 and f"tilth models add lab {server.url} --model MODEL" in err
    assert f"{server.url} --model MODEL" in run("models", "add", "lab", server.url)[2]
    before = written(tmp_path)["endpoints"]

    code, out, _ = run(*say_which.split()[1:])
    assert code == 0 and "was there already" in out and "next: tilth models check" in out
    every = ["openai:a@lab"]
    roles = {"generator": every, "reviewer": every, "adjudicator": every}
    assert written(tmp_path) == {"endpoints": before, "roles": roles}
    code, _, err = run("models", "add", "lab", server.url, "--model", "b")
    assert code == 2 and "Every role in tilth.toml has a model already" in err
    code, _, err = run("models", "add", "lab", server.url, "--model", "b", "--may-see", "nothing")
    assert code == 2 and "already" in err and "choose another name" in err
    assert written(tmp_path) == {"endpoints": before, "roles": roles}


def test_an_endpoint_that_is_being_added_is_not_spoken_of_as_there(run: Run, serve: Any, tmp_path: Path) -> None:
    _, _, locked = run("models", "add", "lab", serve(key="sk-right").url)
    assert "asks for a key" in locked and "--key-env LAB_KEY" in locked
    _, _, gone = run("models", "add", "lab", "http://127.0.0.1:9/v1")
    assert "Is the server running, and is the URL right?" in gone
    assert "[endpoints" not in locked + gone and not (tmp_path / "tilth.toml").exists()


def test_add_names_the_keys_variable_and_never_the_key(
    run: Run, serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_KEY", "sk-0123456789")
    code, out, err = run("models", "add", "lab", serve(key="sk-0123456789").url, "--key-env", "LAB_KEY")
    assert code == 0
    assert written(tmp_path)["endpoints"]["lab"]["api_key_env"] == "LAB_KEY"
    assert "sk-0123456789" not in out + err
    assert run("models", "check")[0] == 0
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"sk-0123456789" not in path.read_bytes(), path


def test_add_leaves_the_file_alone_when_anything_is_wrong(
    run: Run, serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = OLD + '[endpoints.home]\nbase_url = "http://127.0.0.1:1/v1"\n'
    (tmp_path / "tilth.toml").write_text(before)
    locked, offering = serve(key="sk-right"), serve(models=["gemma-small"])
    monkeypatch.setenv("LAB_KEY", "sk-wrong")
    mistakes: list[tuple[int, str, list[str]]] = [
        (3, "cannot be reached", ["lab", "http://127.0.0.1:9/v1"]),
        (2, "asks for a key", ["lab", locked.url]),
        (2, "refuses the key in LAB_KEY", ["lab", locked.url, "--key-env", "LAB_KEY"]),
        (2, "OTHER_KEY) is not set", ["lab", locked.url, "--key-env", "OTHER_KEY"]),
        (2, "name of a variable, not a key", ["lab", locked.url, "--key-env", "sk-right"]),
        (2, "Nearest: gemma-small", ["lab", offering.url, "--model", "gemma-smal"]),
        (2, "already", ["home", offering.url]),
        (2, "cannot name an endpoint", ["my.lab", offering.url]),
        (2, "no URL of a server", ["lab", "localhost:8000"]),
        (2, "a user, a password or a query", ["lab", "http://me:sk-right@127.0.0.1/v1"]),
        (2, "takes a name and a URL", ["lab"]),
        (2, "does not know", ["lab", offering.url.removesuffix("/v1") + "/api"]),
    ]
    for code, what, words in mistakes:
        found, out, err = run("models", "add", *words)
        assert (found, what in " ".join(err.split())) == (code, True), (words, err)
        assert out == "" and "sk-right" not in err and "Traceback" not in err
    assert (tmp_path / "tilth.toml").read_text() == before


def test_add_says_what_to_write_when_the_file_cannot_be_added_to(run: Run, serve: Any, tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text("endpoints = {}\n")
    code, _, err = run("models", "add", "lab", serve().url)
    assert code == 2
    assert "[endpoints.lab]" in err and "by hand" in err
    assert (tmp_path / "tilth.toml").read_text() == "endpoints = {}\n"


COMMENT = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85"), max_size=20
)
PARTS = st.lists(
    st.one_of(
        COMMENT.map(lambda text: f"# {text}"),
        st.just(""),
        st.sampled_from(
            ["[tools]\nload = []", "[roles]", "[roles]  # who\nreviewer = []", "[endpoints.home]\nbase_url = 'x'"]
        ),
    ),
    max_size=6,
    unique=True,
)


@given(PARTS, st.booleans(), st.booleans())
def test_adding_keeps_every_line_and_means_what_was_wanted(parts: list[str], windows: bool, ended: bool) -> None:
    newline = "\r\n" if windows else "\n"
    text = newline.join(newline.join(part.splitlines() or [""]) for part in parts) + (newline if ended else "")
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # the same table twice
    roles: Any = {"reviewer": ["openai:a@lab"], "generator": ["openai:b@lab"]}
    after = extended(text, "lab", {"base_url": "http://x/v1"}, roles)
    found = tomllib.loads(after)
    assert found["endpoints"] == {**before.get("endpoints", {}), "lab": {"base_url": "http://x/v1"}}
    assert found["roles"] == roles
    old = [line for line in text.splitlines() if line and not line.startswith("reviewer")]
    assert [line for line in after.splitlines() if line in old] == old
    assert ("\r\n" in after) == ("\r\n" in text)


def test_a_role_of_another_form_is_told() -> None:
    with pytest.raises(Misuse, match="by hand"):
        extended("roles.reviewer = []\n", "lab", {"base_url": "http://x/v1"}, {"reviewer": ["openai:a@lab"]})


# -- list ------------------------------------------------------------------------------------------------------------


def test_without_a_word_endpoints_and_roles_are_listed(run: Run, serve: Any) -> None:
    assert "tilth models add NAME URL" in run("models")[1]
    run("models", "add", "lab", serve().url)
    code, out, _ = run("models")
    assert code == 0
    assert "lab" in out and "rows" in out and "openai:small@lab" in out
    line = json.loads(run("models", "--json")[1].splitlines()[-1])
    assert line["roles"]["generator"] == ["openai:small@lab"]
    assert line["endpoints"][0]["may_see"] == "rows"


def test_contradictory_roles_are_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text('[roles]\ngenerator = ["offline:", "vllm:x"]\n')
    code, _, err = run("models")
    assert code == 2 and "mixes offline:" in err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["chek"], "Nearest: check"),
        (["--key-env", "X"], "is for 'tilth models add'"),
        (["add", "a", "b", "c"], "takes a name"),
    ],
)
def test_a_wrong_word_is_told(run: Run, words: list[str], what: str) -> None:
    code, _, err = run("models", *words)
    assert code == 2 and what in err


# -- check -----------------------------------------------------------------------------------------------------------


def test_check_finds_out_what_an_able_model_can(run: Run, serve: Any) -> None:
    server = serve()
    run("models", "add", "lab", server.url)
    code, out, _ = run("models", "check")
    assert code == 0
    found = {line[:18].strip(): line[18:].strip() for line in out.splitlines()[1:]}
    assert found["context"] == "4,096 tokens"
    assert [found[name] for name in ("json_schema", "strict tools", "logprobs", "streaming")] == ["yes"] * 4
    assert found["embeddings"] == "yes, 3 dimensions"
    assert found["prompt logprobs"] == "no"
    assert "tokens/s" in found["speed"]
    assert all("dataset" not in json.dumps(request["messages"]) for request in server.requests)


def test_check_finds_out_what_a_poor_model_cannot(run: Run, serve: Any) -> None:
    server = serve(lambda request: "Hello.", supports=frozenset(["json_schema", "tools"]), context=None)
    run("models", "add", "lab", server.url)
    line = json.loads(run("models", "check", "--json")[1].splitlines()[-1])
    (probed,) = line["models"]
    assert probed["context"] is None
    assert probed["abilities"] == {
        "json_schema": "accepted, not enforced",
        "strict tools": "accepted, not called",
        "logprobs": "no",
        "prompt logprobs": "no",
        "embeddings": "no",
        "streaming": "no",
    }


def test_check_tells_the_faults(run: Run, serve: Any, tmp_path: Path) -> None:
    code, _, err = run("models", "check")
    assert code == 2 and "tilth models add NAME URL" in err
    run("models", "add", "lab", serve().url)
    code, _, err = run("models", "check", "openai:smal@lab")
    assert code == 2 and "Nearest: small." in err
    code, _, err = run("models", "check", "openai:small@lob")
    assert code == 2 and "Nearest: lab." in err
    with (tmp_path / "tilth.toml").open("a") as file:
        file.write('[endpoints.gone]\nbase_url = "http://127.0.0.1:9/v1"\n')
    code, _, err = run("models", "check", "openai:x@gone")
    assert code == 3 and "127.0.0.1:9 (endpoint gone) cannot be reached" in err
    code, out, _ = run("models", "check", "openai:x@gone", "openai:small@lab")
    assert code == 3 and "cannot be reached" in out and "tokens/s" in out
