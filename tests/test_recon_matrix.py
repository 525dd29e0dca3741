"""The matrix: whatever happens behind the ledger's back, alone and with anything else.

For every kind of line the sandbox does exactly that, on top of one first synchronisation that
all cells share: the ledger is copied, and so is the world. In every cell drift, explanation and
residual must be what happened. SQLite runs all pairs, PostgreSQL a seeded sample of them, or
all with SMS_LEDGER_SOAK=1.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import combinations
from random import Random
from typing import Any

import pytest
from meddling import Meddler, Nobody, synchronise
from rigs import Rig, rig
from stores import Store

FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"

SOAK = os.environ.get("SMS_LEDGER_SOAK") == "1"
SAMPLED = 8


@dataclass(frozen=True)
class Cause:
    """One thing that happens, and what must be seen of it, by account.

    `hidden`: nothing tells of it, it is a residual; `explained`: by which kind of line;
    `told`: a line of this kind stands there, and explains nothing; `hint`: what is said of it.
    """

    name: str
    do: Callable[[Rig], None]
    hidden: dict[str, str] = field(default_factory=dict)
    explained: dict[str, tuple[str, str]] = field(default_factory=dict)
    told: tuple[str, str] | None = None
    hint: str = ""

    @property
    def is_inferred(self) -> bool:
        """Whether it is told from numbers alone, so that another such thing may hide it."""
        kinds = {kind for kind, _ in self.explained.values()}
        return bool(self.hidden) or bool(
            kinds & {"foreign transfer", "not billed", "transfer in doubt"}
        )


# --- what happens --------------------------------------------------------------------------


def do(made: Rig, action: str, account: str = FIRST, **parameters: Any) -> dict[str, Any]:
    return made.ovh.do(action, account=account, **parameters)


def turn(made: Rig, **knobs: str) -> None:
    made.ovh.do("knobs", knobs=",".join(f"{name}={value}" for name, value in knobs.items()))


def jobs(made: Rig) -> None:
    do(made, "send", count=3, deferred=7 * 24 * 60)


def quota(made: Rig) -> None:
    user = next(iter(made.ovh.world.accounts[SECOND].users))
    do(made, "set-quota", SECOND, user=user, credits=Decimal(9))


def refund(made: Rig) -> None:
    """Bought and read first; then money and credits go back."""
    turn(made, bill_names_credits="true", bill_quantity="credits", bill_delay_s="0")
    do(made, "panel-purchase", credits=100)
    made.ovh.do("advance", by="1h")
    made.sync()
    made.ovh.do("advance", by="2d")
    do(made, "refund")


def moving(made: Rig) -> None:
    """Messages go out all the time while it is read: nothing is concluded, nothing is lost."""
    synchronise(made, Meddler(made, 1_000))
    (row,) = made.sl("recon", "run", FIRST, "-O", "json").rows
    assert row["status"] == "moving"
    assert "timing" in {line["kind"] for line in row["lines"]}
    assert row["differences"] == []


def in_doubt(made: Rig) -> None:
    """OVH does it, and its answer is lost; both balances are looked at too early to tell."""
    made.ovh.do("fault", match="POST */transferCredits", kind="lost")
    ran = made.sl("transfer", "request", FIRST, SECOND, "20", "--yes")
    assert ran.status == 3, ran


def unreadable_bill(made: Rig) -> None:
    turn(made, bill_names_credits="false", bill_quantity="one", bill_delay_s="0")
    do(made, "panel-purchase", credits=500)


def recharge(made: Rig) -> None:
    turn(made, bill_delay_s="864000")
    owned = made.ovh.world.accounts[FIRST].milli // 1000
    do(made, "set-recharge", threshold=Decimal(owned + 50), amount=250)
    do(made, "send")
    made.ovh.do("advance", by="5m")


def panel_transfer(made: Rig) -> None:
    made.ovh.do("panel-transfer", source=FIRST, target=SECOND, credits=Decimal("12.5"))


def burn(made: Rig) -> None:
    """Replies, lookups and purchases are rows and bills: they are read, and nothing is left."""
    turn(made, bill_names_credits="true", bill_quantity="credits", bill_delay_s="0")
    do(made, "panel-purchase", credits=200)
    do(made, "reply")
    do(made, "hlr", count=3)


def cleaning(made: Rig) -> None:
    do(made, "clean", contacts=30)


def alert(made: Rig) -> None:
    user = next(iter(made.ovh.world.accounts[SECOND].users))
    do(made, "set-alert", SECOND, user=user, threshold=5_000)
    do(made, "send", SECOND, user=user)


def gift(made: Rig) -> None:
    do(made, "gift", credits=Decimal(40))


def correction(made: Rig) -> None:
    do(made, "correction", credits=Decimal("-1.55"))


def not_billed(made: Rig) -> None:
    """Sent and read first; then OVH marks it, and gives its credits back."""
    turn(made, receipt_16="refunded")
    do(made, "send", receipt=16, text="x" * 161)
    made.sync()
    made.ovh.do("advance", by="2d")
    turn(made, receipt_16="kept")


def deleted_afterwards(made: Rig) -> None:
    read = sorted(made.ovh.world.accounts[FIRST].outgoing)
    do(made, "delete-row", id=read[-5])


def deleted_before(made: Rig) -> None:
    sent = do(made, "send")
    do(made, "delete-row", id=sent["ids"][0])


def dearer(made: Rig) -> None:
    made.ovh.do("rate", country="it", credits=Decimal("0.9"))
    do(made, "send")
    made.ovh.do("rate", country="it", credits=Decimal("0.7"))


CAUSES = [
    Cause("jobs in flight", jobs, explained={FIRST: ("timing", "-2.1")}),
    Cause("quota moved", quota, told=(SECOND, "quota hold")),
    Cause("moving window", moving),
    Cause("burn that is read", burn),
    Cause("refund", refund, explained={FIRST: ("refund", "-100")}),
    Cause(
        "purchase not booked", unreadable_bill,
        explained={FIRST: ("purchase not booked", "500")},
    ),
    Cause(
        "recharge not billed", recharge,
        explained={FIRST: ("recharge not billed yet", "250")},
    ),
    Cause(
        "foreign transfer", panel_transfer,
        explained={
            FIRST: ("foreign transfer", "-12.5"), SECOND: ("foreign transfer", "12.5")
        },
    ),
    Cause("cleaning", cleaning, hidden={FIRST: "-3"}, hint="30 × 0.1"),
    Cause("alert", alert, hidden={SECOND: "-0.7"}, hint="1 × 0.7, the rate of IT"),
    Cause("gift", gift, hidden={FIRST: "40"}, hint="a gift"),
    Cause("correction", correction, hidden={FIRST: "-1.55"}),
    Cause("not billed", not_billed, explained={FIRST: ("not billed", "1.4")}),
    Cause("row vanished", deleted_afterwards, told=(FIRST, "row vanished")),
    Cause(
        "deleted before it was read", deleted_before, hidden={FIRST: "-0.7"},
        hint="whose row was deleted before it was read",
    ),
    Cause("rate surprise", dearer, told=(FIRST, "rate surprise")),
    Cause(
        "transfer in doubt", in_doubt,
        explained={
            FIRST: ("transfer in doubt", "-20"), SECOND: ("transfer in doubt", "20")
        },
    ),
]  # fmt: skip
CELLS = [(one,) for one in CAUSES] + list(combinations(CAUSES, 2))


# --- what must be seen ---------------------------------------------------------------------


@dataclass
class Expected:
    drift: Decimal = Decimal(0)
    explained: Counter[str] = field(default_factory=Counter)
    residual: Decimal = Decimal(0)


def expected(cell: tuple[Cause, ...]) -> dict[str, Expected]:
    found = {FIRST: Expected(), SECOND: Expected()}
    for cause in cell:
        for account, credits in cause.hidden.items():
            found[account].drift += Decimal(credits)
            found[account].residual += Decimal(credits)
        for account, (kind, credits) in cause.explained.items():
            found[account].drift += Decimal(credits)
            found[account].explained[kind] += Decimal(credits)
    return found


def check(made: Rig, cell: tuple[Cause, ...], *, apart: bool) -> None:
    ran = made.sl("recon", "run", "-O", "json")
    rows = {row["account"]: row for row in ran.rows}
    for account, wanted in expected(cell).items():
        row = rows[account]
        lines: Counter[str] = Counter()
        for line in row["lines"]:
            lines[line["kind"]] += Decimal(line["credits"])
        assert {
            "drift": Decimal(row["drift"]),
            "explained": {kind: credits for kind, credits in lines.items() if credits},
            "residual": Decimal(row["residual"]),
        } == {
            "drift": wanted.drift,
            "explained": dict(wanted.explained),
            "residual": wanted.residual,
        }, (account, row)
        assert Decimal(row["observed"]) - Decimal(row["ledger"]) == wanted.drift
    check_words(cell, rows, apart=apart)
    unexplained = any(cause.hidden for cause in cell)
    to_decide = any(cause.name == "purchase not booked" for cause in cell)
    assert ran.status == int(unexplained or to_decide)


def check_words(cell: tuple[Cause, ...], rows: dict[str, Any], *, apart: bool) -> None:
    for cause in cell:
        if cause.told is not None:
            account, kind = cause.told
            assert kind in {line["kind"] for line in rows[account]["lines"]}, cause.name
        for account, credits in cause.hidden.items():
            of = [one for one in rows[account]["differences"] if one["status"] == "open"]
            if apart or len(cell) == 1:
                (one,) = [one for one in of if one["credits"] == credits]
                assert cause.hint in " ".join(one["hints"]), (cause.name, one)


# --- the cells -----------------------------------------------------------------------------


class Scene:
    """A rig after its first synchronisation, to be had again and again."""

    def __init__(self, made: Rig, store: Store) -> None:
        self.made = made
        self._store = store
        self._world = deepcopy(made.ovh.world)
        store.keep(made.database, self._key)

    @property
    def _key(self) -> str:
        return f"matrix {id(self)}"

    def again(self) -> Rig:
        self._store.restore(self.made.database, self._key)
        service, world = self.made.ovh.service, deepcopy(self._world)
        with service.lock:
            service.world = service.gate.world = world
            service.clock.advance(world.now - service.clock.now)
            service.faults.waiting.clear()
        return self.made


@contextmanager
def scene(store: Store, folder: Any) -> Iterator[Scene]:
    with rig(folder, store=store) as made:
        do(made, "set-recharge", amount=0)
        do(made, "set-recharge", SECOND, amount=0)
        do(made, "purchase", credits=1000)
        do(made, "purchase", SECOND, credits=1000)
        made.ovh.do("advance", by="1h")
        made.sync()
        rates = folder / "rates.csv"
        rates.write_text("billing_country,country,credits,valid_from\nIT,IT,0.7,2022-08-05\n")
        assert made.sl("rates", "import", str(rates)).status == 0
        assert made.sl("recon", "run").status == 0
        yield Scene(made, store)


@pytest.fixture(scope="module")
def on_sqlite(sqlite, tmp_path_factory):
    with scene(sqlite, tmp_path_factory.mktemp("matrix")) as made:
        yield made


@pytest.fixture(scope="module")
def on_postgres(postgres, tmp_path_factory):
    with scene(postgres, tmp_path_factory.mktemp("matrix")) as made:
        yield made


def look(made: Rig) -> None:
    """Synchronise a while later; no transfer in doubt is settled by it."""
    made.ovh.do("advance", by="10m")
    synchronise(made, Nobody(), settle_after=timedelta(days=9))


def play(made: Rig, cell: tuple[Cause, ...]) -> None:
    """Let all of a cell happen: in one window, but for two things that are both inferred."""
    apart = sum(cause.is_inferred for cause in cell) > 1
    for cause in cell:
        made.ovh.do("advance", by="10m")
        cause.do(made)
        if apart:
            look(made)
    look(made)
    check(made, cell, apart=apart)


def name_of(cell: tuple[Cause, ...]) -> str:
    return " + ".join(cause.name for cause in cell)


@pytest.mark.parametrize("cell", CELLS, ids=name_of)
def test_every_cause_is_told_alone_and_with_any_other(on_sqlite, cell):
    play(on_sqlite.again(), cell)


SAMPLE = (
    CELLS
    if SOAK
    else [*CELLS[: len(CAUSES)], *Random(2_026).sample(CELLS[len(CAUSES) :], SAMPLED)]
)


@pytest.mark.parametrize("cell", SAMPLE, ids=name_of)
def test_it_is_the_same_on_a_server(on_postgres, cell):
    play(on_postgres.again(), cell)
