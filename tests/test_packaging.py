"""Packaging: one distribution, four packages, everything they need and nothing else."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import chdir
from email import message_from_string
from email.message import Message
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from hatchling.build import build_wheel
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("ledger", "projections", "cli", "migrations")
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    with chdir(ROOT):
        return folder / build_wheel(str(folder))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path, names: set[str]) -> Message:
    (name,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        return message_from_string(archive.read(name).decode())


# --- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_claims_a_name_of_ours(package: str) -> None:
    assert set(packages_distributions().get(package, [])) <= {"sms-ledger"}


def test_the_distribution_holds_our_four_packages_and_no_other(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


# --- the wheel -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file",
    [
        *(f"{package}/py.typed" for package in PACKAGES),
        "migrations/script.py.mako",
        "migrations/env.py",
        "migrations/versions/v0001_first_release.py",
    ],
)
def test_the_wheel_holds_what_is_no_module(names: set[str], file: str) -> None:
    assert file in names


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(names: set[str]) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == files


def test_the_wheel_says_what_it_is(metadata: Message) -> None:
    assert metadata["Name"] == "sms-ledger"
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_command_is_sms_ledger(wheel: Path, names: set[str]) -> None:
    (name,) = (name for name in names if name.endswith("entry_points.txt"))
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(name).decode().split("\n", 1)[1].strip() == "sms-ledger = cli:main"


INSTALLED = """
import sys
from pathlib import Path
import cli, ledger, migrations, projections

for package in (cli, ledger, migrations, projections):
    assert Path(package.__file__).is_relative_to(sys.argv[1]), package.__file__
sys.exit(cli.run(["--database", sys.argv[2], "bal"]))
"""


def test_the_program_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    ran = subprocess.run(
        [sys.executable, "-c", INSTALLED, tmp_path / "site", tmp_path / "ledger.db"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


# --- what it needs -------------------------------------------------------------------------


def imported() -> Iterator[str]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Import():
                        yield from (alias.name.partition(".")[0] for alias in node.names)
                    case ast.ImportFrom(module=str(module)):
                        yield module.partition(".")[0]


def declared() -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}


# What comes with a dependency, and is as much a part of it as its own modules.
COMES_WITH = {"sqlalchemy": "alembic", "requests": "ovh"}


def test_nothing_is_imported_that_is_not_declared() -> None:
    distributions = packages_distributions()
    for name in set(imported()) - set(PACKAGES) - sys.stdlib_module_names:
        owners = {canonicalize_name(owner) for owner in distributions[name]}
        owners |= {COMES_WITH[owner] for owner in owners if owner in COMES_WITH}
        assert owners & declared(), name


def pinned(file: str) -> dict[str, str]:
    """Read a file of requirements: each name, and all that is said of it."""
    joined = (ROOT / file).read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(re.split(r"[=\s;]", line)[0]): line for line in lines}


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_locked_by_its_digest_and_names_no_registry(file: str) -> None:
    for name, line in pinned(file).items():
        assert re.match(r"[\w.-]+==[\w.]+ ", line), name
        assert "--hash=sha256:" in line, name
        assert "://" not in line, name
        assert "index" not in line.partition("--hash")[0], name


def test_all_that_is_declared_is_locked() -> None:
    def grouped(*groups: str) -> set[str]:
        texts = [text for group in groups for text in PYPROJECT["dependency-groups"][group]]
        return {canonicalize_name(Requirement(text).name) for text in texts}

    run, dev = pinned("requirements.txt"), pinned("requirements-dev.txt")
    assert declared() | grouped("build") <= run.keys()
    assert declared() | grouped("build", "dev") <= dev.keys()


def test_both_locks_agree() -> None:
    run, dev = pinned("requirements.txt"), pinned("requirements-dev.txt")
    for name in run.keys() & dev.keys():
        assert run[name].partition(" ")[0] == dev[name].partition(" ")[0]


# --- the version ---------------------------------------------------------------------------


def test_the_newest_heading_of_the_changelog_is_the_version() -> None:
    headings = re.findall(
        r"^## \[?v?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert headings[0] == PROJECT["version"]
