"""`whoami`: who a profile is at OVH, what it may do there, and until when."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from cli.login import accounts_option, profile_option, with_option
from cli.output import Output, show, show_words, with_output
from cli.session import Session, pass_session
from projections.report import NESTED, Report

if TYPE_CHECKING:
    from ledger.ovh.access import Access
    from ledger.ovh.rights import Judged

_WORDS: Final = {
    "needed": "granted, needed",
    "transfers": "granted, for transfers",
    "recharge": "granted, for recharge",
    "quotes": "granted, for quotes",
    "logs": "granted, for logs",
    "more": "granted, more than needed",
    "missing": "MISSING",
    "optional": "missing, optional",
}


@dataclass(frozen=True, slots=True)
class Who:
    """One profile. `days_left` is None where the key has no end, or none that OVH tells."""

    profile: str
    customer: str | None
    access: str
    expires_at: datetime | None
    days_left: int | None
    expires_soon: bool
    missing: int
    more: int
    rules: tuple[Judged, ...] = field(metadata=NESTED)


@click.command(short_help="Who the key belongs to, what it may do, until when.")
@profile_option
@with_option
@accounts_option
@click.option(
    "--warn-days", type=click.IntRange(0, 3650), default=14, show_default=True,
    help="Status 1 when the key expires within so many days.",
)  # fmt: skip
@with_output
@pass_session
def whoami(
    session: Session,
    *,
    own_profile: str | None,
    features: tuple[str, ...],
    accounts: tuple[str, ...],
    warn_days: int,
    output: Output,
) -> int:
    """Show the customer, the rules that the key holds, what is missing, and when it expires.

    Rules for transfers, recharge, quotes and logs are asked for by --with. A service account
    has no list of rules: each call that reads is tried, and what is missing is named as IAM
    names it.

    Status 1: something required is missing, or the key expires within --warn-days.

    Example: sms-ledger --profile acme whoami
    """
    from ledger.ovh.access import look
    from ledger.ovh.client import connect
    from ledger.ovh.profiles import load_profile
    from ledger.ovh.rights import FEATURES as KNOWN

    profile = load_profile(own_profile or session.profile, environ=os.environ)
    wanted = [one for one in KNOWN if one in features]
    with connect(profile) as client:
        who = _who(profile.name, look(client, features=wanted, accounts=accounts), warn_days)
    report = Report(Who, None, [who], list(_notes(who)))
    if output.for_people:
        show_words(report, output, list(_lines(who)))
    else:
        show(report, output, command="whoami")
    return 1 if who.missing or who.expires_soon else 0


def _who(profile: str, access: Access, warn_days: int) -> Who:
    left = None if access.expires_at is None else (access.expires_at - access.now).days
    standings = [rule.standing for rule in access.rules]
    return Who(
        profile=profile,
        customer=access.customer,
        access="service account" if access.is_service_account else "application key",
        expires_at=access.expires_at,
        days_left=left,
        expires_soon=left is not None and left < warn_days,
        missing=standings.count("missing"),
        more=standings.count("more"),
        rules=access.rules,
    )


def _notes(who: Who) -> Iterator[str]:
    if who.expires_soon:
        yield (
            f"the key expires in {who.days_left} days: run"
            f" `sms-ledger --profile {who.profile} login`"
        )
    if who.missing:
        rules = "1 rule is" if who.missing == 1 else f"{who.missing} rules are"
        yield f"{rules} missing that the ledger needs: run login again"
    if who.more:
        rules = "1 rule grants" if who.more == 1 else f"{who.more} rules grant"
        yield f"{rules} more than the ledger needs: login asks for the least"


def _lines(who: Who) -> Iterator[str]:
    from cli.tables import draw

    until = "has no end" if who.expires_at is None else _until(who)
    facts = (
        ("profile", who.profile),
        ("customer", who.customer or "not told: the rule GET /me is missing"),
        ("access", who.access),
        ("expires", "not told" if who.access == "service account" else until),
    )
    yield draw(("", ""), facts)
    yield ""
    rows = [(f"{one.method} {one.path}", _WORDS[one.standing], one.text) for one in who.rules]
    yield draw(("rule", "standing", "for"), rows)


def _until(who: Who) -> str:
    assert who.expires_at is not None  # noqa: S101 (for the type checker)
    return f"{who.expires_at:%Y-%m-%d %H:%M} UTC, in {who.days_left} days"
