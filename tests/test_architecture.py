"""Architecture: the contracts hold, each was seen to fail, and the domain only computes."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

ROOT = Path(__file__).parents[1]
PACKAGES = ("ledger", "projections", "cli", "migrations")
SETTINGS: dict[str, Any] = read_configuration(str(ROOT / "pyproject.toml"))
CONTRACTS: list[dict[str, Any]] = SETTINGS["contracts_options"]

# --- the import contracts ------------------------------------------------------------------

OFFENDERS = [
    # contract, module, what it imports against the contract
    ("The edge over the read side and the schema over the write side", "ledger.sync", "cli"),
    ("The edge over the read side and the schema over the write side", "ledger.service",
     "projections"),
    ("The edge over the read side and the schema over the write side", "projections.report",
     "migrations"),
    ("The write side, from the service down to the vocabulary", "ledger.events",
     "ledger.pages"),
    ("The write side, from the service down to the vocabulary", "ledger.account",
     "ledger.customer"),
    ("The write side, from the service down to the vocabulary", "ledger.newcomer", None),
    ("The adapter over the port over the values", "ledger.ovh.gateway", "ledger.ovh.client"),
    ("The adapter knows the ledger by its errors alone", "ledger.ovh.client", "ledger.pages"),
    ("Reports over what they share", "projections.balances", "projections.registers"),
    ("Reports over what they share", "projections.newcomer", None),
    ("The sandbox shares nothing with the ledger", "ledger.sandbox", "ledger.errors"),
    ("The sandbox shares nothing with the ledger", "ledger.sandbox", "ovh"),
    ("The sandbox shares nothing with the ledger", "ledger.sandbox", "ledger.ovh.gateway"),
    ("The ledger does not know the sandbox, nor the adapter to OVH", "ledger.sync",
     "ledger.ovh.client"),
    ("The ledger does not know the sandbox, nor the adapter to OVH", "projections.report",
     "ledger.sandbox"),
    ("The domain is plain Python", "ledger.account", "sqlite3"),
    ("The domain is plain Python", "ledger.events", "eventsourcing.domain"),
    ("Projections know events, never decisions", "projections.report", "ledger.account"),
    ("Projections know events, never decisions", "projections.report", "ledger.service"),
    ("Only the storage knows the event store, only the adapter knows the ovh client",
     "ledger.totals", "eventsourcing.sqlite"),
    ("Only the storage knows the event store, only the adapter knows the ovh client",
     "cli.session", "ovh"),
    ("What joins a report with a command serves the command line and the web alike",
     "cli.actions.deciding", "click"),
    ("Projections know events, never decisions", "projections.breaks", "ledger.breaks"),
]  # fmt: skip


def lint() -> dict[str, str]:
    """Run the linter; give each contract's verdict."""
    ran = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = {}
    for line in ran.stdout.splitlines():
        name, _, verdict = line.rpartition(" ")
        if verdict in {"KEPT", "BROKEN"}:
            verdicts[name] = verdict
    assert verdicts, ran
    return verdicts


# The linter's own judges, told of an import more: to run it for each offender takes long.
JUDGES = {"layers": LayersContract, "forbidden": ForbiddenContract}


@cache
def graph() -> grimp.ImportGraph:
    """The imports of the program as the linter reads them."""
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def is_kept(name: str, imports: grimp.ImportGraph) -> bool:
    (options,) = (one for one in CONTRACTS if one["name"] == name)
    judge = JUDGES[options["type"]](name, SETTINGS["session_options"], options)
    return bool(judge.check(deepcopy(imports), verbose=False).kept)


def test_every_contract_is_kept() -> None:
    assert lint() == {contract["name"]: "KEPT" for contract in CONTRACTS}


def test_every_contract_has_an_offender_that_breaks_it() -> None:
    assert {name for name, _, _ in OFFENDERS} == {contract["name"] for contract in CONTRACTS}


@pytest.mark.parametrize(("contract", "module", "imported"), OFFENDERS)
def test_a_contract_is_broken_by_an_import_against_it(
    contract: str, module: str, imported: str | None
) -> None:
    spoilt = deepcopy(graph())
    if imported:
        # of a library, the linter knows no more than its name
        known = imported if imported in spoilt.modules else imported.partition(".")[0]
        assert {module, known} <= spoilt.modules
        spoilt.add_import(importer=module, imported=known)
    else:
        spoilt.add_module(module)
    assert is_kept(contract, graph())
    assert not is_kept(contract, spoilt)


def test_there_is_no_import_that_the_linter_was_told_to_overlook() -> None:
    for contract in CONTRACTS:
        assert "ignore_imports" not in contract, contract["name"]


