"""The texts that models are given: one Markdown file each, by name, with slots to fill.

It knows files and slots: prompts/<area>/<name>.md here, shadowed by a file of the same name in a workspace's prompts/.
It does not know what a prompt is for, nor models. Texts of rows are put into a prompt through `fences` alone.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).parent
SUFFIX: Final = ".md"

_NAME: Final = re.compile(r"[a-z0-9_-]+(?:/[a-z0-9_-]+)*")
_SLOT: Final = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")


class PromptError(ValueError):
    """A prompt that is not there, or whose slots are not the ones that are filled; `next_step` says what to do."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(f"{message} {next_step}".strip())
        self.message = message
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with its slots filled. `sha`: the first 16 hex digits of the sha256 of its file, slots unfilled."""

    name: str
    text: str
    sha: str


@dataclass(frozen=True, slots=True)
class Prompts:
    """The shipped prompts, and over them those of a workspace's folder `prompts/`, when one is given."""

    folder: Path | None = None

    def names(self) -> list[str]:
        """Every name that can be loaded, in order."""
        return sorted({*_names_in(SHIPPED), *(_names_in(self.folder) if self.folder else ())})

    def path(self, name: str) -> Path:
        """The file a name stands for. Raises PromptError naming the nearest name."""
        for folder in (self.folder, SHIPPED):
            if folder is not None and _NAME.fullmatch(name) and (path := _file(folder, name)).is_file():
                return path
        close = difflib.get_close_matches(name, self.names(), n=1)
        raise PromptError(
            f"There is no prompt {name!r}.", f"Nearest: {close[0]}." if close else "'tilth prompts' lists them."
        )

    def shadowed(self, name: str) -> bool:
        """Does the workspace's file stand in place of a shipped one?"""
        return self.path(name).parent != _file(SHIPPED, name).parent and _file(SHIPPED, name).is_file()

    def load(self, name: str, /, **slots: str) -> Prompt:
        """The prompt with every slot `{{slot}}` filled. A slot without a value and a value without a slot are errors.

        Values are put in as they are, never read for slots again. Raises PromptError.
        """
        prompt = self.template(name)
        wanted = set(_SLOT.findall(prompt.text))
        if wanted != set(slots):
            missing, unused = sorted(wanted - set(slots)), sorted(set(slots) - wanted)
            said = [f"has a slot {_braced(missing)} that nothing fills"] * bool(missing)
            said += [f"lacks the slot {_braced(unused)}"] * bool(unused)
            raise PromptError(
                f"The prompt {self.path(name)} {' and '.join(said)}.", f"Its slots are {_braced(sorted(slots))}."
            )
        return Prompt(name, _SLOT.sub(lambda match: slots[match[1]], prompt.text), prompt.sha)

    def template(self, name: str) -> Prompt:
        """The prompt as its file has it, slots unfilled, without the white space around it."""
        path = self.path(name)
        try:
            written = path.read_bytes()
            text = written.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise PromptError(f"Cannot read the prompt {path}: {error}.", "A prompt is a UTF-8 text file.") from None
        return Prompt(name, text.strip(), hashlib.sha256(written).hexdigest()[:16])

    def eject(self, name: str) -> Path:
        """Copy a shipped prompt into the workspace's folder, to be changed there. Raises PromptError."""
        if self.folder is None:
            raise PromptError("There is no workspace to copy the prompt into.", "'tilth init' makes one.")
        if name not in _names_in(SHIPPED):
            self.path(name)
            raise PromptError(f"{name} is the workspace's own prompt already.", f"Edit {_file(self.folder, name)}.")
        path = _file(self.folder, name)
        if path.exists():
            raise PromptError(f"{path} is there already.", "Edit it, or remove it to have the shipped text again.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_file(SHIPPED, name).read_bytes())
        return path


def load(name: str, /, **slots: str) -> Prompt:
    """A shipped prompt with its slots filled; see `Prompts.load`."""
    return Prompts().load(name, **slots)


def _file(folder: Path, name: str) -> Path:
    return folder.joinpath(*name.split("/")).with_suffix(SUFFIX)


def _names_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    names = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob(f"*{SUFFIX}"))
    return sorted(name for name in names if _NAME.fullmatch(name))


def _braced(slots: list[str]) -> str:
    return ", ".join(f"{{{{{slot}}}}}" for slot in slots) or "none"
