"""How /me, /order and /auth show what they know."""

from decimal import Decimal

from ledger.sandbox import moments
from ledger.sandbox.amounts import SYMBOLS, Json, price_in_ucents
from ledger.sandbox.billing import Quote
from ledger.sandbox.records import (
    Bill,
    Credential,
    Customer,
    LogRow,
    Order,
    PaymentMethod,
    Refund,
)
from ledger.sandbox.world import World

PAPERS = "https://sandbox.invalid/billing"  # documents are not served
NOTHING = Decimal(0)
VALID_DAYS, ORDER_VALID_DAYS, RETRACT_DAYS = 1_460, 14, 14


def customer(one: Customer) -> Json:
    return {
        "address": one.address,
        "area": None,
        "birthCity": None,
        "birthDay": None,
        "city": one.city,
        "companyNationalIdentificationNumber": None,
        "complementaryAddress": None,
        "corporationType": None,
        "country": one.subsidiary,
        "currency": {"code": one.currency, "symbol": SYMBOLS[one.currency]},
        "customerCode": None,
        "email": one.email,
        "fax": None,
        "firstname": one.firstname,
        "italianSDI": None,
        "kycValidated": True,
        "language": one.language,
        "legalform": "corporation",
        "name": one.name,
        "nationalIdentificationNumber": None,
        "nichandle": one.nichandle,
        "organisation": one.organisation,
        "ovhCompany": "ovh",
        "ovhSubsidiary": one.subsidiary,
        "phone": one.phone,
        "phoneCountry": one.subsidiary,
        "phoneType": None,
        "purposeOfPurchase": None,
        "sex": None,
        "spareEmail": None,
        "state": "complete",
        "vat": one.vat,
        "zip": one.zip,
    }


def bill(world: World, one: Bill) -> Json:
    order = world.orders[one.order]
    return {
        "billId": one.id,
        "category": order.category,
        "date": _time(world, one.billed_at),
        "eInvoicingId": None,
        "eInvoicingStatus": None,
        "orderId": one.order,
        "password": order.password,
        "pdfUrl": f"{PAPERS}/{one.id}.pdf?passwd={order.password}",
        **_three_prices(order),
        "url": f"{PAPERS}/{one.id}?passwd={order.password}",
    }


def bill_detail(world: World, one: Bill) -> Json:
    order = world.orders[one.order]
    day = moments.day(one.billed_at, world.knobs.time_zone)
    return {
        "billDetailId": one.detail_id,
        "description": order.description,
        "domain": order.domain,
        "periodEnd": None if order.credits else day,
        "periodStart": None if order.credits else day,
        "quantity": order.quantity,
        "totalPrice": _price(order.net, order),
        "unitPrice": _price(order.unit, order),
    }


def payment(world: World, one: Bill) -> Json:
    return {
        "paymentDate": _time(world, one.billed_at),
        "paymentIdentifier": None,
        "paymentType": one.payment_type,
    }


def order(world: World, one: Order) -> Json:
    return {
        "date": _time(world, one.ordered_at),
        "expirationDate": _time(world, one.ordered_at + ORDER_VALID_DAYS * moments.DAY),
        "metadatas": None,
        "orderId": one.id,
        "password": one.password,
        "pdfUrl": f"{PAPERS}/order/{one.id}.pdf?passwd={one.password}",
        **_three_prices(one),
        "retractionDate": _time(world, one.ordered_at + RETRACT_DAYS * moments.DAY),
        "url": f"{PAPERS}/order/{one.id}?passwd={one.password}",
    }


def order_detail(one: Order) -> Json:
    return {
        "cancelled": False,
        "description": one.description,
        "detailType": "QUANTITY" if one.credits else "RENEW",
        "domain": one.domain,
        "orderDetailId": one.detail_id,
        "quantity": one.quantity,
        "totalPrice": _price(one.net, one),
        "unitPrice": _price(one.unit, one),
    }


