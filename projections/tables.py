"""The tables that can be made again from the events: their columns, the key first."""

from __future__ import annotations

from typing import Final

from ledger.database import Table
from ledger.draw_blocks import LOT_DRAW_BLOCK, POSTED_DRAW_BLOCK

CUSTOMER: Final = Table(
    "customer", ("customer",), ("subsidiary", "time_zone", "registered_at_us")
)
ACCOUNT: Final = Table(
    "account",
    ("account",),
    (
        "customer", "created_on", "opened_at_us", "closed_at_us", "opening_at_us",
        "opening_milli", "moved_milli",
    ),
)  # fmt: skip
FILE_IMPORT: Final = Table(
    "file_import", ("customer", "sha256"), ("rows", "started_at_us", "completed_at_us")
)
OPEN_BREAK: Final = Table(
    "open_break", ("account", "kind", "reference"), ("opened_at_us", "credits_milli", "text")
)

MOVEMENT: Final = Table(
    "movement",
    ("position",),
    ("account", "at_us", "recorded_at_us", "kind", "milli", "reference"),
)
PAGE_SPAN: Final = Table(
    "page_span",
    ("account", "version"),
    ("kind", "first_at_us", "last_at_us", "recorded_at_us"),
)

# `sums` are of each value itself, how many, thousandths: of those from `values_from` on.
MONTH_BLOCK: Final = Table(
    "month_block",
    ("dimension", "month", "account", "values_from"),
    ("sums",),
    """ON CONFLICT (dimension, month, account, values_from) DO UPDATE SET
        sums = excluded.sums""",
    view="monthly_total",
)
# The view of it.
MONTHLY_TOTAL: Final = Table(
    "monthly_total", ("dimension", "month", "account", "value"), ("count", "milli")
)
PAGE_CHANGE: Final = Table("page_change", ("account", "page", "version"), ())

LOT: Final = Table(
    "lot",
    ("account", "lot"),
    (
        "kind", "bought_at_us", "position", "milli", "net_cents", "vat_cents", "cost_cents",
        "currency", "bill", "order_id",
    ),
)  # fmt: skip
LOT_ARRIVAL: Final = Table(
    "lot_arrival",
    ("account", "at_us", "reference", "lot_account", "lot", "first_milli"),
    ("milli",),
)
# The view of its blocks.
LOT_DRAW: Final = Table(
    "lot_draw",
    ("account", "at_us", "kind", "reference", "number"),
    ("day", "lot_account", "lot", "first_milli", "milli", "covered_at_us"),
)
LOT_SEGMENT: Final = Table(
    "lot_segment", ("account", "day", "last_at_us"), ("first_at_us", "milli")
)
LOT_MONTH: Final = Table(
    "lot_month",
    ("month", "account", "currency"),
    ("net_cents", "cost_cents", "unvalued_milli"),
)

# The same on the posted basis, of customers for whom that differs.
POSTED_CUSTOMER: Final = Table("posted_customer", ("customer",), ("ends_at_us", "differs"))
LATE_FACT: Final = Table(
    "late_fact",
    ("account", "posted_at_us", "position", "day"),
    (
        "kind", "reference", "version", "count", "milli", "first_at_us", "last_at_us",
        "recorded_at_us",
    ),
)  # fmt: skip
POSTED_LOT: Final = Table("posted_lot", LOT.key, LOT.values)
POSTED_ARRIVAL: Final = Table(
    "posted_arrival", LOT_ARRIVAL.key, (*LOT_ARRIVAL.values, "happened_at_us")
)
POSTED_DRAW: Final = Table(
    "posted_draw",
    ("account", "at_us", "happened_at_us", "kind", "reference", "number"),
    LOT_DRAW.values,
)
POSTED_SEGMENT: Final = Table("posted_segment", LOT_SEGMENT.key, LOT_SEGMENT.values)
POSTED_MONTH: Final = Table("posted_month", (*LOT_MONTH.key, "stands_as"), LOT_MONTH.values)

# A table comes before those that it refers to.
BOOKS: Final = (FILE_IMPORT, OPEN_BREAK, ACCOUNT, CUSTOMER)
REGISTER: Final = (MOVEMENT, PAGE_SPAN)
MONTHLY: Final = (MONTH_BLOCK, PAGE_CHANGE)
POSTED: Final = (
    POSTED_LOT, POSTED_ARRIVAL, POSTED_DRAW_BLOCK, POSTED_SEGMENT, POSTED_MONTH, LATE_FACT,
)  # fmt: skip
LOTS: Final = (
    LOT, LOT_ARRIVAL, LOT_DRAW_BLOCK, LOT_SEGMENT, LOT_MONTH, POSTED_CUSTOMER, *POSTED,
)  # fmt: skip
