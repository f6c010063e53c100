"""What a version changes against an older one, as data: a pull request's numbers, drawn by a face.

It knows the ledger, rulings, findings and drift of two versions of one dataset. It does not know how any of it looks.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow.compute as pc

from ..tools.errors import Misuse, TilthError
from ..tools.inspect.measures import drift
from ..tools.inspect.measures.drift import Length, Shares
from ..tools.store import licences
from ..tools.store.ledger import Entry
from ..tools.store.past import differences, history, rulings
from ..tools.store.past.rulings import Rate
from .recipes import expect, lock

if TYPE_CHECKING:
    from .recipes.recipe import Recipe
    from .workspace import Workspace


@dataclass(frozen=True)
class Version:
    """One of the two versions; `read` and `rejected`, by code, are those of its imports."""

    address: str
    vid: str
    rows: int
    read: int
    rejected: Mapping[str, int]


@dataclass(frozen=True)
class Loss:
    """What one reason of one step took, as (dropped, of rows) in the old and the new version; None: no such step.

    A step that dropped nothing in either version has one of these with the reason "".
    """

    tool: str
    reason: str
    old: tuple[int, int] | None
    new: tuple[int, int] | None


@dataclass(frozen=True)
class SourceRows:
    """A source with the licence its owner declares now and declared before, its class, and its rows in (old, new)."""

    name: str
    license: str
    license_before: str
    kind: licences.Class
    rows: tuple[int, int]


@dataclass(frozen=True)
class FoundAgain:
    """A finding with its count in (old, new); None where the tool has not been run, which is not the same as 0."""

    tool: str
    code: str
    severity: str
    message: str
    counts: tuple[int | None, int | None]

    @property
    def is_new(self) -> bool:
        old, new = self.counts
        return bool(new) and not old


@dataclass(frozen=True)
class Recipes:
    """What the recipe says of the new version: its expectations, and whether its lock is of this version."""

    name: str
    verdicts: tuple[expect.Verdict, ...]
    lock: Literal["matches", "differs", "missing"]


@dataclass(frozen=True)
class ReleaseReport:
    """All of it. `withdrawn` is by reason; `ruled` counts the last words on rows, by word; `reproduce` are commands that
    give the new version again, none where nothing does."""

    dataset: str
    old: Version
    new: Version
    carried: int
    added: int
    withdrawn: Mapping[str, int]
    edited: int
    ruled: Mapping[str, int]
    losses: tuple[Loss, ...]
    sources: tuple[SourceRows, ...]
    lengths: tuple[Length, ...]
    languages: Shares | None
    labels: tuple[Shares, ...]
    findings: tuple[FoundAgain, ...]
    rates: tuple[Rate, ...]
    recipe: Recipes | None
    reproduce: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        recipe = self.recipe
        told = None if recipe is None else {**asdict(recipe), "verdicts": [one.to_json() for one in recipe.verdicts]}
        return {**asdict(self), "recipe": told, "rates": [{**asdict(one), "share": one.share} for one in self.rates]}


def report(workspace: Workspace, dataset: str, since: str, recipe: Path | None = None) -> ReleaseReport:
    """Compare the version at `dataset` with the older one at `since`: an address, or a tag or version of `dataset`.

    Profiles both versions if that has not been done. Raises Misuse for an address or a recipe of another dataset.
    """
    store = workspace.store
    name, vid = store.resolve(dataset)
    before = since if since.partition("@")[0].partition("~")[0] in store.histories() else f"{name}@{since}"
    old_name, old_vid = store.resolve(before)
    if old_name != name:
        next_step = f"Name a version of {name}: one of its tags, {name}~1, or {name}@VERSION."
        raise Misuse(f"{since} is a version of {old_name}, not of {name}.", next_step=next_step)
    read = None if recipe is None else _read(recipe, name)
    now = f"{name}@{vid}"
    for address in (before, now):
        workspace.do("inspect.profile", address)
    found = differences.diff(store, before, now, count=0)
    paths = [store.ledger.lineage(name, one) for one in (old_vid, vid)]
    old, new = store.rows_of(old_vid), store.rows_of(vid)
    said = rulings.read(store.root)
    words = Counter(one.word for one in rulings.last_words(said, name).values())
    return ReleaseReport(
        dataset=name,
        old=_version(before, old_vid, len(old), paths[0]),
        new=_version(now, vid, len(new), paths[1]),
        carried=found.before - sum(found.dropped.values()),
        added=found.added[0],
        withdrawn=dict(found.dropped),
        edited=found.edited[0],
        ruled={word: words[word] for word in ("keep", "drop")},
        losses=_losses(history.funnel(store, before), history.funnel(store, now)),
        sources=_sources(paths, [_counts(rows, "source") for rows in (old, new)]),
        lengths=tuple(drift.lengths(old, new)),
        languages=drift.language_shares(old, new),
        labels=tuple(_labels(old, new)),
        findings=_findings(workspace, paths, (old_vid, vid)),
        rates=tuple(rulings.rates(said, name)),
        recipe=None if read is None else _recipe(workspace, read, paths[1], vid),
        reproduce=_reproduce(workspace, name, vid, recipe, paths[1]),
    )


def _version(address: str, vid: str, rows: int, path: Sequence[Entry]) -> Version:
    imports = [entry.details for entry in path if entry.kind == "import"]
    rejected: Counter[str] = Counter()
    for one in imports:
        rejected.update(one.get("rejected", {}))
    return Version(address, vid, rows, sum(one.get("read", 0) for one in imports), rejected)


def _losses(old: Sequence[history.Funnel], new: Sequence[history.Funnel]) -> tuple[Loss, ...]:
    """Steps of both versions side by side, in the order of the new one; the n-th run of a tool is the n-th."""
    before, after = _numbered(old), _numbered(new)
    lines: list[Loss] = []
    for key in {**after, **before}:
        was, now = before.get(key), after.get(key)
        reasons = {**(now.dropped if now else {}), **(was.dropped if was else {})}
        for reason in reasons or {"": 0}:
            told = [None if one is None else (one.dropped.get(reason, 0), one.before) for one in (was, now)]
            lines.append(Loss(key[0], reason, told[0], told[1]))
    return tuple(lines)


def _numbered(funnel: Sequence[history.Funnel]) -> dict[tuple[str, int], history.Funnel]:
    seen: Counter[str] = Counter()
    found = {}
    for one in funnel:
        tool = str(one.entry.tool)
        seen[tool] += 1
        found[tool, seen[tool]] = one
    return found


def _counts(rows: Any, column: str) -> dict[str, int]:
    values = pc.value_counts(rows.arrow((column,))[column].combine_chunks()).to_pylist()
    return {str(one["values"]): one["counts"] for one in values if one["values"] is not None}


def _sources(paths: Sequence[Sequence[Entry]], counts: Sequence[Mapping[str, int]]) -> tuple[SourceRows, ...]:
    old, new = (
        {
            source["name"]: licences.read(source.get("license"))
            for entry in path
            if entry.kind == "import"
            for source in entry.details.get("sources", ())
        }
        for path in paths
    )
    nothing = licences.read(None)
    lines = []
    for name in sorted({**old, **new, **counts[0], **counts[1]}):
        now, was = new.get(name, old.get(name, nothing)), old.get(name, new.get(name, nothing))
        lines.append(SourceRows(name, now.told, was.told, now.kind, (counts[0].get(name, 0), counts[1].get(name, 0))))
    return tuple(lines)


def _labels(old: Any, new: Any) -> list[Shares]:
    """Columns of the records, then splits where there are several."""
    splits = drift.shares("split", [Counter(_counts(rows, "split")) for rows in (old, new)], (len(old), len(new)))
    found = drift.label_shares(old, new)
    return [*found, *([splits] if len(splits.values) > 1 else [])]


def _findings(workspace: Workspace, paths: Sequence[Sequence[Entry]], vids: Sequence[str]) -> tuple[FoundAgain, ...]:
    """What every tool that was run on the new version found there, with what it found in the old one."""
    told: list[dict[str, dict[str, dict[str, Any]]]] = []
    for path, vid in zip(paths, vids, strict=True):
        reports = {str(entry.tool): entry for entry in path if entry.kind == "report" and entry.before == vid}
        told.append(
            {tool: {one["code"]: one for one in workspace.findings(entry)} for tool, entry in sorted(reports.items())}
        )
    before, after = told
    lines = []
    for tool, now in after.items():
        was = before.get(tool)
        for code, one in {**(was or {}), **now}.items():
            old = None if was is None else was[code]["count"] if code in was else 0
            new = now[code]["count"] if code in now else 0
            lines.append(FoundAgain(tool, code, one["severity"], one["message"], (old, new)))
    order = ("error", "warning", "note")
    return tuple(sorted(lines, key=lambda one: (not one.is_new, order.index(one.severity), -(one.counts[1] or 0))))


def _read(path: Path, dataset: str) -> Recipe:
    from .recipes.recipe import read_recipe

    recipe = read_recipe(path, ())
    if recipe.model.dataset != dataset:
        next_step = "Name the recipe of this dataset."
        raise Misuse(f"{path} makes {recipe.model.dataset}, not {dataset}.", next_step=next_step)
    return recipe


def _recipe(workspace: Workspace, recipe: Recipe, path: Sequence[Entry], vid: str) -> Recipes:
    from .recipes.run import judge

    imports = [entry for entry in path if entry.kind == "import"]
    if len(imports) != 1 or path[0] is not imports[0]:
        next_step = f"Make it by 'tilth run {recipe.path.name}', or leave out --recipe."
        raise Misuse(f"This version of {recipe.model.dataset} was not made by a recipe.", next_step=next_step)
    wanted = [expect.parse(name, condition) for name, condition in recipe.model.expect.items()]
    verdicts = tuple(judge(workspace, wanted, path))
    if not recipe.lock_path.exists():
        return Recipes(recipe.path.name, verdicts, "missing")
    return Recipes(recipe.path.name, verdicts, "matches" if lock.of(recipe, vid) else "differs")


def _from(root: Path, path: Path) -> str:
    """A path as seen from the workspace, for others have it elsewhere; one outside of it as it was named."""
    whole = path.resolve()
    return whole.relative_to(root.resolve()).as_posix() if whole.is_relative_to(root.resolve()) else str(path)


def _reproduce(
    workspace: Workspace, dataset: str, vid: str, recipe: Path | None, path: Sequence[Entry]
) -> tuple[str, ...]:
    """Commands that give exactly this version: of a recipe whose lock is of it, else of the log told as one; none where
    rulings, steps or models have changed since so that neither would."""
    from .recipes.recipe import parse_recipe, read_recipe

    made_by = next((entry.actor for entry in path if entry.actor.startswith("recipe ")), "").removeprefix("recipe ")
    usual = [workspace.root / made_by, workspace.root / "recipes" / made_by] if made_by else []
    for named in [recipe] if recipe else usual:
        with suppress(TilthError):
            found = read_recipe(named)
            if lock.of(found, vid) and _leads_to(workspace, found, path, vid):
                return (f"tilth run {shlex.quote(_from(workspace.root, named))} --locked",)
    with suppress(TilthError):
        told = parse_recipe(
            workspace.recipe(f"{dataset}@{vid}"), workspace.root / (name := f"{dataset}-{vid[:8]}.yaml")
        )
        if _leads_to(workspace, told, path, vid):
            return (f"tilth log {dataset}@{vid[:16]} --recipe > {name}", f"tilth run {name}")
    return ()


def _leads_to(workspace: Workspace, recipe: Recipe, path: Sequence[Entry], vid: str) -> bool:
    from .recipes.planned import foreseen

    return bool(path) and path[0].kind == "import" and foreseen(workspace, recipe, path[0]) == vid
