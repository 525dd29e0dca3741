"""Options that several commands share: moments, periods, ages, credits, reasons."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from ledger.errors import LedgerError

if TYPE_CHECKING:
    from ledger.credits import Credits
    from ledger.events import EntryAccount
    from ledger.merkle import Expected
    from projections.basis import Basis
    from projections.moments import Moment, Period

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

# As `projections.basis.BASES`; a test holds them together.
BASES: Final = ("posted", "happened")

_AGE = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhd])")
_UNIT_OF_AGE: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class MomentType(click.ParamType[Any]):
    """`2026-10-31` or `2026-10-31T18:00:00+01:00`."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Moment:
        from projections.moments import Moment

        if isinstance(value, Moment):
            return value
        try:
            return Moment.parse(value)
        except LedgerError as error:
            self.fail(str(error), param, ctx)


class PeriodType(click.ParamType[Any]):
    """`2026`, `2026-Q3`, `2026-10`, `2026-10-05`."""

    name = "period"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Period:
        from projections.moments import Period, parse_period

        if isinstance(value, Period):
            return value
        try:
            return parse_period(value)
        except LedgerError as error:
            self.fail(str(error), param, ctx)


class AgeType(click.ParamType[Any]):
    """`90s`, `15m`, `1h`, `2d`."""

    name = "age"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        read = _AGE.fullmatch(value)
        if read is None:
            self.fail(f"expected an age like 90s, 15m, 1h or 2d, found {value!r}", param, ctx)
        return timedelta(**{_UNIT_OF_AGE[read["unit"]]: int(read["number"])})


class PositionsType(click.ParamType[Any]):
    """`17`, `17..40`, `17..`, `..40`: positions of the log."""

    name = "positions"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int | None]:
        if isinstance(value, tuple):
            return value
        first, dots, last = value.partition("..")
        if not re.fullmatch(r"[0-9]{0,18}", first) or not re.fullmatch(r"[0-9]{0,18}", last):
            self.fail(f"expected positions like 17 or 17..40, found {value!r}", param, ctx)
        if not dots:
            last = first
        if not first and not last:
            self.fail(f"expected positions like 17 or 17..40, found {value!r}", param, ctx)
        if last and int(last) < int(first or 1):
            self.fail(f"expected positions like 17 or 17..40, found {value!r}", param, ctx)
        return int(first or 1), int(last) if last else None


class AnchorType(click.ParamType[Any]):
    """`SIZE:ROOT`, as reports end with it; `CUSTOMER=SIZE:ROOT`, as statements do."""

    name = "anchor"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Expected:
        from ledger.merkle import Expected

        if isinstance(value, Expected):
            return value
        try:
            return Expected.parse(value)
        except LedgerError as error:
            self.fail(str(error), param, ctx)


class EntryAccountType(click.ParamType[Any]):
    """`prepaid=486 Charges constatées d'avance`: an account of the customer's own books."""

    name = "account"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> EntryAccount:
        from ledger.events import ENTRY_ROLES, EntryAccount

        if isinstance(value, EntryAccount):
            return value
        value = FREE_TEXT.convert(value, param, ctx)
        name, _, account = value.partition("=")
        code, _, label = account.strip().partition(" ")
        role = next((one for one in ENTRY_ROLES if one == name.strip()), None)
        if role is None or not label.strip():
            self.fail(
                f"expected ROLE=CODE LABEL like 'expense=626 SMS', ROLE being one of"
                f" {', '.join(ENTRY_ROLES)}, found {value!r}", param, ctx,
            )  # fmt: skip
        return EntryAccount(role=role, code=code, label=label.strip())


class CreditsType(click.ParamType[Any]):
    """`250`, `12.5`; else `-12.5` too, where a rule of its own refuses what is below zero."""

    name = "credits"

    def __init__(self, *, above_zero: bool = False) -> None:
        self._above_zero = above_zero

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Credits:
        from ledger.credits import Credits

        if isinstance(value, Credits):
            return value
        try:
            credits = Credits.parse(value, signed=not self._above_zero)
        except LedgerError as error:
            self.fail(str(error), param, ctx)
        if self._above_zero and not credits:
            self.fail(f"expected more than 0 credits, found {value!r}", param, ctx)
        return credits


class FreeTextType(click.ParamType[Any]):
    """Words that go into events, which are never erased: without personal data."""

    name = "text"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        from ledger.personal import impersonal

        try:
            return impersonal(value)
        except LedgerError as error:
            self.fail(str(error), param, ctx)


MOMENT: Final = MomentType()
ENTRY_ACCOUNT: Final = EntryAccountType()
FREE_TEXT: Final = FreeTextType()


def reason_option(
    help: str = "Why; kept with the event.", **more: Any
) -> Callable[[CommandT], CommandT]:
    """Give a command --reason, which is checked before anything is done."""
    return click.option("--reason", type=FREE_TEXT, metavar="TEXT", help=help, **more)


as_of_option = click.option(
    "--as-of", type=MOMENT, metavar="WHEN",
    help="A date (its end, where the customer is) or a time with offset.",
)  # fmt: skip


customers_option = click.option(
    "--customer", "customers", multiple=True, metavar="NICHANDLE",
    help="Only this one's accounts; may be repeated.",
)  # fmt: skip


def _said(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    """Refuse a reason that says nothing: auditors read it."""
    if not text.strip():
        msg = f"expected a reason in words, found {text!r}"
        raise click.BadParameter(msg)
    return text


required_reason = reason_option(required=True, callback=_said)


def basis_option(default: Basis) -> Callable[[CommandT], CommandT]:
    """Give a command --basis; closed months are as they were closed, or as all happened."""
    return click.option(
        "--basis", type=click.Choice(BASES), default=default, show_default=True,
        help="What was recorded late for a closed month: in the month it was posted in, or when"
        " it happened.",
    )  # fmt: skip


def with_period(command: CommandT) -> CommandT:
    """Give a command -b, -e and -p; it is called with `period=Period(…)`."""

    def joined(ctx: click.Context, _param: click.Parameter, whole: Period | None) -> None:
        from projections.moments import Period

        begin, end = ctx.params.pop("begin", None), ctx.params.pop("end", None)
        if whole is not None and (begin or end):
            msg = "-p cannot be combined with -b or -e"
            raise click.UsageError(msg, ctx)
        ctx.params["period"] = whole or Period(begin, end)

    command = click.option(
        "-p", "--period", "whole", type=PeriodType(), metavar="PERIOD", expose_value=False,
        callback=joined, help="A year, quarter, month or day: 2026, 2026-Q3, 2026-10.",
    )(command)  # fmt: skip
    command = click.option(
        "-e", "--end", type=MOMENT, metavar="WHEN", is_eager=True, help="Up to, and without it."
    )(command)
    return click.option(
        "-b", "--begin", type=MOMENT, metavar="WHEN", is_eager=True, help="From its start on."
    )(command)
