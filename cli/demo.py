"""`demo`: the whole story in a throw-away folder, against a sandbox, in seconds."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from ledger.sandbox.server import Serving

# The demo's clock stands still at the end of October, so that everyone sees the same figures.
_NOW: Final = 1_793_466_000  # 2026-10-31T18:00:00+01:00
_SEED: Final = 1

_FIRST, _SECOND = "sms-ab12345-1", "sms-ab12345-2"


@click.command(short_help="A sandbox, a sync, the reports: the whole story in seconds.")
@click.option("--seed", type=int, default=_SEED, show_default=True, help="Another history.")
def demo(*, seed: int) -> int:
    """Start a sandbox, read it over HTTP, show balances, a statement and the reconciliation.

    Everything lives in a folder that is deleted at the end; nothing is left running, and
    neither your ledger nor your OVH profiles are touched.

    Example: sms-ledger demo
    """
    with tempfile.TemporaryDirectory(prefix="sms-ledger-demo-") as name, _sandbox(seed) as ovh:
        folder = Path(name)
        with _profiles(ovh, folder):
            return _story(ovh, folder / "ledger.db")


@contextmanager
def _sandbox(seed: int) -> Iterator[Serving]:
    from ledger.sandbox import World, serving

    with serving(World.from_scenario("default", seed, _NOW), frozen=True) as running:
        yield running


@contextmanager
def _profiles(serving: Serving, folder: Path) -> Iterator[None]:
    """Point this process at the sandbox's two customers, and at nothing else."""
    from ledger.sandbox import profiles

    conf = folder / "ovh.conf"
    profiles.write(conf, "demo", serving.url, serving.credentials.values())
    before = dict(os.environ)
    os.environ["SMS_LEDGER_OVH_CONFIG"] = str(conf)
    os.environ.pop("SMS_LEDGER_OVH_URL", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _story(serving: Serving, database: Path) -> int:
    _say(
        "A sandbox plays OVH: two customers, five SMS accounts, six months of messages,",
        "replies, automatic recharges and bills. First, read it all over HTTP.",
    )
    status = _run(database, "--profile", "demo", "sync")
    status = status or _run(database, "--profile", "demo-2", "sync")
    if status:
        return status
    _say("What the ledger now says each account owns, and whether OVH agrees:")
    _run(database, "bal")
    _run(database, "recon", "run")
    _say(
        "Now things happen behind the ledger's back: in OVH's panel somebody moves 25 credits",
        f"from {_FIRST} to {_SECOND}; later a sent message is deleted before it was read.",
    )
    _move_in_the_panel(serving)
    _run(database, "--profile", "demo", "sync")
    _delete_a_message(serving)
    _run(database, "--profile", "demo", "sync")
    _run(database, "recon", "run", _FIRST, _SECOND)
    _say(
        "OVH keeps no list of credit movements, so the balances must tell: two opposite",
        "differences are the transfer, explained; the deleted message is left, with hints.",
        "The statement of the last days, each day's messages in one row:",
    )
    _run(database, "stmt", _SECOND, "-b", "2026-10-26")
    _say("Every figure is proved by events that cannot change, each with its digest:")
    _run(database, "check")
    _say(
        "That was a sandbox. To read your own accounts, let your OVH customer grant a key that",
        "may only read, then type:",
        "",
        "    sms-ledger login",
        "    sms-ledger sync",
        "    sms-ledger bal",
        "    sms-ledger recon run",
        "",
        "`sms-ledger --help` lists the rest; docs/start.md goes through it step by step.",
    )
    return 0


def _move_in_the_panel(serving: Serving) -> None:
    from decimal import Decimal

    serving.do("panel-transfer", source=_FIRST, target=_SECOND, credits=Decimal(25))
    serving.do("advance", by="1h")


def _delete_a_message(serving: Serving) -> None:
    serving.do("send", account=_SECOND, count=3)
    serving.do("delete-row", account=_SECOND)
    serving.do("advance", by="1h")


def _say(*lines: str) -> None:
    click.echo()
    for line in lines:
        click.echo(line)


def _run(database: Path, *arguments: str) -> int:
    """Run a command as it would be typed, and show it."""
    from cli import run

    click.echo(f"\n$ sms-ledger {' '.join(arguments)}")
    return run(["--database", str(database), "--actor", "demo", *arguments])
