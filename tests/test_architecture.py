"""The rules of docs/architecture.md as tests: who imports whom, what is imported when, sizes, and that every name resolves."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "daxa_gui"
MODULES = sorted(PACKAGE.rglob("*.py"))

LONGEST_FILE = 450
# 0.1 to 0.5 s each at import, which the first window cannot afford
HEAVY = {"astropy", "astroquery", "distributed", "keyring", "matplotlib", "ncompress", "pandas", "pyvo", "regions", "scipy"}


def short(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def run_tool(*arguments: str) -> None:
    """Run a checker of the environment; its complaints become the failure."""
    result = subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, capture_output=True, text=True, encoding="utf-8", check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    if result.returncode:
        pytest.fail(f"{' '.join(arguments)}\n{result.stdout}\n{result.stderr}", pytrace=False)


def tracked_files() -> list[Path]:
    """Files that belong to the project; a copy without git has no list of them."""
    try:
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout, so nobody knows which files belong to the project")
    return [path for name in listing.stdout.split("\0") if name and (path := PROJECT / name).is_file()]


def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported_names(tree: ast.AST, *, only_at_import: bool) -> Iterator[tuple[int, str]]:
    """(line, top-level package) of the imports; `only_at_import` leaves out those inside functions and for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, (node.module or "").partition(".")[0]
        elif only_at_import and (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _for_type_checkers(node)
        ):
            continue
        else:
            yield from imported_names(node, only_at_import=only_at_import)


def _for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


# ------------------------------------------------------------------------------------------------- arrows and style


def test_that_imports_follow_the_arrows():
    run_tool("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")


def test_that_the_core_needs_only_the_standard_library_and_numpy():
    allowed = sys.stdlib_module_names | {"numpy", "daxa_gui"}
    foreign = [
        f"{short(path)}:{line}: {name}"
        for path in sorted((PACKAGE / "core").rglob("*.py"))
        for line, name in imported_names(syntax(path), only_at_import=False)
        if name not in allowed
    ]
    assert not foreign


def test_that_the_code_keeps_the_style():
    run_tool("-m", "ruff", "check", "--quiet", ".")


def test_that_the_code_is_formatted():
    run_tool("-m", "ruff", "format", "--check", "--quiet", "--diff", ".")


def test_that_the_types_fit():
    run_tool("-m", "mypy")


# ------------------------------------------------------------------------------------------------ what is imported when


def test_that_heavy_packages_are_imported_inside_functions():
    heavy = [
        f"{short(path)}:{line}: {name}"
        for path in MODULES
        for line, name in imported_names(syntax(path), only_at_import=True)
        if name in HEAVY
    ]
    assert not heavy


def test_that_the_parts_below_the_window_work_without_qt():
    """Import everything but the window in a Python where PySide6 and pyqtgraph cannot be had."""
    names = [
        ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] not in ("gui", "__main__.py")
    ]
    program = (
        "import sys; sys.modules.update(PySide6=None, pyqtgraph=None, shiboken6=None)\n"
        f"import importlib\nfor name in {names!r}: importlib.import_module(name)\n"
    )
    run_tool("-c", program)


# -------------------------------------------------------------------------------------------------------- registries


def resolved(target: str) -> object:
    from daxa_gui.core.registry import resolve

    return resolve(target)


def test_that_every_mission_resolves_with_its_functions():
    from daxa_gui.missions import MISSIONS

    assert MISSIONS
    for name, spec in MISSIONS.items():
        assert spec.name == name
        assert spec.is_obs_id(spec.obs_id_example), f"{name}: the example ObsID does not match the pattern"
        for target in filter(None, (spec.files, spec.raw_file)):
            assert callable(resolved(target)), target
        if spec.table is not None:
            from daxa_gui.locations import resource_path

            assert resource_path(spec.table.resource).is_file(), spec.table.resource


def test_that_every_reduction_step_resolves_and_needs_only_known_steps():
    from daxa_gui.reduction import STEPS

    assert STEPS
    for name, step in STEPS.items():
        assert step.name == name
        assert callable(resolved(step.build)), step.build
        assert set(step.needs) <= set(STEPS), f"{name} needs {step.needs}"
        assert len({parameter.name for parameter in step.parameters}) == len(step.parameters)


