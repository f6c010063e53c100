"""Metrics that a model's judgement decides: are they calibrated against people?

It knows the files that `tilth eval calibrate` keeps in a workspace. How a cut is fitted is `agent.panel.calibration`'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = "calibrations"
LABELS: Final = 200
"""With a judge that is right in 90 %, the 95 % interval of kappa is 0.71 to 0.87 on so many labels (by simulation)."""


def uncalibrated(judge_scored: Mapping[str, str], root: Path) -> frozenset[str]:
    """Of metrics with their rubrics, those whose rubric no file of `root`/calibrations calibrates on enough labels."""
    return frozenset(metric for metric, rubric in judge_scored.items() if labels(rubric, root) < LABELS)


def labels(rubric: str, root: Path) -> int:
    """On how many of people's verdicts the rubric is calibrated; 0 without a file that can be read."""
    counts = [0]
    for path in (root / FOLDER).glob(f"{rubric.replace('/', '-')}-*.json"):
        try:
            counts.append(int(json.loads(path.read_text(encoding="utf-8"))["rows"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return max(counts)
