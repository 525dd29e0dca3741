"""An OVH customer: who owns accounts, in which time zone its days are counted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, assert_never

from ledger.credits import Credits
from ledger.errors import InvalidValue
from ledger.events import (
    ApiCallSeen,
    ApiCallsSeen,
    CustomerEvent,
    CustomerRegistered,
    EntryAccount,
    EntryAccountsSet,
    ImportCompleted,
    ImportStarted,
    PaymentMethodSeen,
    PaymentMethodsSeen,
    Stamp,
    VatRecoverySet,
)

_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,4})?")
_ALL: Final = Decimal(100)

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,31}")
_LONGEST_LABEL: Final = 80
_SEPARATORS: Final = frozenset("|;\t")


@dataclass(slots=True)
class Customer:
    """The state of one customer; `imports` tells of each file whether it is complete.

    `methods` are the payment methods that were seen last, `methods_seen` all, with their time;
    `recovered` tells from when on which per cent of the VAT is got back, `entry_accounts` which
    accounts of its own books its entries use, by role.
    """

    name: str
    version: int = 0
    time_zone: str | None = None
    subsidiary: str | None = None
    methods: tuple[PaymentMethodSeen, ...] | None = None
    methods_seen: list[tuple[datetime, tuple[PaymentMethodSeen, ...]]] = field(
        default_factory=list
    )
    imports: dict[str, bool] = field(default_factory=dict)
    calls: set[int] = field(default_factory=set)
    recovered: dict[datetime, str] = field(default_factory=dict)
    entry_accounts: dict[datetime, dict[str, EntryAccount]] = field(default_factory=dict)

    def methods_at(self, at: datetime) -> tuple[PaymentMethodSeen, ...] | None:
        """Give the payment methods that were seen last before a moment, or at it."""
        before = [one for one in self.methods_seen if one[0] <= at]
        return max(before, key=lambda one: one[0])[1] if before else None


def evolve(customer: Customer, event: CustomerEvent) -> None:
    """Apply the next event of the customer's stream."""
    customer.version += 1
    match event:
        case CustomerRegistered():
            customer.time_zone = event.time_zone
            customer.subsidiary = event.subsidiary
        case PaymentMethodsSeen():
            customer.methods = event.methods
            customer.methods_seen.append((event.happened_at, event.methods))
        case ImportStarted():
            customer.imports[event.sha256] = False
        case ImportCompleted():
            customer.imports[event.sha256] = True
        case ApiCallsSeen():
            customer.calls.update(call.log_id for call in event.calls)
        case VatRecoverySet():
            customer.recovered[event.happened_at] = event.recoverable
        case EntryAccountsSet():
            known = customer.entry_accounts.setdefault(event.happened_at, {})
            known.update({account.role: account for account in event.accounts})
        case _:
            assert_never(event)


def register(
    customer: Customer, *, subsidiary: str | None, time_zone: str, stamp: Stamp, at: datetime
) -> tuple[CustomerEvent, ...]:
    """Enter a customer with its time zone, once: every day and month is counted in it."""
    if customer.time_zone is not None:
        return ()
    return (
        CustomerRegistered(
            **stamp.at(at), customer=customer.name, subsidiary=subsidiary, time_zone=time_zone
        ),
    )


def see_payment_methods(
    customer: Customer, methods: tuple[PaymentMethodSeen, ...], *, stamp: Stamp, at: datetime
) -> tuple[CustomerEvent, ...]:
    """Record the payment methods where they differ from those seen last."""
    if customer.methods == methods:
        return ()
    return (PaymentMethodsSeen(**stamp.at(at), customer=customer.name, methods=methods),)


def see_calls(
    customer: Customer, calls: Iterable[ApiCallSeen], *, stamp: Stamp, at: datetime
) -> tuple[CustomerEvent, ...]:
    """Record calls of OVH's log, each once."""
    new = tuple(call for call in calls if call.log_id not in customer.calls)
    if not new:
        return ()
    return (ApiCallsSeen(**stamp.at(at), customer=customer.name, calls=new),)


def start_import(
    customer: Customer, sha256: str, *, rows: int, total: Credits, stamp: Stamp, at: datetime
) -> tuple[CustomerEvent, ...]:
    """Say that a file is being recorded; a file that was started goes on."""
    if sha256 in customer.imports:
        return ()
    return (
        ImportStarted(
            **stamp.at(at), customer=customer.name, sha256=sha256, rows=rows, total=total
        ),
    )


def complete_import(
    customer: Customer,
    sha256: str,
    *,
    rows: int,
    recorded: int,
    total: Credits,
    stamp: Stamp,
    at: datetime,
) -> tuple[CustomerEvent, ...]:
    """Say that a file is recorded whole."""
    if customer.imports.get(sha256):
        return ()
    return (
        ImportCompleted(
            **stamp.at(at),
            customer=customer.name,
            sha256=sha256,
            rows=rows,
            recorded=recorded,
            total=total,
        ),
    )


def set_vat_recovery(
    customer: Customer, recoverable: str, *, stamp: Stamp, at: datetime
) -> tuple[CustomerEvent, ...]:
    """Say which per cent of the VAT is got back on lots bought from then on.

    The same again from the same moment records nothing. Raises InvalidValue.
    """
    if customer.recovered.get(at) == recoverable:
        return ()
    if not _PERCENT.fullmatch(recoverable) or Decimal(recoverable) > _ALL:
        msg = f"expected a per cent from 0 to 100 like 100 or 37.5, found {recoverable!r}"
        raise InvalidValue(msg)
    return (VatRecoverySet(**stamp.at(at), customer=customer.name, recoverable=recoverable),)


def set_entry_accounts(
    customer: Customer, accounts: Sequence[EntryAccount], *, stamp: Stamp, at: datetime
) -> tuple[CustomerEvent, ...]:
    """Say which accounts of its own books the customer's entries use from then on.

    What is set so from the same moment records nothing. Raises InvalidValue.
    """
    roles = [account.role for account in accounts]
    for account in accounts:
        _require_writable(account)
        if roles.count(account.role) > 1:
            msg = f"expected one account for {account.role}, found {roles.count(account.role)}"
            raise InvalidValue(msg)
    known = customer.entry_accounts.get(at, {})
    new = tuple(one for one in accounts if known.get(one.role) != one)
    if not new:
        return ()
    return (EntryAccountsSet(**stamp.at(at), customer=customer.name, accounts=new),)


def _require_writable(account: EntryAccount) -> None:
    """Refuse what a file of entries could not hold as one field."""
    if not _CODE.fullmatch(account.code):
        msg = f"expected the code of an account like 486 or 18.02, found {account.code!r}"
        raise InvalidValue(msg)
    label = account.label
    is_plain = label.isprintable() and not _SEPARATORS & set(label)
    if not label or len(label) > _LONGEST_LABEL or not is_plain:
        msg = (
            f"expected a label of 1 to {_LONGEST_LABEL} characters without ; and |,"
            f" found {label!r:.100}"
        )
        raise InvalidValue(msg)
