"""Rates and prices as the ledger holds them, read by plain SQL."""

from __future__ import annotations

from ledger.canonical import decode
from ledger.database import Rows
from ledger.events import PacksSeen, RatesSeen
from ledger.names import rates_stream
from ledger.tariff import Tariff


def tariff(rows: Rows, billing_country: str) -> Tariff:
    """Give all that is recorded of one billing country; nothing where nothing is."""
    found = Tariff(billing_country)
    for topic, state in rows.execute(
        "SELECT topic, state FROM stored_events WHERE originator_id = :stream"
        " ORDER BY originator_version",
        stream=rates_stream(billing_country),
    ):
        event = decode(topic, state)
        if isinstance(event, RatesSeen | PacksSeen):
            found.take(event)
    return found


def billing_countries(rows: Rows) -> list[str]:
    """Give the billing countries of which something is recorded."""
    found = rows.execute(
        "SELECT DISTINCT stream FROM event_log WHERE topic IN (:rates, :packs) ORDER BY stream",
        rates=RatesSeen.TOPIC,
        packs=PacksSeen.TOPIC,
    )
    return [str(stream).partition("/")[2] for (stream,) in found]


def subsidiaries(rows: Rows) -> list[str]:
    """Give the countries in which the ledger's customers are billed, as far as known."""
    found = rows.execute(
        "SELECT DISTINCT subsidiary FROM customer WHERE subsidiary IS NOT NULL ORDER BY 1"
    )
    return [str(subsidiary) for (subsidiary,) in found]
