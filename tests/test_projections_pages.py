"""Pages as sums read them: what contradicts itself is refused, wherever it stands."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
import stores

from ledger.calendars import days, month_of
from ledger.errors import IntegrityFailure
from ledger.events import FromOperator, Stamp
from ledger.pages import Line, Texts, page_columns, record_pages
from ledger.pages.body import PageBody, digest, packed
from ledger.service import Ledger
from projections.counted import Settled
from projections.headers import headers
from projections.log import line_event
from projections.registry import registry
from projections.shares import page_shares, page_shares_and_ids, shares_of, users_of
from projections.standing import WholePage, whole_page

ACCOUNT = "sms-one-1"
AT_US = 1_793_404_800_000_000
STAMP = Stamp(
    recorded_at=datetime(2026, 11, 2, tzinfo=UTC),
    actor="drawer",
    command_id="c",
    source=FromOperator(),
)


def page(*lines, stamp=STAMP):
    (made,) = record_pages("consumption", lines, numbers="none", stamp=stamp)
    return made


def line(number, seconds=0, **labels):
    return Line(id=number, at_us=AT_US + seconds * 1_000_000, milli=100 * number, **labels)


TWO = page(line(1, tag="otp"), line(2, 5))


def with_body(body):
    """Give the page another body, and its digest."""
    stored = packed(body)
    return msgspec.structs.replace(TWO, body=stored, body_sha256=digest(stored))


def body(**columns):
    at = AT_US // 1_000_000
    return PageBody(**{"id": [1, 1], "unit_us": 1_000_000, "at": [at, 5], "milli": [100, 200],
                       **columns})  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"milli": [100]}, "a value for each of 2 lines"),
        ({"at": [1]}, "a value for each of 2 lines"),
        ({"tag": Texts(["otp"], [0])}, "a value for each of 2 lines"),
        ({"milli": [100, 201]}, "0.3 credits spent"),
        ({"at": [AT_US // 1_000_000, 6]}, "the times that the header tells"),
        ({"tag": Texts(["otp"], [0, -1])}, ">= 0"),
    ],
)
def test_columns_that_contradict_the_header_or_each_other_are_refused(columns, said):
    with pytest.raises(IntegrityFailure, match=said):
        page_shares(with_body(body(**columns)))


def test_too_few_ids_are_refused():
    with pytest.raises(IntegrityFailure, match="2 ids"):
        page_shares_and_ids(with_body(body(id=[1])))


def test_shares_are_those_of_the_whole_page_in_the_order_of_time():
    mixed = page(line(1, 9, tag="a"), line(2, 5, country="FR"), line(3, 7, batch="b", tag="a"))
    shares, whole = page_shares(mixed), shares_of(page_columns(mixed))
    assert [shares.at_us(n) for n in range(3)] == [whole.at_us(n) for n in range(3)]
    assert shares[2:] == whole[2:]
    assert list(shares.milli) == [200, 300, 100]
    assert shares.tag == Texts(["a", None], [1, 0, 0])
    assert shares.by_time(Texts(["x", "y"], [0, 1, 1])) == Texts(["x", "y"], [1, 1, 0])


def test_the_first_line_from_an_instant_on_is_found_whatever_the_unit():
    shares = page_shares(page(line(1), line(2, 5), line(3, 5), line(4, 9)))
    assert shares.unit_us == 1_000_000
    five_us = AT_US + 5_000_000
    assert [shares.first_from(at) for at in (0, AT_US, AT_US + 1, five_us)] == [0, 0, 1, 1]
    assert [shares.first_from(at) for at in (five_us + 1, five_us * 2)] == [3, 4]


def test_ids_are_read_with_the_shares():
    assert page_shares_and_ids(TWO) == (page_shares(TWO), [1, 2])
    texts = page(Line(id="a", at_us=AT_US, milli=1), Line(id="b", at_us=AT_US, milli=1))
    assert page_shares_and_ids(texts) == (page_shares(texts), ["a", "b"])


def test_the_user_of_a_line_is_who_was_named_last():
    assert users_of([1, 2], []) is None
    anna = ([1, 2], Texts(["anna"], [0, 0]))
    berta = ([2, 3], Texts(["berta"], [0, 0]))
    assert users_of([1, 2], [berta, anna]) == anna[1]
    assert users_of([1, 2, 4], [anna, berta]) == Texts(["anna", "berta", None], [0, 1, 2])


def test_a_correction_of_a_line_that_is_not_in_its_page_is_refused():
    columns = page_columns(TWO)
    whole = WholePage(columns, shares_of(columns))
    assert whole.labels(1, None) == {"tag": "otp", "country": "ZZ", "batch": "", "user": ""}
    with pytest.raises(IntegrityFailure, match="expected the corrected line 3 in its page"):
        whole.labels(3, None)


def test_movements_of_an_account_that_was_not_opened_are_refused():
    with pytest.raises(IntegrityFailure, match="expected sms-zz-9 to be opened in the log"):
        Settled({}).of("sms-zz-9")


# --- in a ledger ---------------------------------------------------------------------------


@pytest.fixture
def database(books):
    books.draw(f"customer one\naccount {ACCOUNT}\n2026-10-01 09:00 opening 100")
    long = msgspec.structs.replace(STAMP, reason="because " * 400)
    with Ledger(books.address) as ledger:
        new = [TWO, page(line(7), stamp=long)]
        ledger.work(lambda work: work.record(work.consumption(ACCOUNT), new))
    with closing(books.database()) as opened:
        yield opened


def test_headers_are_read_without_bodies_however_long_they_are(database):
    found = [(at, one.first_id, one.spent_milli) for at, one in headers(database, ACCOUNT, 2)]
    assert found == [(1, 1, 300), (2, 7, 700)]
    assert [at for at, _ in headers(database, ACCOUNT, 1)] == [1]


def test_a_header_that_cannot_be_read_is_refused(books, database):
    stores.damage(
        books.url,
        "UPDATE stored_events SET state = :state WHERE originator_id = :stream",
        state=b"{}\n",
        stream=f"{ACCOUNT}/consumption",
    )
    with pytest.raises(IntegrityFailure, match="header of a page at version 1 of sms-one-1/"):
        list(headers(database, ACCOUNT, 2))


def test_a_page_is_looked_for_where_it_stands(database):
    assert whole_page(database, ACCOUNT, 1).columns.id == [1, 2]
    with pytest.raises(IntegrityFailure, match="an event at version 9 of sms-one-1/consum"):
        line_event(database, ACCOUNT, 9)


def test_what_is_no_page_is_refused_as_one(books, database):
    books.lines[ACCOUNT] = {1: (1, line(1))}
    books.draw(f"account {ACCOUNT}\n2026-10-02 09:00 correct 1 5")
    with pytest.raises(IntegrityFailure, match=r"a page at version 3 .* sms.line-corrected.1"):
        whole_page(database, ACCOUNT, 3)


def test_an_account_that_was_never_opened_cannot_be_closed(books, database):
    books.draw(f"account {ACCOUNT}\n2026-12-02 09:00 close 99")
    stores.damage(books.url, "DELETE FROM event_log WHERE topic = 'sms.account-opened.1'")
    with pytest.raises(IntegrityFailure, match=r"expected 'sms-one-1' to be opened before"):
        registry(database, 99)


# --- local days and months -----------------------------------------------------------------


def test_a_day_that_a_zone_left_out_is_empty():
    """Apia went from the 29th to the 31st of December 2011."""
    apia = ZoneInfo("Pacific/Apia")
    first = int(datetime(2011, 12, 29, 12, tzinfo=apia).timestamp()) * 1_000_000
    last = int(datetime(2011, 12, 31, 12, tzinfo=apia).timestamp()) * 1_000_000
    spans = list(days(apia, first, last))
    assert [span.name for span in spans] == ["2011-12-29", "2011-12-30", "2011-12-31"]
    assert spans[1].start_us == spans[1].end_us == spans[2].start_us
    assert month_of(apia, last).name == "2011-12"


def test_an_hour_that_comes_again_before_midnight_is_of_the_day_that_had_begun():
    """In St. John's, clocks went back from 00:01 to 23:01."""
    zone = ZoneInfo("America/St_Johns")
    before = datetime(2010, 11, 6, 23, 30, tzinfo=zone, fold=0)
    again = datetime(2010, 11, 6, 23, 30, tzinfo=zone, fold=1)
    named = [next(days(zone, at, at)).name for at in map(_us, (before, again))]
    assert named == ["2010-11-06", "2010-11-07"]


def _us(at):
    return int(at.timestamp()) * 1_000_000