# --- what the modules use ------------------------------------------------------------------


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def modules(*places: str) -> Iterator[tuple[str, ast.Module]]:
    """Give the modules of these folders or files: their path, and their syntax."""
    for place in places:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield file.relative_to(ROOT).as_posix(), parsed(file)


@cache
def imports(tree: ast.AST) -> tuple[str, ...]:
    return tuple(imported(tree))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                yield module


@cache
def words(tree: ast.AST) -> set[str]:
    """Give the names and attributes that a module uses."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }


def place_of(module: str) -> str:
    """Give the file of a module, or the folder of a package."""
    place = module.replace(".", "/")
    return place if (ROOT / place).is_dir() else f"{place}.py"


(PLAIN,) = (one for one in CONTRACTS if one["name"] == "The domain is plain Python")
DOMAIN = [file for module in PLAIN["source_modules"] for file, _ in modules(place_of(module))]

# What computes, and nothing that looks at the world: no clock, chance, files or environment.
COMPUTES = {
    "__future__", "bisect", "collections", "contextlib", "dataclasses", "datetime", "decimal",
    "functools", "hashlib", "itertools", "ledger", "msgspec", "operator", "re", "typing",
    "unicodedata", "zlib_ng", "zoneinfo",
}  # fmt: skip


@pytest.mark.parametrize("module", DOMAIN)
def test_the_domain_imports_only_what_computes(module: str) -> None:
    ((_, tree),) = modules(module)
    assert {name.partition(".")[0] for name in imports(tree)} <= COMPUTES


@pytest.mark.parametrize("module", DOMAIN)
def test_the_domain_is_told_the_time(module: str) -> None:
    ((_, tree),) = modules(module)
    assert words(tree).isdisjoint({"now", "today", "utcnow", "open", "input"})


def test_only_the_edge_prints() -> None:
    for path, tree in modules("ledger", "projections", "migrations"):
        assert words(tree).isdisjoint({"print", "echo", "stdout", "stderr"}), path


# The places that `ovh` users know are part of OVH's contract, not of our domain.
READ_THE_ENVIRONMENT = {"ledger/ovh/conf.py", "ledger/ovh/profiles.py", "ledger/ovh/tokens.py"}


def test_the_environment_is_read_at_the_edge() -> None:
    readers = {
        path
        for path, tree in modules("ledger", "projections", "migrations")
        if words(tree) & {"environ", "getenv"}
    }
    assert readers <= READ_THE_ENVIRONMENT


# Seconds to wait are no credits; nothing else here is a float.
SECONDS = {
    "ledger/errors.py": "`retry_after_s`, as OVH asked to wait",
    "ledger/service.py": "the pause before the next try, with its jitter",
}


def floats(tree: ast.AST) -> Iterator[int]:
    """Give the lines of float literals, of the name `float` and of true divisions."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Constant(value=float())
                | ast.Name(id="float")
                | ast.BinOp(op=ast.Div())
                | ast.AugAssign(op=ast.Div())
            ):
                yield node.lineno


def test_no_float_comes_near_a_credit() -> None:
    """The sandbox imitates OVH's doubles, the adapter waits in seconds: both stay outside."""
    own = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("ledger/*.py"))
    for path, tree in modules(*own, "ledger/sync", "ledger/files", "projections"):
        if path not in SECONDS:
            assert list(floats(tree)) == [], path


LIBRARIES = {
    "alembic": ["migrations/"],
    "click": ["cli/"],
    "eventsourcing": ["ledger/storage/"],
    "ovh": ["ledger/ovh/"],
    "phonenumbers": ["ledger/countries.py", "ledger/personal.py"],
    "psycopg": ["ledger/database/postgres.py", "ledger/storage/postgres.py", "migrations/"],
    "requests": ["ledger/ovh/"],
    "rich": ["cli/"],
    "sqlalchemy": ["migrations/"],
    "stamina": ["ledger/ovh/"],
    "starlette": ["ledger/sandbox/"],
    "uvicorn": ["ledger/sandbox/"],
}


@pytest.mark.parametrize(("library", "places"), LIBRARIES.items())
def test_a_library_is_known_in_one_place(library: str, places: list[str]) -> None:
    for path, tree in modules(*PACKAGES):
        if library in {name.partition(".")[0] for name in imports(tree)}:
            assert path.startswith(tuple(places)), path


def test_every_module_says_what_it_is_for() -> None:
    for path, tree in modules(*PACKAGES):
        assert ast.get_docstring(tree) or not tree.body, path
