"""What happened to the credits of a customer, as lots see it: bought, sent, given back.

Bills, gifts, transfers and openings of all its accounts, from their events; what messages used
is told by `lot_segments`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ledger.calendars import day_of
from ledger.canonical import decode
from ledger.credits import Credits
from ledger.database import Rows
from ledger.events import (
    BalanceOpened,
    BillLineSeen,
    CreditsAdjusted,
    CreditsPurchased,
    CreditsRefunded,
    DrawKind,
    LedgerEvent,
    OpeningCostStated,
    OpeningRestated,
    PurchaseAttributed,
    TransferReceived,
    TransferSent,
    VatRecoverySet,
)
from ledger.lots import (
    BEFORE_THE_BOOKS,
    OUT,
    Bought,
    Item,
    Left,
    LotId,
    Piece,
    Sent,
    opening_pieces,
)
from ledger.names import customer_stream
from ledger.times import to_us, zone
from projections.bill_lines import bill_lines, bought_at, priced
from projections.lot_vat import cents_of, vat_of_lines
from projections.posting import Opening
from projections.rounding import nearest
from projections.stream_events import stream_events

OPENING: Final = "opening+balance"

_TOPICS: Final = tuple(
    kind.TOPIC
    for kind in (
        BalanceOpened, OpeningRestated, OpeningCostStated, CreditsPurchased,
        BillLineSeen, PurchaseAttributed, CreditsRefunded, CreditsAdjusted, TransferSent,
        TransferReceived,
    )
)  # fmt: skip


class LotRow(NamedTuple):
    """A lot as it is kept; money in cents of its currency, None where it is not known.

    `cost_cents` is the net with the VAT that is not got back.
    """

    account: str
    lot: str
    kind: str
    bought_at_us: int
    position: int
    milli: int
    net_cents: int | None = None
    vat_cents: int | None = None
    cost_cents: int | None = None
    currency: str | None = None
    bill: str | None = None
    order_id: int | None = None

    @property
    def id(self) -> LotId:
        return LotId(self.account, self.lot)

    @property
    def piece(self) -> Piece:
        """All of it."""
        return Piece(self.bought_at_us, self.position, self.id, 0, self.milli)


@dataclass(slots=True)
class AccountFacts:
    """An account: from when on it is counted, and its events with their positions."""

    name: str
    zone: ZoneInfo
    since_us: int | None
    opening_milli: int | None
    events: list[tuple[int, LedgerEvent]] = field(default_factory=list)
    bills: dict[str, BillLineSeen] = field(default_factory=dict)

    @property
    def openings(self) -> list[Opening]:
        """Give what its openings said, in the order in which they were recorded."""
        return [
            Opening(position, to_us(event.happened_at), event.credits.milli)
            for position, event in self.events
            if isinstance(event, BalanceOpened | OpeningRestated)
        ]

    def counts(self, at_us: int) -> bool:
        return self.since_us is None or at_us >= self.since_us

    def day(self, at_us: int) -> str:
        return day_of(self.zone, at_us).name


@dataclass(slots=True)
class Facts:
    """The lots of a customer, and the items that move them; `vat` is by position.

    `openings` are those items, by account, that an opening is.
    """

    accounts: dict[str, AccountFacts]
    recovery: Recovery
    vat: Mapping[int, int | None]
    lots: dict[LotId, LotRow] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    openings: dict[str, Bought] = field(default_factory=dict)


def cuts(items: Iterable[Item]) -> dict[str, list[int]]:
    """Give where new segments of accounts begin: where their lots come in or leave.

    What comes in at an instant comes before its messages, what leaves after them; what is late
    comes before all of them, and cuts nothing.
    """
    found: dict[str, set[int]] = defaultdict(set)
    for item in items:
        if item.late_us is None:
            found[item.account].add(item.at_us + (item.rank == OUT))
            if isinstance(item, Sent) and item.counted:
                found[item.target].add(item.at_us)
    return {account: sorted(cuts) for account, cuts in found.items()}


def facts(rows: Rows, customer: str, through: int | None = None) -> Facts:
    """Read what happened to the credits of a customer, as the log up to a position tells it."""
    accounts = _accounts(rows, customer)
    if through is not None:
        accounts = {name: _known(account, through) for name, account in accounts.items()}
    vat = vat_of_lines(
        (position, priced(event, account.bills))
        for account in accounts.values()
        for position, event in account.events
        if isinstance(event, CreditsPurchased)
    )
    found = Facts(accounts, _recovery(rows, customer, through), vat)
    for account in found.accounts.values():
        _Reading(found, account).read()
    return found


class Opened(NamedTuple):
    """What an account began with, and the lots that these credits are of."""

    opening: Opening
    item: Bought
    lots: Mapping[LotId, LotRow]


def opened(known: Facts, account: AccountFacts, through: int) -> Opened | None:
    """Give the opening of an account as the log up to a position tells it."""
    before = _opened(account, through)
    if not before.openings:
        return None
    aside = Facts(known.accounts, known.recovery, known.vat)
    _Reading(aside, before).read()
    return Opened(before.openings[-1], aside.openings[account.name], aside.lots)


def _known(account: AccountFacts, through: int) -> AccountFacts:
    """Give what a part of the log tells of an account, with the bill lines seen in it."""
    before = _opened(account, through)
    before.bills = bill_lines(event for _, event in before.events)
    return before


def _opened(account: AccountFacts, through: int) -> AccountFacts:
    """Give its events up to a log position, and the opening that holds there."""
    events = [one for one in account.events if one[0] <= through]
    before = replace(account, events=events, since_us=None, opening_milli=None)
    if before.openings:
        _, before.since_us, before.opening_milli = before.openings[-1]
    return before


def _accounts(rows: Rows, customer: str) -> dict[str, AccountFacts]:
    accounts = {
        name: AccountFacts(name, zone(zone_name), opening_us, opening_milli)
        for name, zone_name, opening_us, opening_milli in rows.execute(
            "SELECT account, time_zone, opening_at_us, opening_milli FROM account"
            " JOIN customer USING (customer) WHERE customer = :customer ORDER BY account",
            customer=customer,
        )
    }
    topics = {f"t{number}": topic for number, topic in enumerate(_TOPICS)}
    for name, account in accounts.items():
        found = rows.execute(_EVENTS.format(topics=", :".join(topics)), stream=name, **topics)
        account.events = [(position, decode(topic, state)) for position, topic, state in found]
        account.bills = bill_lines(event for _, event in account.events)
    return accounts


_EVENTS: Final = """
    SELECT l.position, s.topic, s.state FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE l.stream = :stream AND l.topic IN (:{topics}) ORDER BY l.version
