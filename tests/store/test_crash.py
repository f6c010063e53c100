"""kill -9 anywhere: the same command again ends as if nothing had happened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("crash_driver.py")


def drive(folder: Path, *how: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(folder), *how],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.slow
def test_a_step_that_edits_rows_killed_before_any_system_call_that_changes_the_disk(tmp_path):
    told = drive(tmp_path, "commit")
    assert told["kills"] > 20
    assert told["wrong"] == []


@pytest.mark.slow
def test_a_recipe_with_export_killed_before_every_seventh_such_call(tmp_path):
    told = drive(tmp_path, "recipe", "7")
    assert told["kills"] > 15
    assert told["wrong"] == []
    assert told["calm"]["left"] == told["calm"]["faults"] == []
    assert told["calm"]["ref"] == told["calm"]["version"]


@pytest.mark.slow
def test_killed_at_twenty_random_moments(tmp_path):
    told = drive(tmp_path, "moments", "20")
    assert (told["kills"], told["wrong"]) == (20, [])