def test_that_every_panel_resolves():
    from PySide6.QtWidgets import QWidget

    from daxa_gui.gui.panels import PANELS, WORKSPACES

    assert {panel.workspace for panel in PANELS} == set(WORKSPACES), "a workspace without a panel, or the other way round"
    assert len({panel.name for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        kind = resolved(panel.target)
        assert isinstance(kind, type) and issubclass(kind, QWidget), panel.target


TARGET = re.compile(r"daxa_gui(?:\.\w+)+:\w+")


def targets_in(path: Path) -> list[str]:
    strings = (node.value for node in ast.walk(syntax(path)) if isinstance(node, ast.Constant))
    return [text for text in strings if isinstance(text, str) and TARGET.fullmatch(text)]


def has_target(target: str) -> bool:
    try:
        resolved(target)
    except (ImportError, AttributeError):
        return False
    return True


def test_that_functions_named_in_texts_exist():
    """Call targets and registry entries are strings, which no type checker follows."""
    named = [(short(path), target) for path in MODULES for target in targets_in(path)]
    assert named
    assert not [f"{place}: {target}" for place, target in named if not has_target(target)]


# ------------------------------------------------------------------------------------------------------ what is written


def test_that_no_file_grows_out_of_sight():
    own = [path for path in tracked_files() if path.suffix == ".py"]
    long = {short(path): n for path in own if (n := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE}
    assert not long, f"split these (more than {LONGEST_FILE} lines): {long}"


def test_that_modules_say_what_lives_in_them():
    silent = [short(path) for path in MODULES if path.read_text().strip() and not ast.get_docstring(syntax(path))]
    assert not silent


MACHINE = re.compile(
    # built from parts so that this file does not find itself
    "|".join(
        ["/" + "home/[a-z]", "/" + "root/", "/" + "work/", r"[A-Z]:\\\\" + "Users", "files." + "pythonhosted", "pypi" + r"\.org/"]
    )
)


def test_that_no_file_names_one_machine_or_a_package_registry():
    found = []
    for path in tracked_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture or another binary file
        found += [f"{short(path)}:{number}: {line.strip()[:80]}" for number, line in enumerate(lines, 1) if MACHINE.search(line)]
    assert not found


def test_that_lock_files_hold_checksums_and_no_addresses():
    for lock in (PROJECT / "requirements.lock", PROJECT / "packaging" / "uv-requirements.txt"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        requirements = re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n", "", text).strip())
        assert all("==" in entry.split("\\")[0] and "--hash=sha256:" in entry for entry in requirements)


def test_that_the_lock_fits_the_declared_dependencies():
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    locked = {name.lower(): version for name, version in re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", lock)}
    for text in project["project"]["dependencies"] + project["dependency-groups"]["dev"]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(locked[requirement.name.lower()]), text


def called_names(tree: ast.AST) -> Iterator[tuple[int, str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func), node


FORBIDDEN_CALLS = {"os.system", "os.popen", "os.chdir", "subprocess.getoutput", "subprocess.getstatusoutput", "eval", "exec"}
CALL_ALLOWED = {("daxa_gui/execution/spawner.py", "os.chdir")}  # a process of its own for one program, which it starts there


def uses_shell(call: ast.Call) -> bool:
    values = [keyword.value for keyword in call.keywords if keyword.arg == "shell"]
    return any(not (isinstance(value, ast.Constant) and value.value is False) for value in values)


def test_that_no_shell_is_started_and_the_working_folder_stays():
    bad = [
        f"{short(path)}:{line}: {name}"
        for path in MODULES
        for line, name, call in called_names(syntax(path))
        if (name in FORBIDDEN_CALLS and (short(path), name) not in CALL_ALLOWED) or uses_shell(call)
    ]
    assert not bad


BROAD_EXCEPT_ALLOWED = {
    "daxa_gui/execution/runner.py",  # a job may fail in any way; the program goes on
    "daxa_gui/gui/background.py",  # the same for a read for the screen
    "daxa_gui/gui/widgets/long_work.py",  # and for work that is watched
    "daxa_gui/core/registry.py",  # other people's plug-ins may fail in any way while they are imported
    "daxa_gui/remote/key_ring.py",  # key rings are other people's plug-ins too
}


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Catches everything and does not raise it again at once."""
    everything = handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException")
    return everything and not any(isinstance(node, ast.Raise) and node.exc is None for node in handler.body)


def test_that_errors_are_not_swallowed():
    broad = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        if short(path) not in BROAD_EXCEPT_ALLOWED
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    ]
    assert not broad


def test_that_the_command_is_installed():
    command = Path(sysconfig.get_path("scripts")) / "daxa-gui"
    result = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    from daxa_gui import __version__

    assert (result.returncode, result.stdout.strip()) == (0, f"daxa-gui {__version__}")
