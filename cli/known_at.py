"""`--known-at`: any report as it was, without code of its own for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.session import Session
from ledger.errors import LedgerError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from ledger.database import Database
    from projections.knowledge import Named

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class KnownAtType(click.ParamType[Any]):
    """`57`, `57:ROOT`, `2026-10-31`, `2026-10-31T18:00:00+01:00`."""

    name = "known-at"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        from projections.knowledge import parse

        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except LedgerError as error:
            self.fail(str(error), param, ctx)


def known_at_option(command: CommandT) -> CommandT:
    """Give a report --known-at: its session's ledger, and its clock, are those of then."""

    def look_back(ctx: click.Context, _param: click.Parameter, named: Named | None) -> None:
        session = ctx.find_object(Session)
        if named is not None and session is not None:
            session.look_back(lambda: _past(session, named))

    return click.option(
        "--known-at", type=KnownAtType(), metavar="WHEN", expose_value=False,
        callback=look_back,
        help="What was known then: a log position, SIZE:ROOT, a date or a time.",
    )(command)  # fmt: skip


def _past(session: Session, named: Named) -> AbstractContextManager[tuple[Database, datetime]]:
    from cli.past_ledger import past_ledger

    return past_ledger(session, named)
