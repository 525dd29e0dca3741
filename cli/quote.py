"""`quote`: what credits send where, at what price, for a text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click

from cli.known_at import known_at_option
from cli.options import MOMENT, CreditsType
from cli.output import Output, show, with_output
from cli.session import Session, pass_session
from ledger.credits import Credits
from ledger.errors import LedgerError

if TYPE_CHECKING:
    from datetime import datetime

    from cli.actions.quoting import Ground
    from projections.moments import Moment
    from projections.quotes import Text

FINDINGS: Final = 1

# The guide's own example, and the least that OVH sells.
_SMALLEST_PACK: Final = 100


class CountryType(click.ParamType[Any]):
    """`IT`, in capitals or not."""

    name = "country"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        from ledger.names import country_code

        try:
            return country_code(value)
        except LedgerError as error:
            self.fail(str(error), param, ctx)


class BillingCountryType(CountryType):
    """A country where OVH bills SMS."""

    name = "billing country"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        from ledger.tariff import billing_country

        try:
            return billing_country(value)
        except LedgerError as error:
            self.fail(str(error), param, ctx)


COUNTRY: Final = CountryType()
BILLING_COUNTRY: Final = BillingCountryType()
billing_option = click.option(
    "--billing-country", "billing", type=BILLING_COUNTRY, metavar="CC",
    help="Where OVH sends the bill: ES, FR, GB, IE, IT or PL. Default: the customer's.",
)  # fmt: skip


@click.command(short_help="What credits send where, at what price, for a text.")
@click.option("--credits", "bought", type=CreditsType(above_zero=True),
              help="So many credits. Default: 100.")  # fmt: skip
@click.option("--pack", type=click.IntRange(1, 10**9), help="A pack that OVH sells.")
@click.option(
    "--to", "countries", multiple=True, type=COUNTRY, metavar="CC",
    help="A destination; may be repeated. Default: all that have a rate.",
)  # fmt: skip
@billing_option
@click.option(
    "--rates", "files", multiple=True, metavar="FILE",
    help="Rates or prices of a CSV file, not the ledger's; may be repeated.",
)  # fmt: skip
@click.option("--text", help="The text to send; without it, one part.")
@click.option("--marketing", is_flag=True, help="OVH adds its STOP clause to the text.")
@click.option(
    "--verify", is_flag=True, help="Ask OVH how it counts the text (status 1: other)."
)
@click.option("--as-of", type=MOMENT, metavar="WHEN", help="With the rates of then.")
@known_at_option
@with_output
@pass_session
def quote(
    session: Session,
    *,
    bought: Credits | None,
    pack: int | None,
    countries: tuple[str, ...],
    billing: str | None,
    files: tuple[str, ...],
    text: str | None,
    marketing: bool,
    verify: bool,
    as_of: Moment | None,
    output: Output,
) -> int:
    """Tell how many SMS a pack or a number of credits sends to each destination.

    Prices exclude VAT and fall with the quantity bought at once. A text is counted as OVH
    counts it: encoding, parts, and which characters make it dear. Rates are the ledger's
    (see `rates update`) or, with --rates, those of a file, which needs no ledger at all.

    Example: sms-ledger quote --credits 100 --to IT --to IN --text "Il tuo codice: 123456"
    """
    _require_sense(bought, pack, text, marketing=marketing, verify=verify)
    from projections.quotes import Quote, Text, Wanted, quotes, require_pack
    from projections.report import Report

    if pack is not None:
        require_pack(pack)
    measured = None if text is None else Text.of(text, stop_clause=marketing)
    ground = _ground(session, files, billing)
    wanted = Wanted(
        list(dict.fromkeys(countries)),
        bought or Credits.parse(str(pack or _SMALLEST_PACK)),
        measured,
        _moment(session, as_of, ground),
        ground.cure,
    )
    rows = quotes(ground.tariff, wanted)
    found = _verified(session, text, measured, marketing=marketing) if verify else []
    words = _words(rows, measured, found) if output.for_people else []
    report = Report(Quote, ground.position, rows, [] if output.for_people else found)
    hidden = _HIDDEN if measured else (*_HIDDEN, "encoding", "parts", "credits")
    show(report, output, command="quote", words=words, hide=hidden)
    return FINDINGS if found else 0


_HIDDEN: Final = (
    "billing_country", "pack_credits", "price_per_credit", "parts_without", "credits_without",
    "valid_from",
)  # fmt: skip


def _require_sense(
    bought: Credits | None, pack: int | None, text: str | None, *, marketing: bool, verify: bool
) -> None:
    if bought is not None and pack is not None:
        msg = "--credits cannot be combined with --pack"
        raise click.UsageError(msg)
    if text is None and (marketing or verify):
        msg = "--marketing and --verify are about a text: add --text"
        raise click.UsageError(msg)


def _ground(session: Session, files: tuple[str, ...], billing: str | None) -> Ground:
    from cli.actions.quoting import ground_of_files, ground_of_ledger
    from projections.books import log_position

    if files:
        return ground_of_files(files, billing)
    with session.for_reading() as database:
        return ground_of_ledger(database, billing, log_position(database))


def _moment(session: Session, as_of: Moment | None, ground: Ground) -> datetime:
    from ledger.times import from_us, zone, zone_of_subsidiary

    if as_of is None:
        return session.now
    place = zone(zone_of_subsidiary(ground.tariff.billing_country))
    return from_us(as_of.end_us(place) - 1)


def _verified(
    session: Session, text: str | None, measured: Text | None, *, marketing: bool
) -> list[str]:
    from cli.actions.quoting import differences
    from ledger.ovh.client import connect
    from ledger.ovh.profiles import load_profile

    assert text is not None  # noqa: S101 (`_require_sense`)
    assert measured is not None  # noqa: S101
    with connect(load_profile(session.profile, environ=os.environ)) as gateway:
        return differences(gateway, text, measured.sms, stop_clause=marketing)


def _words(rows: list[Any], measured: Text | None, found: list[str]) -> list[str]:
    from cli.quote_words import bought, sentences

    words = ["", *bought(rows)]
    if measured is not None:
        words += sentences(measured)
    return [*words, *(f"OVH counts otherwise: {one}" for one in found)]
