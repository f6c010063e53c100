"""The shape of the house: what is shipped, who may import whom by name, and what a bare start may load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
SHIPPED = ("agent", "evals", "prompts", "tools", "tui")
SETUPTOOLS = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]

MODEL_AND_SCREEN = {"langgraph", "openai", "textual", "torch", "vllm"}
ENGINES = {"duckdb", "pyarrow", "scipy", "sklearn"}
HEADLESS_FACES = {"tilth.tui.cli", "tilth.tui.faces.plain", "tilth.tui.faces.ndjson"}


def files_below(folder: str) -> list[Path]:
    """Every file below a top-level folder, without hidden ones and Python's caches."""
    files = (path for path in (REPO / folder).rglob("*") if path.is_file())
    return sorted(
        path
        for path in files
        if not any(part == "__pycache__" or part.startswith(".") for part in path.relative_to(REPO).parts)
    )


def package_of(folder: Path) -> str:
    return ".".join(("tilth", *folder.relative_to(REPO).parts))


def sources() -> list[Path]:
    """Every Python file of the package."""
    below = [path for folder in SHIPPED for path in files_below(folder) if path.suffix == ".py"]
    return sorted(REPO.glob("*.py")) + below


def module_of(path: Path) -> str:
    package = package_of(path.parent)
    return package if path.name == "__init__.py" else f"{package}.{path.stem}"


def test_pyproject_lists_every_package_and_no_other() -> None:
    found = {package_of(path.parent) for path in sources()}
    listed = SETUPTOOLS["packages"]
    missing, gone = sorted(found - set(listed)), sorted(set(listed) - found)
    assert not missing, f"add to [tool.setuptools] packages in pyproject.toml: {missing}"
    assert not gone, f"remove from [tool.setuptools] packages in pyproject.toml: {gone}"
    assert listed == sorted(set(listed))


def test_every_package_has_an_init() -> None:
    folders = {path.parent for path in sources()}
    bare = sorted(package_of(folder) for folder in folders if not (folder / "__init__.py").exists())
    assert not bare, f"these need an __init__.py: {bare}"


def test_no_other_folder_holds_python() -> None:
    known = {*SHIPPED, "tests", "benchmarks", "build", "dist"}
    others = [path for path in REPO.iterdir() if path.is_dir() and path.name not in known]
    visible = [path for path in others if not path.name.startswith(".")]
    assert [path.name for path in visible if any(path.rglob("*.py"))] == []


def shipped_with(package: str, path: Path) -> bool:
    """Does a pattern of this package's data cover the file? `**/` covers any depth, none included."""
    inside = path.relative_to(REPO.joinpath(*package.split(".")[1:])).as_posix()
    for pattern in SETUPTOOLS["package-data"].get(package, []):
        same_depth = "**" in pattern or pattern.count("/") == inside.count("/")
        if same_depth and (fnmatch(inside, pattern) or fnmatch(inside, pattern.replace("**/", ""))):
            return True
    return False


def test_every_data_file_is_shipped() -> None:
    packages = SETUPTOOLS["packages"]
    forgotten = []
    for path in (path for folder in SHIPPED for path in files_below(folder) if path.suffix != ".py"):
        owner = next(folder for folder in path.parents if package_of(folder) in packages)
        if not shipped_with(package_of(owner), path):
            forgotten.append(str(path.relative_to(REPO)))
    assert not forgotten, f"no pattern of [tool.setuptools.package-data] in pyproject.toml covers {forgotten}"


def absolute_imports(path: Path) -> list[tuple[int, str]]:
    """(line, first name) of each import that does not start with a dot."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name.split(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append((node.lineno, (node.module or "").split(".")[0]))
    return found


def offences(paths: list[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{path.relative_to(REPO)}:{line} imports {name}"
        for path in paths
        for line, name in absolute_imports(path)
        if name in forbidden
    ]


def test_the_package_imports_itself_relatively() -> None:
    assert offences(sources(), {"tilth", *SHIPPED}) == [], "write `from ..errors import Misuse`"


def test_tests_and_benchmarks_import_tilth_by_its_name() -> None:
    paths = [path for path in files_below("tests") + files_below("benchmarks") if path.suffix == ".py"]
    assert offences(paths, set(SHIPPED)) == [], "write `from tilth.tools …`; a bare `tools` is a second copy"


def test_test_files_have_names_of_their_own_and_are_no_packages() -> None:
    names = [path.name for path in files_below("tests") if path.suffix == ".py" and path.name != "conftest.py"]
    assert sorted({name for name in names if names.count(name) > 1}) == []
    assert "__init__.py" not in names


def loaded_by(code: str) -> set[str]:
    """Top-level modules in a fresh interpreter after `code`, whatever that prints or exits with."""
    wrapped = (
        "import importlib, json, sys\n"
        f"try:\n    exec({code!r})\nexcept SystemExit:\n    pass\n"
        "names = sorted({name.split('.')[0] for name in sys.modules})\n"
        "sys.stdout.write('\\n' + json.dumps(names))\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", wrapped], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def loaded_by_importing(*modules: str) -> set[str]:
    return loaded_by(f"for module in {modules!r}:\n    importlib.import_module(module)")


def in_folders(*folders: str) -> list[str]:
    return [module_of(path) for path in sources() if path.relative_to(REPO).parts[0] in folders]


def test_importing_tilth_loads_no_engine() -> None:
    assert loaded_by_importing("tilth") & (MODEL_AND_SCREEN | ENGINES) == set()


def test_importing_every_tool_loads_no_model_client_and_no_screen() -> None:
    modules = in_folders("prompts", "tools")
    assert "tilth.tools.errors" in modules
    assert loaded_by_importing(*modules) & MODEL_AND_SCREEN == set()


def test_importing_the_agent_and_the_evals_loads_no_screen() -> None:
    assert loaded_by_importing(*in_folders("agent", "evals")) & {"textual", "torch", "vllm"} == set()


# The faces that must start at once. One that is not written yet has nothing to check.
HEADLESS = [name for name in in_folders("tui") if name in HEADLESS_FACES]


@pytest.mark.parametrize("module", HEADLESS)
def test_a_headless_face_starts_without_model_client_and_screen(module: str) -> None:
    assert loaded_by_importing(module) & MODEL_AND_SCREEN == set()


@pytest.mark.parametrize("module", [name for name in HEADLESS if name == "tilth.tui.cli"])
def test_help_loads_no_engine(module: str) -> None:
    loaded = loaded_by(f"import {module}\nsys.argv = ['tilth', '--help']\n{module}.main()")
    assert loaded & (MODEL_AND_SCREEN | ENGINES) == set()
