"""Files of rates and prices: read whole, or refused with the line, the column and the cure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ledger.errors import BadFile
from ledger.files import rate_rows
from ledger.files.origin import open_origin
from ledger.files.rate_rows import read_rate_file

RATES = "billing_country,country,credits,valid_from\n"
PRICES = "billing_country,quantity_min,quantity_max,credit_price,currency,valid_from\n"


def read(tmp_path, text: str | bytes, name: str = "rates.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with open_origin(str(path)) as origin:
        return read_rate_file(origin)


def test_rows_of_one_date_and_billing_country_belong_together(tmp_path):
    found = read(
        tmp_path,
        RATES
        + "IT,IT,0.7,2022-08-05\nfr,in,2.15,2026-10-01\n\nIT,IN,0.4,2022-08-05\n"
        + "IT,IN,0.1,2020-01-01T00:00:00+01:00\n",
    )
    assert [(g.billing_country, g.since, g.lines, [str(r.credits) for r in g.values])
            for g in found.rates] == [
        ("FR", datetime(2026, 9, 30, 22, tzinfo=UTC), [3], ["2.15"]),
        ("IT", datetime(2019, 12, 31, 23, tzinfo=UTC), [6], ["0.1"]),
        ("IT", datetime(2022, 8, 4, 22, tzinfo=UTC), [2, 5], ["0.7", "0.4"]),
    ]  # fmt: skip
    assert found.billing_countries == ["FR", "IT"]
    assert found.tiers == []


def test_columns_may_stand_in_any_order_with_blanks_around_and_a_bom(tmp_path):
    text = "\ufeffvalid_from,credits,country,billing_country\r\n2026-01-01, 0.7 ,IT,IT\r\n"
    (group,) = read(tmp_path, text).rates
    assert str(group.values[0].credits) == "0.7"


def test_tiers_have_an_inclusive_minimum_and_an_exclusive_maximum_or_none(tmp_path):
    rows = "IT,500,,0.058,EUR,2026-01-01\nIT,100,500,0.06,EUR,2026-01-01\n"
    (group,) = read(tmp_path, PRICES + rows).tiers
    assert [(t.quantity_min, t.quantity_max, str(t.credit_price)) for t in group.values] == [
        (500, None, "0.058 EUR"), (100, 500, "0.06 EUR"),
    ]  # fmt: skip


BAD = [
    (RATES + "IT,IT,0,2026-01-01\n", "line 2, column credits: expected more than 0 credits"),
    (RATES + "IT,IT,0.0001,2026-01-01\n", "line 2, column credits: expected credits with at"
     " most three decimals, found '0.0001'"),
    (RATES + "IT,IT,-1,2026-01-01\n", "line 2, column credits: expected credits as digits"),
    (RATES + "IT,IT,,2026-01-01\n", "line 2, column credits: expected credits as digits"),
    (RATES + "IT,IT,\"0,7\",2026-01-01\n", "line 2, column credits: .* found '0,7'"),
    (RATES + "IT,ITA,0.7,2026-01-01\n", "line 2, column country: expected a country of two"
     " letters like IT, found 'ITA'"),
    (RATES + ",IT,0.7,2026-01-01\n", "line 2, column billing_country: .* found ''"),
    (RATES + "IT,IT,0.7,01/02/2026\n", "line 2, column valid_from: expected a time like"),
    (RATES + "IT,IT,0.7,2026-02-30\n", "line 2, column valid_from: expected a date like"),
    (RATES + "IT,IT,0.7,2026-02-01T00:00:00\n", "column valid_from: .* with its offset"),
    (RATES + "IT,IT,0.7,1999-01-01\n", "column valid_from: expected a date from 2000 on"),
    (RATES + "IT,IT,0.7\n", "line 2: expected 4 cells, as the header has, found 3"),
    (RATES + "IT,IT,0.7,2026-01-01\nIT,FR,1,2026-01-01\nIT,IT,0.7,2026-01-01\n",
     "line 4, column country: expected one rate of a country .* found IT again, as in line 2"),
    (RATES + 'IT,"IT,0.7,2026-01-01\n', "line 2: expected a row of CSV"),
    ("billing_country,country,credit,valid_from\n", "line 1, column 'credit': expected a known"
     " column, 'credits'"),
    ("billing_country,country,credits\n", "line 1: expected the header billing"),
    ("", "line 1: expected the header .* found nothing"),
    ("a;b;c\n", "line 1: expected columns separated by commas, found semicolons or tabs"),
    (b"\xff\xfea\x00", "line 1: expected UTF-8, found UTF-16"),
    (RATES.encode() + b"IT,IT,0.7,2026-01-0\xe9\n", "line 2: expected UTF-8, found byte 0xe9"),
    (PRICES + "IT,0,,0.06,EUR,2026-01-01\n", "column quantity_min: expected a whole number"),
    (PRICES + "IT,1.5,,0.06,EUR,2026-01-01\n", "column quantity_min: expected a whole number"),
    (PRICES + "IT,100,100,0.06,EUR,2026-01-01\n", "column quantity_max: expected nothing, or"
     " more than the minimum of 100, found 100"),
    (PRICES + "IT,100,,6 EUR,EUR,2026-01-01\n", "column credit_price: expected an amount"),
    (PRICES + "IT,100,,0,EUR,2026-01-01\n", "column credit_price: expected a price above 0"),
    (PRICES + "IT,100,,0.06,euro,2026-01-01\n", "column currency: expected a currency of"),
    (PRICES + "IT,100,600,0.06,EUR,2026-01-01\nIT,500,,0.05,EUR,2026-01-01\n",
     "line 3, column quantity_min: expected tiers that do not overlap, found 500, which line 2"
     " covers"),
    (PRICES + "IT,100,,0.06,EUR,2026-01-01\nIT,500,,0.05,EUR,2026-01-01\n",
     "line 3, column quantity_min: expected tiers that do not overlap"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_bad_row_is_refused_with_its_place(tmp_path, text, message):
    with pytest.raises(BadFile, match=message):
        read(tmp_path, text)


def test_a_file_of_another_nature_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(rate_rows, "_LARGEST", 10)
    with pytest.raises(BadFile, match="expected a file of at most 10 bytes, found one of"):
        read(tmp_path, RATES)
