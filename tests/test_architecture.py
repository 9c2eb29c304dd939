"""Imports point one way, and nothing is imported late but where a command needs a quick `--help`."""

from __future__ import annotations

import ast
import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "campaign_runner"

LAYERS = """
__main__
cli
fleet
rerun notify
maintenance
session find verify deliver
__init__
report schemas
review
reuse
authoring output_folder run
plan journal quota store
firefly
firefly.protocol
campaign_file
campaign_file.check campaign_file.sheets
campaign_file.schema
campaign_file.syntax
pictures retry
disk
ports
channels events families errors
problem
model portions text tasks uptime version
"""
"""From the top down; packages on one row do not import each other. The sandbox is beside everything."""

ROWS = {unit: row for row, line in enumerate(LAYERS.split("\n")) for unit in line.split()}
MAY_IMPORT_SANDBOX = {"cli"}


class Modules(Mapping[str, ast.Module]):
    """Every module of the package by its name; all are read once, when the first is looked at."""

    def __init__(self) -> None:
        self._paths = dict(map(self._named, sorted(PACKAGE.rglob("*.py"))))
        self._read: dict[str, ast.Module] = {}

    @staticmethod
    def _named(path: Path) -> tuple[str, Path]:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts), path

    def __getitem__(self, name: str) -> ast.Module:
        if not self._read:
            gc.disable()  # it would look through a growing heap again and again, of which nothing goes
            self._read = {each: ast.parse(path.read_text(encoding="utf-8")) for each, path in self._paths.items()}
            gc.enable()
            gc.freeze()
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def unit_of(module: str) -> str:
    """The package a module is in, the innermost one that has a row; a module at the top is a unit of its own."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in ROWS), parts[0])


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(node: ast.AST, *, late: bool = False) -> Iterator[tuple[str, bool]]:
    """Every import of our own package below `node`, and whether it stands inside a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) or is_for_types(child):
            continue
        match child:
            case ast.ImportFrom(module=str(origin), names=names) if origin.split(".")[0] == "campaign_runner":
                for name in names:
                    yield f"{origin}.{name.name}".partition(".")[2], late
            case ast.Import(names=names):
                yield from ((n.name.partition(".")[2], late) for n in names if n.name.startswith("campaign_runner."))
            case ast.ImportFrom(level=level) if level:
                yield "relative", late
            case _:
                pass
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from imports(child, late=late or inside)


MODULES = Modules()


@cache
def nodes_of(module: str) -> tuple[ast.AST, ...]:
    """All that stands in a module; several rules look through all of it."""
    return tuple(ast.walk(MODULES[module]))


@cache
def imports_of(module: str) -> tuple[tuple[str, bool], ...]:
    return tuple(imports(MODULES[module]))


PACKAGES = {str(path.parent.relative_to(PACKAGE)).replace("/", ".") for path in PACKAGE.rglob("__init__.py")} - {"."}


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("sandbox")])
def test_a_module_imports_only_what_lies_below_it(module: str) -> None:
    here = unit_of(module)
    for target, _ in imports_of(module):
        there = unit_of(target)
        if there == "sandbox":
            assert here in MAY_IMPORT_SANDBOX, f"{module} imports {target}"
        elif there != here:
            assert ROWS[there] > ROWS[here], f"{module} imports {target}, which does not lie below it"


def test_every_module_has_its_row() -> None:
    missing = {unit_of(name) for name in MODULES} - set(ROWS) - {"sandbox"}
    assert not missing


def test_every_row_has_its_module() -> None:
    assert set(ROWS) <= set(MODULES)


def test_a_room_can_be_looked_through_at_a_glance() -> None:
    rooms = Counter(name.rpartition(".")[0] for name in MODULES if name not in PACKAGES)
    crowded = {room: number for room, number in rooms.items() if number > (15 if room == "" else 12)}
    assert set(crowded) <= {"cli", "sandbox"}, crowded


def test_where_images_are_kept_is_said_in_one_place_for_a_machine_and_in_one_for_a_fleet() -> None:
    choosing = {name for name in MODULES for what, _ in imports_of(name) if what == "store.FolderStore"}
    assert choosing - {"__init__"} == {"output_folder.folder", "fleet.images.place"}


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("sandbox")])
def test_the_sandbox_imports_nothing_else_of_ours(module: str) -> None:
    assert [target for target, _ in imports_of(module) if not target.startswith("sandbox")] == []


LATE = {"output_folder.keeping": "a command that only looks writes no facts"}
"""Elsewhere an import stands inside a function here alone."""


