"""Customers: registered once, with the zone in which their days are counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from ledger.credits import Credits
from ledger.customer import (
    Customer,
    complete_import,
    evolve,
    register,
    see_payment_methods,
    start_import,
)
from ledger.events import (
    CustomerEvent,
    CustomerRegistered,
    FromOperator,
    ImportCompleted,
    ImportStarted,
    PaymentMethodSeen,
    PaymentMethodsSeen,
    Stamp,
)

NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)
STAMP = Stamp(recorded_at=NOON, actor="anna", command_id="c0ffee", source=FromOperator())
CARD = PaymentMethodSeen(4711, "CREDIT_CARD", "VALID", True)
SEPA = PaymentMethodSeen(4712, "SEPA_DIRECT_DEBIT", "VALID", False)
FILE, OTHER_FILE = "ab" * 32, "cd" * 32


@pytest.fixture
def customer() -> Customer:
    return Customer("ab12345-ovh")


def apply(customer: Customer, events: Iterable[CustomerEvent]) -> None:
    for event in events:
        evolve(customer, event)


def registered(customer: Customer, zone: str = "Europe/Rome") -> tuple[CustomerEvent, ...]:
    return register(customer, subsidiary="IT", time_zone=zone, stamp=STAMP, at=NOON)


def seen(customer: Customer, *methods: PaymentMethodSeen) -> tuple[CustomerEvent, ...]:
    return see_payment_methods(customer, methods, stamp=STAMP, at=NOON)


def started(customer: Customer, file: str = FILE) -> tuple[CustomerEvent, ...]:
    return start_import(customer, file, rows=3, total=Credits(-180), stamp=STAMP, at=NOON)


def completed(customer: Customer, file: str = FILE) -> tuple[CustomerEvent, ...]:
    return complete_import(
        customer, file, rows=3, recorded=2, total=Credits(-180), stamp=STAMP, at=NOON
    )


def test_a_customer_is_registered_with_its_zone(customer: Customer) -> None:
    events = registered(customer)
    assert events == (
        CustomerRegistered(
            **STAMP.at(NOON),
            customer="ab12345-ovh",
            subsidiary="IT",
            time_zone="Europe/Rome",
        ),
    )
    apply(customer, events)
    assert (customer.time_zone, customer.subsidiary) == ("Europe/Rome", "IT")


def test_a_registered_customer_keeps_its_zone(customer: Customer) -> None:
    apply(customer, registered(customer))
    assert registered(customer, "Europe/Paris") == ()


def test_payment_methods_are_recorded_when_they_changed(customer: Customer) -> None:
    events = seen(customer, CARD, SEPA)
    assert events == (
        PaymentMethodsSeen(**STAMP.at(NOON), customer="ab12345-ovh", methods=(CARD, SEPA)),
    )
    apply(customer, events)
    assert seen(customer, CARD, SEPA) == ()
    assert seen(customer, SEPA) != ()


def test_that_there_is_no_payment_method_is_recorded_once_too(customer: Customer) -> None:
    assert len(seen(customer)) == 1
    apply(customer, seen(customer))
    assert seen(customer) == ()


def test_a_file_is_started_and_completed_once(customer: Customer) -> None:
    (start,) = started(customer)
    assert isinstance(start, ImportStarted)
    assert (start.sha256, start.rows, start.total) == (FILE, 3, Credits(-180))
    apply(customer, [start])
    assert customer.imports == {FILE: False}
    assert started(customer) == ()

    (end,) = completed(customer)
    assert isinstance(end, ImportCompleted)
    assert (end.sha256, end.rows, end.recorded) == (FILE, 3, 2)
    apply(customer, [end])
    assert customer.imports == {FILE: True}
    assert (started(customer), completed(customer)) == ((), ())


def test_another_file_is_another_import(customer: Customer) -> None:
    apply(customer, [*started(customer), *completed(customer)])
    assert len(started(customer, OTHER_FILE)) == 1


def test_decisions_leave_the_state_as_it_is(customer: Customer) -> None:
    registered(customer)
    seen(customer, CARD)
    started(customer)
    completed(customer)
    assert customer == Customer("ab12345-ovh")


def test_each_event_moves_the_version(customer: Customer) -> None:
    apply(customer, registered(customer))
    apply(customer, seen(customer, CARD))
    apply(customer, started(customer))
    apply(customer, completed(customer))
    assert customer.version == 4
