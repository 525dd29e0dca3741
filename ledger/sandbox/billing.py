"""Orders, bills and refunds: credits come with a document, unless they are given."""

from decimal import Decimal
from functools import partial
from typing import NamedTuple

from ledger.sandbox import places
from ledger.sandbox.amounts import CREDIT, cents
from ledger.sandbox.records import Account, Bill, Customer, Order, PaymentMethod, Refund
from ledger.sandbox.world import World

PACK_WORDS = {
    "it": ("Pacchetto {credits} crediti SMS", "Pacchetto crediti SMS"),
    "fr": ("Pack {credits} crédits SMS", "Pack de crédits SMS"),
    "es": ("Pack {credits} créditos SMS", "Pack de créditos SMS"),
}
ENGLISH_WORDS = ("SMS credits pack - {credits} credits", "SMS credits pack")
SEPA_TYPES = ("SEPA_DIRECT_DEBIT", "BANK_ACCOUNT")
PASSWORD_LETTERS = 5


class Quote(NamedTuple):
    unit: Decimal
    net: Decimal
    tax: Decimal


def quoted(customer: Customer, credits: int) -> Quote:
    """Price a pack of credits for a customer."""
    unit = places.unit_price(credits, customer.currency)
    net = cents(unit * credits)
    return Quote(unit, net, cents(net * places.VAT[customer.billing_country]))


def described(world: World, customer: Customer, credits: int) -> str:
    """Word a pack's bill line."""
    words = ENGLISH_WORDS
    if world.knobs.bill_wording == "local":
        words = PACK_WORDS.get(customer.billing_country, ENGLISH_WORDS)
    return words[0 if world.knobs.bill_names_credits else 1].format(credits=credits)


def order_credits(
    world: World, account: Account, credits: int, *, automatic: bool = False
) -> Order:
    """Write down an order of credits; it is not paid yet."""
    customer = world.customer_of(account)
    quote = quoted(customer, credits)
    one = world.knobs.bill_quantity == "one"
    knobs = world.knobs
    return _ordered(
        world,
        customer,
        domain=account.name,
        credits=credits,
        description=described(world, customer, credits),
        quantity="1" if one else str(credits),
        unit=quote.net if one else quote.unit,
        net=quote.net,
        tax=quote.tax,
        category=knobs.recharge_bill_category if automatic else knobs.bill_category,
        automatic=automatic,
    )


def order_other(world: World, customer: Customer, *, domain: str, text: str, net: str) -> Order:
    """Order something that is no SMS credit: bills hold more than we look for."""
    price = Decimal(net)
    return _ordered(
        world,
        customer,
        domain=domain,
        credits=0,
        description=text,
        quantity="1",
        unit=price,
        net=price,
        tax=cents(price * places.VAT[customer.billing_country]),
        category="autorenew",
    )


def purchase(world: World, account: Account, credits: int) -> Order:
    """Order credits and pay them."""
    order = order_credits(world, account, credits)
    pay(world, order)
    return order


def pay(world: World, order: Order) -> None:
    """Pay an order: its credits come after a while, its bill with or after them."""
    order.status = "delivering"
    if order.credits:
        world.soon(world.knobs.purchase_delay_s, partial(deliver, world, order))
    else:
        _bill(world, order)


def deliver(world: World, order: Order) -> None:
    """Put the credits of a paid order on its account, and bill them."""
    kind = "recharge" if order.automatic else "purchase"
    world.change(world.accounts[order.domain], kind, order.credits * CREDIT)
    _bill(world, order)


def refund(world: World, bill: Bill, credits: int) -> Refund:
    """Pay a bill's money back, and take credits off the account that had them."""
    order = world.orders[bill.order]
    refund = Refund(
        id=f"{_prefix(world, bill.customer)}R{world.next_id('refund', 2_400_000)}",
        customer=bill.customer,
        order=order.id,
        bill=bill.id,
        refunded_at=world.now,
        net=order.net,
        tax=order.tax,
        detail_id=str(world.next_id("detail", 880_000_000)),
        password=world.secret(PASSWORD_LETTERS),
    )
    world.refunds[refund.id] = refund
    if credits:
        world.change(world.accounts[order.domain], "refund", -credits * CREDIT)
    return refund


def paying(world: World, nichandle: str) -> PaymentMethod | None:
    """Find the method that a customer pays with."""
    methods = [
        one for one in world.methods.values() if one.customer == nichandle and one.default
    ]
    return methods[0] if methods else None


def has_sepa(world: World, nichandle: str) -> bool:
    return any(
        one.customer == nichandle and one.status == "VALID" and one.type in SEPA_TYPES
        for one in world.methods.values()
    )


def _ordered(
    world: World,
    customer: Customer,
    *,
    domain: str,
    credits: int,
    description: str,
    quantity: str,
    unit: Decimal,
    net: Decimal,
    tax: Decimal,
    category: str,
    automatic: bool = False,
) -> Order:
    order = Order(
        id=world.next_id("order", 230_000_000),
        customer=customer.nichandle,
        domain=domain,
        credits=credits,
        description=description,
        quantity=quantity,
        unit=unit,
        net=net,
        tax=tax,
        currency=customer.currency,
        ordered_at=world.now,
        detail_id=world.next_id("detail", 880_000_000),
        password=world.secret(PASSWORD_LETTERS),
        automatic=automatic,
        category=category,
    )
    world.orders[order.id] = order
    return order


def _bill(world: World, order: Order) -> None:
    """Issue the bill of an order, dated now; it may be seen only later."""
    visible_at = world.now + (world.knobs.bill_delay_s if order.credits else 0)
    method = paying(world, order.customer)
    sepa = method is not None and method.type in SEPA_TYPES
    bill = Bill(
        id=f"{_prefix(world, order.customer)}{world.next_id('bill', 61_000_000)}",
        order=order.id,
        customer=order.customer,
        billed_at=world.now,
        visible_at=visible_at,
        detail_id=str(world.next_id("detail", 880_000_000)),
        payment_type="withdrawal" if sepa else "creditCard",
    )
    world.bills[bill.id] = bill
    order.bill = bill.id
    order.status = "delivered"


def _prefix(world: World, nichandle: str) -> str:
    return world.customers[nichandle].subsidiary