"""


# --- VAT ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recovery:
    """Which per cent of the VAT is got back, from when on; all of it before."""

    since: Sequence[tuple[int, Fraction]]

    def at(self, at_us: int) -> Fraction:
        found = [share for since_us, share in self.since if since_us <= at_us]
        return found[-1] if found else Fraction(1)


def _recovery(rows: Rows, customer: str, through: int | None) -> Recovery:
    shares: dict[int, Fraction] = {}
    stream = customer_stream(customer)
    for event in stream_events(rows, stream, VatRecoverySet, through=through):
        shares[to_us(event.happened_at)] = Fraction(Fraction(event.recoverable), 100)
    return Recovery(sorted(shares.items()))


# --- an account -----------------------------------------------------------------------------


class _Reading:
    """Turns the events of an account into lots and items."""

    def __init__(self, facts: Facts, account: AccountFacts) -> None:
        self._facts = facts
        self._account = account
        self._background: list[Piece] = []
        self._given_back: dict[str, int] = defaultdict(int)
        self._automatic = {
            event.bill_detail_id
            for _, event in account.events
            if isinstance(event, PurchaseAttributed) and event.origin == "automatic"
        }

    def read(self) -> None:
        for position, event in self._account.events:
            self._take(position, event)
        self._open()

    def _take(self, position: int, event: LedgerEvent) -> None:
        at_us = to_us(event.happened_at)
        match event:
            case CreditsPurchased():
                self._purchase(position, at_us, event)
            case _ if not self._account.counts(at_us):
                if isinstance(event, CreditsRefunded) and event.bill_id is not None:
                    self._given_back[event.bill_id] += event.credits.milli
            case CreditsRefunded():
                self._leave(
                    (position, at_us), "refund", event.refund_id, event.credits, event.bill_id
                )
            case CreditsAdjusted():
                self._adjust(position, at_us, event)
            case TransferSent():
                self._send(position, at_us, event)
            case TransferReceived():
                self._receive(position, at_us, event)
            case _:
                pass

    def _purchase(self, position: int, at_us: int, event: CreditsPurchased) -> None:
        billed = priced(event, self._account.bills)
        since_us = to_us(bought_at(event, self._account.bills))
        bought, gift = (make(position, since_us, billed) for make in (self._bought, self._gift))
        if not bought.milli and bought.net_cents:
            gift = _paid_by(gift, bought)
        pieces = tuple(self._keep(lot).piece for lot in (bought, gift) if lot.milli)
        if self._account.counts(at_us):
            self._come_in(position, at_us, pieces)
        else:
            self._background += pieces

    def _bought(self, position: int, at_us: int, event: CreditsPurchased) -> LotRow:
        kind = "recharge" if event.bill_detail_id in self._automatic else "purchase"
        net = None if event.total_price is None else cents_of(event.total_price)
        vat = self._facts.vat[position]
        return LotRow(
            self._account.name, event.bill_detail_id, kind, at_us, position,
            event.credits.milli, net, vat, self._cost(net, vat, at_us),
            event.total_price.currency if event.total_price else None,
            event.bill_id, event.order_id,
        )  # fmt: skip

    def _cost(self, net: int | None, vat: int | None, at_us: int) -> int | None:
        """Add the VAT that is not got back."""
        lost = 1 - self._facts.recovery.at(at_us)
        if net is None or (lost and vat is None):
            return None
        return net + nearest((vat or 0) * lost)

    def _gift(self, position: int, at_us: int, event: CreditsPurchased) -> LotRow:
        return LotRow(
            self._account.name, f"{event.bill_detail_id}+gift", "gift", at_us, position,
            event.gift_credits.milli, 0, 0, 0, None, event.bill_id, event.order_id,
        )  # fmt: skip

    def _free(self, position: int, at_us: int, kind: str, lot: str, milli: int) -> None:
        """No document says that these cost anything."""
        row = LotRow(self._account.name, lot, kind, at_us, position, milli, 0, 0, 0)
        self._come_in(position, at_us, (self._keep(row).piece,))

    def _adjust(self, position: int, at_us: int, event: CreditsAdjusted) -> None:
        if event.credits > Credits(0):
            lot = f"{event.kind}+{event.adjustment_id}"
            self._free(position, at_us, event.kind, lot, event.credits.milli)
        elif event.credits:
            kind: DrawKind = "write-off" if event.kind == "write-off" else "adjustment"
            self._leave((position, at_us), kind, event.adjustment_id, -event.credits)

    def _keep(self, lot: LotRow) -> LotRow:
        self._facts.lots[lot.id] = lot
        return lot

    def _come_in(
        self, position: int, at_us: int, pieces: tuple[Piece, ...], owed: int = 0
    ) -> Bought:
        name, day = self._account.name, self._account.day(at_us)
        item = Bought(
            at_us=at_us, position=position, account=name, pieces=pieces, owed=owed, day=day
        )
        self._facts.items.append(item)
        return item

    def _leave(
        self,
        place: tuple[int, int],
        kind: DrawKind,
        reference: str,
        credits: Credits,
        bill: str | None = None,
    ) -> None:
        position, at_us = place
        self._facts.items.append(
            Left(
                at_us=at_us,
                position=position,
                account=self._account.name,
                kind=kind,
                reference=reference,
                milli=credits.milli,
                day=self._account.day(at_us),
                bill=bill,
            )
        )

    def _send(self, position: int, at_us: int, event: TransferSent) -> None:
        target = self._facts.accounts.get(event.counter_account)
        self._facts.items.append(
            Sent(
                at_us=at_us,
                position=position,
                account=self._account.name,
                reference=event.transfer,
                milli=event.credits.milli,
                day=self._account.day(at_us),
                target=event.counter_account,
                counted=target is not None and target.counts(at_us),
            )
        )

    def _receive(self, position: int, at_us: int, event: TransferReceived) -> None:
        """Take what is not built from the sender's draws: its books began later."""
        source = self._facts.accounts.get(event.counter_account)
        if source is None or not source.counts(at_us):
            lot = LotRow(
                self._account.name, f"transfer+{event.transfer}", "transfer", at_us, position,
                event.credits.milli,
            )  # fmt: skip
            if lot.milli:
                self._come_in(position, at_us, (self._keep(lot).piece,))

    # --- the opening ---------------------------------------------------------------------

    def _open(self) -> None:
        since_us, milli = self._account.since_us, self._account.opening_milli
        if since_us is None or milli is None:
            return
        position = self._account.openings[-1].position
        name = self._account.name
        rest = Piece(BEFORE_THE_BOOKS, position, LotId(name, OPENING), 0, 0)
        background = list(self._without_refunds())
        pieces, uncovered = opening_pieces(background, milli, rest)
        if uncovered:
            self._keep(self._stated(position, uncovered, since_us))
        self._facts.openings[name] = self._come_in(
            position, since_us, pieces, owed=max(-milli, 0)
        )

    def _without_refunds(self) -> Iterator[Piece]:
        """Leave out the last credits of bills of which some were given back before T0."""
        left = dict(self._given_back)
        for piece in sorted(self._background, reverse=True):
            bill = self._facts.lots[piece.lot].bill or ""
            gone = min(left.get(bill, 0), piece.milli)
            left[bill] = left.get(bill, 0) - gone
            if piece.milli > gone:
                yield piece._replace(milli=piece.milli - gone)

    def _stated(self, position: int, milli: int, since_us: int) -> LotRow:
        """Give the lot of credits that no bill covers, at the cost that a person stated."""
        lot = LotRow(self._account.name, OPENING, "opening", BEFORE_THE_BOOKS, position, milli)
        stated = [
            event for _, event in self._account.events if isinstance(event, OpeningCostStated)
        ]
        if not stated or not _fits(stated[-1], since_us, milli):
            return lot
        cents = cents_of(stated[-1].cost)
        currency = stated[-1].cost.currency
        return lot._replace(net_cents=cents, cost_cents=cents, currency=currency)


def _paid_by(gift: LotRow, bought: LotRow) -> LotRow:
    """Give a gift the money of a line that bought no credits: it would be in no lot."""
    return gift._replace(
        net_cents=bought.net_cents, vat_cents=bought.vat_cents,
        cost_cents=bought.cost_cents, currency=bought.currency,
    )  # fmt: skip


def _fits(stated: OpeningCostStated, since_us: int, milli: int) -> bool:
    return to_us(stated.happened_at) == since_us and stated.credits.milli == milli
