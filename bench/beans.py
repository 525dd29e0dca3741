"""Balances of a beancount journal, as its own tools come to them: load, then add up.

Usage: python -m bench.beans JOURNAL
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from decimal import Decimal
from typing import Any


def main() -> None:
    from beancount.core.data import Transaction
    from beancount.loader import load_file

    entries: list[Any]
    entries, errors, _ = load_file(sys.argv[1])
    if errors:
        sys.exit(str(errors[0]))
    sums: dict[str, Any] = defaultdict(Decimal)
    for entry in entries:
        if isinstance(entry, Transaction):
            for posting in entry.postings:
                amount: Any = posting.units
                sums[posting.account] += amount.number
    print(json.dumps({account: str(sum) for account, sum in sums.items()}))


if __name__ == "__main__":
    main()
