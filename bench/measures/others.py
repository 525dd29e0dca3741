"""Plain text accounting, where it is installed: the balances of every account, whole command.

They read their journal each time, so a small book is compared; the import comes before.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from bench import checks, journals, product
from bench.commands import Ran, python, run
from bench.fold import thousandths
from bench.places import SQLITE
from bench.results import Found, Result
from bench.scene import Scene, import_of
from bench.timing import Contender, interleave, longer

_ROUNDS: Final = 3
_ASSETS: Final = "assets:"


def measure(scene: Scene) -> Found:
    place = next(place for place in scene.places if place.name == SQLITE)
    with place.ledger() as url:
        run(import_of(url, scene.small))
        ours = Contender("bal, the book of hledger and beancount", partial(_ours, scene, url))
        theirs = {
            key: Contender(f"{key}, balances", partial(ask, scene, journal))
            for key, ask, journal in _installed(scene)
        }
        interleave([ours, *theirs.values()], scene.few(_ROUNDS))
    results = [_result(scene, key, ours, theirs.get(key)) for key in ("hledger", "beancount")]
    return Found(results, [ours, *theirs.values()])


def _result(scene: Scene, key: str, ours: Contender, theirs: Contender | None) -> Result:
    if theirs is None:
        return Result(key, SQLITE, scene.lines, None, "not installed")
    note = f"{scene.small.truth.lines:,} messages"
    return Result(key, SQLITE, scene.lines, longer(theirs, ours), note)


Ask = Callable[[Scene, Path], Ran]


def _installed(scene: Scene) -> list[tuple[str, Ask, Path]]:
    """Write a journal for each that is there."""
    found: list[tuple[str, Ask, Path]] = []
    if shutil.which("hledger"):
        journal = scene.folder / "book.journal"
        journals.write_hledger(scene.small.path, journal)
        found.append(("hledger", _hledger, journal))
    if importlib.util.find_spec("beancount"):
        journal = scene.folder / "book.beancount"
        journals.write_beancount(scene.small.path, journal)
        found.append(("beancount", _beancount, journal))
    return found


def _ours(scene: Scene, url: str) -> Ran:
    ran = run(product.program(url, "bal", "-O", "json"))
    rows = json.loads(ran.out)["rows"]
    found = {row["account"]: thousandths(row["credits"]) for row in rows}
    checks.same("bal", found, scene.small.truth.balances())
    return ran


def _hledger(scene: Scene, journal: Path) -> Ran:
    ran = run(
        ["hledger", "-f", str(journal), "bal", _ASSETS, "--flat", "-E", "-N", "-O", "csv"]
    )
    rows = csv.DictReader(io.StringIO(ran.out))
    _judge("hledger", scene, {row["account"]: row["balance"].split()[0] for row in rows})
    return ran


def _beancount(scene: Scene, journal: Path) -> Ran:
    ran = run(python("beans", str(journal)))
    _judge("beancount", scene, json.loads(ran.out))
    return ran


def _judge(who: str, scene: Scene, balances: dict[str, str]) -> None:
    found = {
        name.lower().removeprefix(_ASSETS): thousandths(credits)
        for name, credits in balances.items()
        if name.lower().startswith(_ASSETS)
    }
    checks.same(who, found, scene.small.truth.balances())
