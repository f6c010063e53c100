"""Suites and agents by name, from files and from installed packages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tilth.evals import registry, runner
from tilth.evals.issues.plant import HELD_OUT
from tilth.tools.errors import Misuse
from tilth.tui import docs

MakeBench = Callable[..., runner.Bench]


@pytest.fixture
def installed(tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that offers a suite and an agent."""
    source = f"from tilth.evals import registry\nSUITE = registry.suite({tiny!r})\n"
    (tmp_path / "offering.py").write_text(source + f"from {type(registry.suite(tiny)).__module__} import Adder\n")
    (info := tmp_path / "offering-1.0.dist-info").mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offering\nVersion: 1.0\n")
    points = "[tilth.suites]\nsums = offering:SUITE\n[tilth.agents]\nadder = offering:Adder\n"
    (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("installed")
def test_an_installed_package_offers_suites_and_agents(make_bench: MakeBench) -> None:
    assert "sums" in registry.suites()
    assert registry.suite("sums").name == "tiny"
    assert "adder" in registry.agents()
    agents = make_bench("adder", models=["2"]).agents()
    assert [type(one).__name__ for one in agents.values()] == ["Adder"]


def test_every_built_in_suite_is_what_a_suite_must_be() -> None:
    for name in registry.suites():
        one = registry.suite(name)
        assert one.name == name
        assert one.version >= 1
        assert one.better in ("higher", "lower")
        if name != "wikitables":  # its data are no part of the project
            assert len({instance.id for instance in one.draw("a", 2)}) == 2


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("SUITE = 3", "is no suite: it has no name"),
        ("from tilth.evals import registry\nclass Odd(type(registry.suite(TINY))):\n    name = '../out'\nSUITE = Odd()",
         "no name for a suite"),
        ("1 / 0", "ZeroDivisionError"),
        ("SWEET = 1", "holds no SUITE"),
        ("def (", "SyntaxError"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_suite_is_refused(tmp_path: Path, tiny: str, code: str, says: str) -> None:
    (tmp_path / "odd.py").write_text(code.replace("TINY", repr(tiny)))
    with pytest.raises(Misuse, match=says):
        registry.suite(str(tmp_path / "odd.py"))


def test_an_agent_that_takes_no_model_is_given_none(tmp_path: Path, make_bench: MakeBench) -> None:
    (tmp_path / "plain.py").write_text(
        "class Agent:\n    name, trusted = 'plain', True\n    async def run(self, job): ..."
    )
    bench = make_bench(f"plain={tmp_path}/plain.py", models=["big"])
    with pytest.raises(Misuse, match="takes no model"):
        bench.agents()


def test_what_cannot_run_is_no_agent(tmp_path: Path, make_bench: MakeBench) -> None:
    (tmp_path / "idle.py").write_text("class Agent:\n    name = 'idle'")
    with pytest.raises(Misuse, match="is no agent"):
        make_bench(f"{tmp_path}/idle.py").agents()


def test_the_documentation_lists_every_suite_and_what_is_held_out() -> None:
    text = (Path(__file__).parents[2] / "docs" / "evals.md").read_text(encoding="utf-8")
    assert docs.listed(text) == text
    for name in registry.built_in():
        assert f"| `{name}@" in text
    assert all(f"`{name}`" in text for name in HELD_OUT)
