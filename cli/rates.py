"""`rates`: what OVH asks for an SMS to each country and for a credit, kept with its dates."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import MOMENT, reason_option
from cli.output import Output, show, with_output
from cli.quote import BILLING_COUNTRY, COUNTRY
from cli.session import Session, pass_session
from projections.words import many

if TYPE_CHECKING:
    from ledger.ovh.gateway import Gateway
    from ledger.sync.rates import Seen
    from projections.moments import Moment

_billing_countries = click.option(
    "--billing-country", "billing", multiple=True, type=BILLING_COUNTRY, metavar="CC",
    help="Only where OVH bills there; may be repeated.",
)  # fmt: skip
_as_of = click.option("--as-of", type=MOMENT, metavar="WHEN", help="What was in force then.")


@click.group(short_help="OVH's rates and prices: read, kept with their dates, compared.")
def rates() -> None:
    """OVH's rates (credits per SMS, by destination) and prices (money per credit, by quantity).

    They differ by the country where OVH bills, and change: each change is kept with its date.
    """


@rates.command(short_help="Read what OVH asks now; record what changed.")
@click.option(
    "--billing-country", "billing", multiple=True, type=BILLING_COUNTRY, metavar="CC",
    help="Where OVH sends the bill; may be repeated. Default: the profile's customer's.",
)  # fmt: skip
@click.option(
    "--to", "countries", multiple=True, type=COUNTRY, metavar="CC",
    help="This destination; may be repeated. Default: those in use.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Every country: some 245 requests.")
@reason_option("Kept with every event that is recorded.")
@pass_session
def update(
    session: Session,
    *,
    billing: tuple[str, ...],
    countries: tuple[str, ...],
    every: bool,
    reason: str | None,
) -> int:
    """Read rates and prices from OVH, and record what changed since they were read last.

    OVH tells one destination per request. Without --to those are read that messages were sent
    to, those whose rate is known, and the billing country itself.

    Example: sms-ledger rates update --to IT --to IN
    """
    from cli.actions.rating import destinations
    from ledger.countries import all_countries
    from ledger.ovh.client import connect
    from ledger.ovh.profiles import load_profile
    from ledger.sync.rates import RatesUpdate

    if every and countries:
        msg = "--all cannot be combined with --to"
        raise click.UsageError(msg)
    with connect(load_profile(session.profile, environ=os.environ)) as gateway:
        reading = RatesUpdate(
            gateway, session.ledger, stamp=partial(session.stamp, reason=reason)
        )
        for country in billing or (_billed(gateway),):
            named = countries or (all_countries() if every else None)
            seen = reading.run(country, named or destinations(session.database, country))
            _tell(seen, asked=set(countries))
        requests = many(gateway.requests, "request")
    click.echo(f"{requests} to OVH", err=True)
    return 0


def _billed(gateway: Gateway) -> str:
    """Ask OVH where the profile's customer is billed. Raises Misuse where that is unknown."""
    from ledger.errors import Misuse, OvhRightMissing
    from ledger.tariff import BILLING_COUNTRIES

    choices = ", ".join(BILLING_COUNTRIES)
    try:
        found = gateway.me().ovhSubsidiary
    except OvhRightMissing:
        found = "no right to read /me"
    if found in BILLING_COUNTRIES:
        return found
    msg = (
        f"expected a customer billed where OVH sells SMS ({choices}), found {found}: type"
        " `--billing-country CC`"
    )
    raise Misuse(msg)


def _tell(seen: Seen, *, asked: set[str]) -> None:
    read, changed = len(seen.rates), len(seen.changed)
    named = f" ({', '.join(seen.changed[:10])}{', …' if changed > 10 else ''})"  # noqa: PLR2004
    what = f"{changed} new or changed{named}" if changed else "none changed"
    prices = "prices recorded" if seen.prices_changed else "prices unchanged"
    click.echo(f"{seen.billing_country}: {many(read, 'rate')} read, {what}; {prices}")
    for country in seen.unknown:
        if country in asked:
            click.echo(
                f"note: OVH gives no rate of {country} for {seen.billing_country}", err=True
            )


@rates.command("show", short_help="The rates in force, by destination.")
@_billing_countries
@click.option(
    "--to", "countries", multiple=True, type=COUNTRY, metavar="CC", help="Only this one."
)
@_as_of
@known_at_option
@with_output
@pass_session
def show_(
    session: Session,
    *,
    billing: tuple[str, ...],
    countries: tuple[str, ...],
    as_of: Moment | None,
    output: Output,
) -> None:
    """Show what one SMS to each country takes, in credits, and since when.

    Example: sms-ledger rates show --billing-country IT --as-of 2026-10-31
    """
    from projections.rates import show_rates

    now = session.now
    with session.for_reading() as database:
        report = show_rates(database, billing, countries, as_of=as_of, now=now)
    show(report, output, command="rates-show")


@rates.command(short_help="The prices in force, by quantity.")
@_billing_countries
@_as_of
@known_at_option
@with_output
@pass_session
def packs(
    session: Session, *, billing: tuple[str, ...], as_of: Moment | None, output: Output
) -> None:
    """Show what a credit costs, excluding VAT, by how many are bought at once.

    A minimum is part of its tier, a maximum is not.

    Example: sms-ledger rates packs --billing-country IT
    """
    from projections.rates import show_packs

    with session.for_reading() as database:
        report = show_packs(database, billing, as_of=as_of, now=session.now)
    show(report, output, command="rates-packs")


@rates.command(short_help="What changed between two dates, or last.")
@click.argument("before", type=MOMENT, required=False)
@click.argument("after", type=MOMENT, required=False)
@_billing_countries
@known_at_option
@with_output
@pass_session
def diff(
    session: Session,
    *,
    before: Moment | None,
    after: Moment | None,
    billing: tuple[str, ...],
    output: Output,
) -> None:
    """Compare the rates and prices of BEFORE with those of AFTER, by default now.

    Without dates: what the latest change of each billing country brought.

    Example: sms-ledger rates diff 2025-12-31 2026-10-31
    """
    from projections.rates import diff as compare

    now = session.now
    with session.for_reading() as database:
        report = compare(database, billing, before=before, after=after, now=now)
    show(report, output, command="rates-diff")


@rates.command("import", short_help="Record the rates or the prices of a file.")
@click.argument("file")
@reason_option("Kept with every event that is recorded.")
@pass_session
def import_(session: Session, *, file: str, reason: str | None) -> None:
    """Record the rates or the prices of FILE (- is standard input), whole or not at all.

    Columns: billing_country,country,credits,valid_from or, for prices,
    billing_country,quantity_min,quantity_max,credit_price,currency,valid_from. A maximum is
    exclusive, and empty where there is none. Importing a file again records nothing.

    Example: sms-ledger rates import rates-2026.csv
    """
    from ledger.files.origin import open_origin
    from ledger.files.rate_import import record_rates
    from ledger.files.rate_rows import read_rate_file

    with open_origin(file) as origin:
        read = read_rate_file(origin)
    found = record_rates(session.ledger, read, partial(session.stamp, reason=reason))
    known = found.rows - found.recorded
    click.echo(
        f"{read.name}: {found.rows} rows, {found.recorded} recorded, {known} already known"
    )
