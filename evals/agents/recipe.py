"""Hands in a recipe that was written beforehand: recipe:FILE, or several, parted by commas. It knows files only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...tools.errors import Misuse
from ..registry import Setting
from ..suite import Agent, Job, Submission, Usage


@dataclass(frozen=True)
class FromFile:
    """`recipes` are the texts of the files, in order."""

    name: str
    recipes: Sequence[str]
    trusted: bool = True
    expected: Usage = field(default_factory=Usage)

    async def run(self, job: Job) -> Submission:
        return Submission({"recipes": list(self.recipes)})


def agent(setting: Setting) -> Agent:
    """Raises Misuse for a suite that takes no recipes, and for a file that cannot be read."""
    if "recipes" not in setting.suite.name:
        raise Misuse(f"Suite {setting.suite.name} takes no recipes.", next_step="recipe:FILE is for the suite recipes.")
    if not setting.rest:
        raise Misuse("recipe: names no file.", next_step="For example: --agent recipe:curate.yaml")
    texts = []
    for name in setting.rest.split(","):
        try:
            texts.append(Path(name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise Misuse(f"Cannot read the recipe {name}: {error}.") from None
    return FromFile(setting.name, texts)
