"""The doctor names every fault with what to do about it, and never a secret."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tilth.agent import doctor

TOML = """
[endpoints.lab]
base_url = "http://gpu.example:8000/v1"
api_key_env = "LAB_KEY"
[endpoints.open]
base_url = "http://localhost:8000/v1"
[endpoints.odd]
base_url = "nowhere"
[tools]
load = ["mine.py"]
"""


def by_name(folder: Path) -> dict[str, doctor.Check]:
    return {one.name: one for one in doctor.examine(folder)}


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the doctor opened a connection")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_an_empty_folder_is_healthy_and_stays_empty(tmp_path: Path) -> None:
    found = by_name(tmp_path)
    assert [name for name, one in found.items() if one.state == "fault"] == []
    assert {
        "tilth",
        "packages",
        "workspace",
        "locking",
        "disk",
        "terminal",
        "sandbox",
        "tilth.toml",
        "endpoints",
    } <= set(found)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_network")
def test_endpoints_are_read_and_not_called_and_keys_never_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tilth.toml").write_text(TOML)
    monkeypatch.setenv("LAB_KEY", "very-secret")
    found = by_name(tmp_path)
    assert found["endpoint lab"].found == "at gpu.example; LAB_KEY is set; it was not called"
    assert found["endpoint open"].state == "ok"
    assert found["endpoint odd"].state == "fault"
    assert found["tools mine.py"].state == "fault"
    assert "very-secret" not in str(found)


def test_a_key_that_is_not_set_is_a_fault_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tilth.toml").write_text(TOML)
    monkeypatch.delenv("LAB_KEY", raising=False)
    assert by_name(tmp_path)["endpoint lab"].todo == "Run: export LAB_KEY=…"


def test_a_configuration_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text("[endpoint]\n")
    one = by_name(tmp_path)["tilth.toml"]
    assert one.state == "fault"
    assert "Nearest: endpoints" in one.todo


def test_a_network_disk_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_disk_kind", lambda path: "nfs4")
    assert "local disk" in by_name(tmp_path)["disk"].todo


def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", refuse)
    one = by_name(tmp_path)["workspace"]
    assert (one.state, "Permission denied" in one.found) == ("fault", True)


def test_missing_packages_come_with_the_command_that_brings_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "NEEDED", ("pyarrow", "no-such-package"))
    assert by_name(tmp_path)["packages"].todo == "Run: pip install no-such-package"


@pytest.mark.parametrize(("abi", "state"), [(0, "note"), (2, "note"), (6, "ok")])
def test_the_walls_are_told_by_what_they_keep_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abi: int, state: str
) -> None:
    monkeypatch.setattr(doctor, "landlock_abi", lambda: abi)
    assert by_name(tmp_path)["sandbox"].state == state
