"""Which destinations' rates are worth a request to OVH."""

from __future__ import annotations

from ledger.database import Database
from projections.batch import caught_up
from projections.monthly import MONTHLY_TOTALS
from projections.tariffs import tariff


def destinations(database: Database, billing: str) -> list[str]:
    """Give where messages went, of which a rate is known, and the billing country itself."""
    known = tariff(database, billing).rates
    with caught_up(MONTHLY_TOTALS, database):
        sent = database.execute(
            "SELECT DISTINCT value FROM monthly_total WHERE dimension = 'country'"
        )
    used = {str(country) for (country,) in sent}
    return sorted({billing, *known, *(one for one in used if _is_country(one))})


def _is_country(value: str) -> bool:
    return len(value) == 2 and value != "ZZ"  # noqa: PLR2004
