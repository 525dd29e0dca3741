"""What /me and /order answer about money: bills, orders, refunds, packs of credits."""

from ledger.sandbox import billing, models_me
from ledger.sandbox.amounts import Json
from ledger.sandbox.filters import DATES, asked, list_nothing, number, within
from ledger.sandbox.operations import (
    ANYTHING,
    LONG,
    TEXT,
    VOID,
    Call,
    Operation,
    Void,
    get,
    required,
)
from ledger.sandbox.records import Bill, Order, Refund
from ledger.sandbox.refusals import BadRequest, RuleBroken, no_object

BILL_FILTERS = {**DATES, "category": TEXT, "orderId": LONG}
LEAST_PACK, MOST_PACK = 100, 1_000_000


# --- bills


def list_bills(call: Call) -> list[str]:
    return [
        bill.id
        for bill in call.world.bills.values()
        if _is_visible(call, bill)
        and within(call, bill.billed_at)
        and asked(call, "orderId", bill.order)
        and asked(call, "category", call.world.orders[bill.order].category)
    ]


def _is_visible(call: Call, bill: Bill) -> bool:
    mine = bill.customer == call.customer.nichandle
    return mine and bill.visible_at <= call.world.now


def bill_of(call: Call) -> Bill:
    bill = call.world.bills.get(call.path["billId"])
    if bill is None or not _is_visible(call, bill):
        raise no_object()
    return bill


def show_bill(call: Call) -> Json:
    return models_me.bill(call.world, bill_of(call))


def list_bill_details(call: Call) -> list[str]:
    return [bill_of(call).detail_id]


def show_bill_detail(call: Call) -> Json:
    bill = bill_of(call)
    if call.path["billDetailId"] != bill.detail_id:
        raise no_object()
    return models_me.bill_detail(call.world, bill)


def show_bill_payment(call: Call) -> Json:
    return models_me.payment(call.world, bill_of(call))


# --- orders


def list_orders(call: Call) -> list[int]:
    return [
        order.id
        for order in call.world.orders.values()
        if order.customer == call.customer.nichandle and within(call, order.ordered_at)
    ]


def order_of(call: Call) -> Order:
    order = call.world.orders.get(number(call, "orderId"))
    if order is None or order.customer != call.customer.nichandle:
        raise no_object()
    return order


def show_order(call: Call) -> Json:
    return models_me.order(call.world, order_of(call))


def show_order_status(call: Call) -> str:
    return order_of(call).status


def list_order_details(call: Call) -> list[int]:
    return [order_of(call).detail_id]


def show_order_detail(call: Call) -> Json:
    order = order_of(call)
    if number(call, "orderDetailId") != order.detail_id:
        raise no_object()
    return models_me.order_detail(order)


def show_order_object(call: Call) -> Json:
    """Tell the bill of an order, once it can be seen."""
    bill = call.world.bills.get(order_of(call).bill or "")
    if bill is None or not _is_visible(call, bill):
        return {"id": None, "type": None}
    return {"id": bill.id, "type": "Bill"}


def show_order_payment(call: Call) -> Json:
    bill = call.world.bills.get(order_of(call).bill or "")
    if bill is None or not _is_visible(call, bill):
        raise no_object()
    return models_me.payment(call.world, bill)


def pay_order(call: Call) -> Void:
    order = order_of(call)
    if order.status != "notPaid":
        raise RuleBroken("This order is already paid", status=409)
    billing.pay(call.world, order)
    return VOID


# --- refunds


def list_refunds(call: Call) -> list[str]:
    return [
        refund.id
        for refund in call.world.refunds.values()
        if refund.customer == call.customer.nichandle
        and within(call, refund.refunded_at)
        and asked(call, "orderId", refund.order)
    ]


def refund_of(call: Call) -> Refund:
    refund = call.world.refunds.get(call.path["refundId"])
    if refund is None or refund.customer != call.customer.nichandle:
        raise no_object()
    return refund


def show_refund(call: Call) -> Json:
    return models_me.refund(call.world, refund_of(call))


def list_refund_details(call: Call) -> list[str]:
    return [refund_of(call).detail_id]


def show_refund_detail(call: Call) -> Json:
    refund = refund_of(call)
    if call.path["refundDetailId"] != refund.detail_id:
        raise no_object()
    return models_me.refund_detail(call.world, refund)


# --- ordering credits


def list_orderable(call: Call) -> list[str]:
    return [one.name for one in call.world.accounts_of(call.customer.nichandle)]


def list_options(_: Call) -> list[str]:
    return ["credits"]


def quote_credits(call: Call) -> Json:
    return _quoted(call, None)


def order_credits(call: Call) -> Json:
    _check_quantity(call.body["quantity"])
    order = billing.order_credits(call.world, call.account, call.body["quantity"])
    if call.world.knobs.order_payment == "at-once":
        billing.pay(call.world, order)
    return _quoted(call, order)


def _quoted(call: Call, order: Order | None) -> Json:
    quantity: int = order.credits if order else call.query["quantity"]
    _check_quantity(quantity)
    return models_me.quote(
        billing.quoted(call.customer, quantity),
        credits=quantity,
        account=call.account.name,
        text=billing.described(call.world, call.customer, quantity),
        currency=call.customer.currency,
        order=order,
    )


def _check_quantity(quantity: int) -> None:
    if not LEAST_PACK <= quantity <= MOST_PACK:
        raise BadRequest(f"[quantity] Given data ({quantity}) is not valid")


ORDER, BILL, REFUND = "/me/order/{orderId}", "/me/bill/{billId}", "/me/refund/{refundId}"
PACK = "/order/sms/{serviceName}/credits"

OPERATIONS = [
    get("/me/bill", list_bills, **BILL_FILTERS),
    get(BILL, show_bill),
    get(f"{BILL}/details", list_bill_details),
    get(f"{BILL}/details/{{billDetailId}}", show_bill_detail),
    get(f"{BILL}/payment", show_bill_payment),
    get("/me/correctiveInvoice", list_nothing, **BILL_FILTERS),
    get("/me/order", list_orders, **DATES),
    get(ORDER, show_order),
    get(f"{ORDER}/status", show_order_status),
    get(f"{ORDER}/details", list_order_details),
    get(f"{ORDER}/details/{{orderDetailId}}", show_order_detail),
    get(f"{ORDER}/associatedObject", show_order_object),
    get(f"{ORDER}/payment", show_order_payment),
    Operation(
        method="POST",
        path=f"{ORDER}/pay",
        answer=pay_order,
        body={"paymentMethod": required(ANYTHING)},
    ),
    get("/me/refund", list_refunds, **DATES, orderId=LONG),
    get(REFUND, show_refund),
    get(f"{REFUND}/details", list_refund_details),
    get(f"{REFUND}/details/{{refundDetailId}}", show_refund_detail),
    get("/order/sms", list_orderable),
    get("/order/sms/{serviceName}", list_options),
    get(PACK, quote_credits, quantity=required(LONG)),
    Operation(
        method="POST", path=PACK, answer=order_credits, body={"quantity": required(LONG)}
    ),
]
