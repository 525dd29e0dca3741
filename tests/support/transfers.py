"""Transfers for tests: one that ends in doubt, and ones that die between any two steps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from rigs import Rig

from cli.progress import Silent
from ledger.database import Database, connect, parse_address
from ledger.errors import DatabaseUnusable, LedgerError
from ledger.events import Source, Stamp, TransferEvent, TransferRequested
from ledger.ovh.client import connect as connect_to_ovh
from ledger.ovh.gateway import Gateway
from ledger.ovh.profiles import load_profile
from ledger.service import Ledger, Work
from ledger.sync.customer import CustomerSync, Result
from ledger.sync.transferring import Transferring

FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"
POST = "POST /sms/*/transferCredits"
_ROUTE = "POST /sms/{serviceName}/transferCredits"

T = TypeVar("T")

Kill = Literal[
    "before the request is recorded",
    "before the call",
    "after the call",
    "before the outcome is recorded",
    "after the outcome is recorded",
]
Step = Kill | Literal["the outcome cannot be recorded"]


def posts(made: Rig) -> int:
    """Count the calls that the sandbox saw."""
    return made.ovh.requests.counts[_ROUTE]


def request_in_doubt(made: Rig, kind: str, **fault: Any) -> str:
    """Request 4 credits; the answer is spoilt. Gives the transfer's id."""
    made.ovh.do("fault", match=POST, kind=kind, **fault)
    ran = made.sl("transfer", "request", FIRST, SECOND, "4", "--yes")
    assert (ran.status, ran.err.count("\n")) == (3, 1), ran
    assert "do not repeat it" in ran.err
    return str(made.sl("transfer", "list", "-O", "json").rows[-1]["transfer"])


class Killed(BaseException):
    """The process is gone: nothing of ours runs after this."""


class DyingGateway:
    """OVH, for a process that is killed just before or just after it calls."""

    def __init__(self, gateway: Any, step: Step) -> None:
        self._gateway = gateway
        self._step = step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def transfer_credits(self, *call: Any) -> None:
        if self._step == "before the call":
            raise Killed
        try:
            self._gateway.transfer_credits(*call)
        finally:
            if self._step == "after the call":
                raise Killed


class DyingLedger(Ledger):
    """A ledger of a process that is killed before a commit, or after it."""

    step: Step | None = None
    fault: type[LedgerError] = DatabaseUnusable
    requested: Callable[[], object] | None = None

    def work(self, decide: Callable[[Work], T]) -> T:
        placed: list[Any] = []

        def attempt(work: Work) -> T:
            result = decide(work)
            placed[:] = [
                one.event for one in work.placed if isinstance(one.event, TransferEvent)
            ]
            requested = [isinstance(event, TransferRequested) for event in placed]
            if placed and self.step == "before the request is recorded" and all(requested):
                raise Killed
            if placed and self.step == "before the outcome is recorded" and not any(requested):
                raise Killed
            if placed and self.step == "the outcome cannot be recorded" and not any(requested):
                msg = "the disk is full"
                raise self.fault(msg)
            return result

        result = super().work(attempt)
        if self.requested and any(isinstance(event, TransferRequested) for event in placed):
            self.requested()
        outcome = placed and not isinstance(placed[0], TransferRequested)
        if outcome and self.step == "after the outcome is recorded":
            raise Killed
        return result


class BusyGateway:
    """OVH, while whose answer is under way something else is done."""

    def __init__(self, gateway: Any, meanwhile: Callable[[], object]) -> None:
        self._gateway = gateway
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def transfer_credits(self, *call: Any) -> None:
        try:
            self._gateway.transfer_credits(*call)
        finally:
            self._meanwhile()


class InterruptedGateway:
    """OVH, just before whose calls of some name others do something, once each."""

    def __init__(self, gateway: Any, name: str, others: Iterable[Callable[[], object]]) -> None:
        self._gateway = gateway
        self._name = name
        self._others = iter(others)

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            next(self._others, lambda: None)()
        return getattr(self._gateway, name)


@contextmanager
def making(
    made: Rig,
    *,
    step: Step | None = None,
    meanwhile: Callable[[], object] | None = None,
    before: tuple[str, Iterable[Callable[[], object]]] | None = None,
    requested: Callable[[], object] | None = None,
    fault: type[LedgerError] = DatabaseUnusable,
) -> Iterator[Transferring]:
    """Give what `transfer request` makes transfers with, in a process of some fate.

    `before` names a call to OVH, and what others do before each one; `requested` is done
    between the record of the request and the call.
    """
    with _connected(made) as (database, ledger, gateway):
        ledger.step, ledger.requested, ledger.fault = step, requested, fault
        ovh: Any = gateway
        ovh = DyingGateway(ovh, step) if step else ovh
        ovh = BusyGateway(ovh, meanwhile) if meanwhile else ovh
        ovh = InterruptedGateway(ovh, *before) if before else ovh
        yield Transferring(ovh, ledger, database, stamp=_stamp, observed=_stamp)


def synchronise(made: Rig, before: tuple[str, Iterable[Callable[[], object]]]) -> Result:
    """Run `sync`, while others do something before some of its calls."""
    with _connected(made) as (database, ledger, gateway):
        ovh: Any = InterruptedGateway(gateway, *before)
        sync = CustomerSync(ovh, ledger, database, stamp=_stamp, progress=Silent())
        return sync.run()


@contextmanager
def _connected(made: Rig) -> Iterator[tuple[Database, DyingLedger, Gateway]]:
    address = parse_address(str(made.database))
    environ = {**os.environ, "SMS_LEDGER_OVH_CONFIG": str(made.conf)}
    profile = load_profile(made.profiles[0], environ=environ)
    with (
        closing(connect(address)) as database,
        DyingLedger(address) as ledger,
        connect_to_ovh(profile) as gateway,
    ):
        yield database, ledger, gateway


def _stamp(source: Source) -> Stamp:
    return Stamp(recorded_at=datetime.now(UTC), actor="tester", command_id="c-1", source=source)