@pytest.mark.parametrize("module", MODULES)
def test_no_import_stands_inside_a_function(module: str) -> None:
    if unit_of(module) in ("__init__", "cli") or module in LATE:
        return  # names that resolve on first use, and what only some runs of a command need
    assert [target for target, late in imports_of(module) if late] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: {known(target) for target, _ in imports_of(name)} - {name, ""} for name in MODULES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for target in graph[name]:
                visit(target, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_a_command_loads_nothing_that_it_does_not_use() -> None:
    """Of `check` and a file without pictures and sheets; what comes with the library pydantic is not ours to leave."""
    loaded = loaded_by("check")
    assert {name for name in loaded if name.partition(".")[0] in ("PIL", "asyncio", "aiohttp", "sqlite3")} == set()
    assert [name for name in loaded if name.startswith("campaign_runner.campaign_file.sheets.xlsx")] == []


@pytest.mark.parametrize("command", ["check", "plan", "status", "find", "resolve", "schema"])
def test_a_command_that_sends_nothing_loads_no_http(command: str) -> None:
    assert {name for name in loaded_by(command) if name.partition(".")[0] == "aiohttp"} == set()


@pytest.mark.parametrize("command", ["plan", "status"])
def test_a_command_that_only_looks_loads_no_lock_no_event_and_nothing_that_people_decide_with(command: str) -> None:
    idle = ("filelock", "campaign_runner.events", "campaign_runner.review", "campaign_runner.firefly.settings")
    assert {name for name in loaded_by(command) if name.startswith(idle)} == set()


def loaded_by(command: str) -> set[str]:
    """What is imported with a command, before it is called."""
    found, waiting = set[str](), [f"cli.{command}"]
    while waiting:
        module = waiting.pop()
        if module in found or module not in MODULES:
            continue
        found.add(module)
        waiting += [known(target) for target, is_late in imports_of(module) if not is_late]
    return {name for module in found for name in loaded_with(module)}


@cache
def loaded_with(module: str) -> frozenset[str]:
    """What a module imports at once."""
    return frozenset(name for node in at_once(MODULES[module]) for name in foreign_names(node))


def at_once(node: ast.AST) -> Iterator[ast.AST]:
    """What of a module is run when it is imported, but for what is there for types alone."""
    for child in ast.iter_child_nodes(node):
        if not (is_for_types(child) or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)):
            yield child
            yield from at_once(child)


def known(target: str) -> str:
    """The module an import names: itself, or the one that holds the name."""
    return target if target in MODULES else target.rpartition(".")[0] if target.rpartition(".")[0] in MODULES else ""


PURE = (
    "campaign_file",
    "channels",
    "events",
    "families",
    "firefly.protocol",
    "model",
    "plan",
    "problem",
    "retry",
    "text",
)
THE_WORLD = {"asyncio", "os", "random", "socket", "threading", "time"}
LEXICAL = {"os.path.normpath"}
"""These look at a name alone, never at a disk."""


@pytest.mark.parametrize("module", [name for name in MODULES if f"{name}.".startswith(tuple(f"{p}." for p in PURE))])
def test_what_is_pure_knows_no_clock_chance_thread_socket_or_system(module: str) -> None:
    named = {name for node in nodes_of(module) for name in foreign_names(node)}
    assert {name for name in named - LEXICAL if name.partition(".")[0] in THE_WORLD} == set()


def foreign_names(node: ast.AST) -> Iterator[str]:
    """What an import statement names, with its module."""
    match node:
        case ast.ImportFrom(module=str(origin), names=names):
            yield from (f"{origin}.{name.name}" for name in names)
        case ast.Import(names=names):
            yield from (name.name for name in names)


TASKS = {
    # a module that starts tasks: who waits for their end
    "cli.observers": "the block that `keeping_time` spans",
    "cli.review_page": "leaving the block that shares marks",
    "disk.shared_calls": "those who share a call, with `to_its_end`",
    "fleet.images.bucket": "`to_its_end`, also where the caller is cancelled",
    "fleet.database": "`to_its_end`, also where the caller is cancelled",
    "fleet.lease": "leaving the Lease",
    "fleet.work.carrying": "the run's own end, which is waited for",
    "fleet.record.journal": "`to_its_end`, also where the caller is cancelled",
    "fleet.quota": "`to_its_end`, also where the caller is cancelled",
    "run.stop": "`until` itself",
    "tasks": "the TaskSet",
}


def test_every_task_has_an_owner() -> None:
    calls = ("create_task", "ensure_future")
    starting = {
        module
        for module in MODULES
        if unit_of(module) != "sandbox"
        and any(isinstance(node, ast.Attribute) and node.attr in calls for node in nodes_of(module))
    }
    assert starting == TASKS.keys()


NOT_NAMES = {"config", "project", "backend", "engine", "params", "queue", "batch", "tracker", "limiter", "throttle"}
NOT_NAMES |= {"utils", "common", "manager", "handler", "misc"}
"""Words that name anything, and so nothing."""


def classes() -> Iterator[tuple[str, str]]:
    """Every class with the module that defines it; the sandbox has its own words."""
    for module in MODULES:
        if not module.startswith("sandbox"):
            yield from ((node.name, module) for node in nodes_of(module) if isinstance(node, ast.ClassDef))


def test_a_class_name_means_one_thing() -> None:
    homes: dict[str, list[str]] = {}
    for name, module in classes():
        homes.setdefault(name, []).append(module)
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


def test_a_name_says_what_it_is_of() -> None:
    parts = {part for module in MODULES for part in module.split(".")}
    assert [name for name in (*parts, *(name for name, _ in classes())) if name.lower().strip("_") in NOT_NAMES] == []
