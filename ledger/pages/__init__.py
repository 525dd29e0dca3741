"""Pages: consumption lines as compact columns, readable with any zlib and JSON tool.

A page is an event whose body is made here (`body` says of what). Lines go in and come out as
columns, without an object for each; those who look at single lines ask for `Line`s.
"""

from __future__ import annotations

from ledger.pages.columns import (
    Columns,
    Line,
    LineId,
    Texts,
    columns_of,
    indexed,
    lines_of,
    order,
)
from ledger.pages.packing import LINES_PER_PAGE, Packed, pack, record_pages, recorded
from ledger.pages.reading import Costs, Rated, page_columns, page_costs, page_rated, unpack
from ledger.pages.users import (
    PackedUsers,
    attribute,
    attributed,
    attributed_page,
    pack_users,
    user_columns,
)

__all__ = [
    "LINES_PER_PAGE",
    "Columns",
    "Costs",
    "Line",
    "LineId",
    "Packed",
    "PackedUsers",
    "Rated",
    "Texts",
    "attribute",
    "attributed",
    "attributed_page",
    "columns_of",
    "indexed",
    "lines_of",
    "order",
    "pack",
    "pack_users",
    "page_columns",
    "page_costs",
    "page_rated",
    "record_pages",
    "recorded",
    "unpack",
    "user_columns",
]