def quote(
    found: Quote, *, credits: int, account: str, text: str, currency: str, order: Order | None
) -> Json:
    """Show an `order.Order`: a price alone, or an order that was just made."""

    def price(value: Decimal) -> Json:
        return price_in_ucents(value, currency)

    detail: Json = {
        "cartItemID": None,
        "description": text,
        "detailType": "QUANTITY",
        "domain": account,
        "originalTotalPrice": price(found.net),
        "quantity": credits,
        "reductionTotalPrice": price(NOTHING),
        "reductions": [],
        "totalPrice": price(found.net),
        "unitPrice": price(found.unit),
    }
    return {
        "contracts": [],
        "details": [detail],
        "orderId": None if order is None else order.id,
        "prices": {
            "originalWithoutTax": price(found.net),
            "reduction": price(NOTHING),
            "tax": price(found.tax),
            "withTax": price(found.net + found.tax),
            "withoutTax": price(found.net),
        },
        "url": None if order is None else f"{PAPERS}/order/{order.id}?passwd={order.password}",
    }


def refund(world: World, one: Refund) -> Json:
    order = world.orders[one.order]
    return {
        "date": _time(world, one.refunded_at),
        "orderId": one.order,
        "originalBillId": one.bill,
        "password": one.password,
        "pdfUrl": f"{PAPERS}/{one.id}.pdf?passwd={one.password}",
        **_three_prices(order),
        "refundId": one.id,
        "url": f"{PAPERS}/{one.id}?passwd={one.password}",
    }


def refund_detail(world: World, one: Refund) -> Json:
    order = world.orders[one.order]
    return {
        "description": order.description,
        "domain": order.domain,
        "quantity": order.quantity,
        "reference": one.bill,
        "refundDetailId": one.detail_id,
        "refundId": one.id,
        "totalPrice": _price(order.net, order),
        "unitPrice": _price(order.unit, order),
    }


def method(world: World, one: PaymentMethod) -> Json:
    return {
        "billingContactId": None,
        "creationDate": _time(world, one.created_at),
        "default": one.default,
        "description": None,
        "expirationDate": _time(world, one.created_at + VALID_DAYS * moments.DAY),
        "formSessionId": None,
        "icon": {"data": None, "name": one.type.lower(), "url": None},
        "integration": "NONE",
        "label": one.label,
        "lastUpdate": _time(world, one.created_at),
        "merchantId": None,
        "oneclick": None,
        "paymentMeanId": None,
        "paymentMethodId": one.id,
        "paymentSubType": "VISA" if one.type == "CREDIT_CARD" else None,
        "paymentType": one.type,
        "status": one.status,
    }


def ovh_account(world: World, customer: Customer) -> Json:
    began = min(row.created_at for row in world.methods.values())
    return {
        "alertThreshold": None,
        "balance": price_in_ucents(NOTHING, customer.currency),
        "canBeCredited": True,
        "isActive": True,
        "lastUpdate": _time(world, began),
        "openDate": _time(world, began),
        "ovhAccountId": customer.subsidiary,
    }


def log(world: World, one: LogRow) -> Json:
    return {
        "account": one.customer,
        "date": _time(world, one.called_at),
        "ip": one.ip,
        "logId": one.id,
        "method": one.method,
        "path": one.path,
        "route": one.route,
    }


def credential(world: World, one: Credential) -> Json:
    zone = world.knobs.time_zone
    return {
        "allowedIPs": None,
        "applicationId": one.application_id,
        "creation": _time(world, one.created_at),
        "credentialId": one.id,
        "expiration": None if one.expires_at is None else moments.iso(one.expires_at, zone),
        "lastUse": None if one.used_at is None else moments.iso(one.used_at, zone),
        "ovhSupport": False,
        "rules": rules(one),
        "status": one.status,
    }


def rules(one: Credential) -> list[Json]:
    return [{"method": rule.method, "path": rule.path} for rule in one.rules]


def _three_prices(order: Order) -> Json:
    return {
        "priceWithTax": _price(order.gross, order),
        "priceWithoutTax": _price(order.net, order),
        "tax": _price(order.tax, order),
    }


def _price(value: Decimal, order: Order) -> Json:
    return price_in_ucents(value, order.currency)


def _time(world: World, at: int) -> str:
    return moments.iso(at, world.knobs.time_zone)
