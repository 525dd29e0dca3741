"""The seals of the log: carried on with every event, shown by every report."""

from __future__ import annotations

from contextlib import closing

import pytest
from books import Books
from stores import damage

from ledger.merkle import Anchor, Chain, Frontier, root_of
from projections.checkpoints import checkpoints

STORY = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    customer cd67890-ovh Europe/Paris
    account sms-cd67890-1
    2026-10-02 11:00 opening 5
"""
MORE = """
    2026-10-03 11:00 gift 1 g-1
"""


@pytest.fixture
def story(books):
    return books.draw(STORY)


def leaves(books, where="true"):
    found = books.table(f"SELECT leaf FROM event_log WHERE {where} ORDER BY position")
    return [bytes(leaf) for (leaf,) in found]


def heads(books):
    rows = books.table("SELECT tree, size, root, frontier FROM tree_head")
    return {tree: (Anchor(size, bytes(root)), bytes(state)) for tree, size, root, state in rows}


@pytest.mark.parametrize("together", [False, True])
def test_every_event_grows_the_tree_of_the_ledger_and_that_of_its_customer(books, together):
    books.draw(STORY, together=together)
    found = heads(books)
    assert {tree: anchor.size for tree, (anchor, _) in found.items()} == {
        "": 7,
        "ab12345-ovh": 4,
        "cd67890-ovh": 3,
    }
    for tree, (anchor, state) in found.items():
        its = leaves(books, f"customer = '{tree}'" if tree else "true")
        assert anchor == Anchor(len(its), root_of(its))
        assert Frontier(len(its), state).root() == anchor.root


def test_every_event_is_a_link_of_the_chain(story):
    chain, links = Chain(), story.table("SELECT digest FROM event_chain ORDER BY position")
    assert [bytes(link) for (link,) in links] == [chain.add(leaf) for leaf in leaves(story)]


def test_what_no_customer_owns_is_in_the_tree_of_the_ledger_alone(books, tmp_path):
    rates = tmp_path / "rates.csv"
    rates.write_text("billing_country,country,credits,valid_from\nIT,IT,0.7,2026-01-01\n")
    assert books.type("rates", "import", str(rates)).status == 0
    assert [(tree, anchor.size) for tree, (anchor, _) in heads(books).items()] == [("", 1)]


def test_every_report_shows_the_checkpoint_of_what_it_knew(story):
    anchor = str(Anchor(7, root_of(leaves(story))))
    document = story.type("bal", "-O", "json").document
    assert document["checkpoint"] == anchor
    assert document["checkpoint_at"] == "2026-11-02T08:00:07+00:00"
    assert story.type("bal").out.endswith(
        f"\nlog position 7\ncheckpoint {anchor} 2026-11-02T08:00:07Z\n"
    )


def test_a_statement_shows_the_checkpoint_of_its_customer_too(story):
    whole = str(Anchor(7, root_of(leaves(story))))
    own = str(Anchor(4, root_of(leaves(story, "customer = 'ab12345-ovh'"))))
    document = story.type("stmt", "sms-ab12345-1", "-O", "json").document
    assert (document["checkpoint"], document["customer_checkpoint"]) == (whole, own)
    assert f"\ncheckpoint of ab12345-ovh {own} " in story.type("stmt", "sms-ab12345-1").out


def test_an_empty_ledger_has_no_checkpoint(books):
    assert books.type("bal").out == "nothing to show\nlog position 0\n"


def test_a_checkpoint_of_the_past_is_what_it_was(story):
    for position in range(1, 8):
        with closing(story.database()) as database:
            whole, *own = checkpoints(database, position, account="sms-cd67890-1")
        assert str(whole) == str(Anchor(position, root_of(leaves(story)[:position])))
        its = leaves(story, f"customer = 'cd67890-ovh' AND position <= {position}")
        assert [str(one) for one in own] == [str(Anchor(len(its), root_of(its)))][: len(its)]


def test_a_head_that_is_no_digest_is_computed_anew_for_a_report(sqlite_books):
    story = sqlite_books.draw(STORY)
    before = story.type("bal").out
    damage(story.url, "UPDATE tree_head SET root = 'text'")
    assert story.type("bal").out == before


def test_anchors_hold_where_a_ledger_was_moved_to(story, sqlite, tmp_path):
    document = story.type("stmt", "sms-cd67890-1", "-O", "json").document
    dump = str(tmp_path / "ledger.jsonl")
    assert story.type("dump", dump).status == 0
    with sqlite.ledger() as url:
        moved = Books(url)
        assert moved.type("load", dump).status == 0
        own = f"cd67890-ovh={document['customer_checkpoint']}"
        for anchor in (document["checkpoint"], own):
            assert moved.type("audit", "verify", "--expect", anchor).status == 0


def test_the_anchor_of_a_customer_holds_where_it_was_moved_to_alone(story, sqlite, tmp_path):
    document = story.type("stmt", "sms-cd67890-1", "-O", "json").document
    dump = str(tmp_path / "ledger.jsonl")
    assert story.type("dump", dump, "--customer", "cd67890-ovh").status == 0
    with sqlite.ledger() as url:
        moved = Books(url)
        assert moved.type("load", dump).status == 0
        own = f"cd67890-ovh={document['customer_checkpoint']}"
        assert moved.type("audit", "verify", "--expect", own).status == 0
        assert moved.type("audit", "verify", "--expect", document["checkpoint"]).status == 4


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM tree_head",
        "DELETE FROM event_chain WHERE position = 7",
        "UPDATE tree_head SET size = 6 WHERE tree = ''",
        "UPDATE tree_head SET frontier = root WHERE tree = ''",
    ],
)
def test_nothing_is_recorded_upon_a_broken_seal(story, sql):
    damage(story.url, sql)
    with pytest.raises(Exception, match=r"audit verify"):
        story.draw(MORE)
    assert len(leaves(story)) == 7
