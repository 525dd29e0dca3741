"""What /sms answers about prices, and about the length of a text."""

from decimal import Decimal

from ledger.sandbox import places, texts
from ledger.sandbox.amounts import CREDIT, Json, number, price
from ledger.sandbox.operations import (
    FLAG,
    LONG,
    TEXT,
    Call,
    Operation,
    Parameter,
    get,
    one_of,
    required,
)
from ledger.sandbox.refusals import BadRequest

PACK_SIZES = (
    100, 200, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 1_000_000,
)  # fmt: skip
BILLING = Parameter(one_of(*places.HOME_RATES))
DEFAULT_BILLING = "fr"


def estimate(call: Call) -> Json:
    clause = not call.body["noStopClause"] and call.body["senderType"] != "shortcode"
    count = texts.counted(call.body["message"] + (texts.STOP_CLAUSE if clause else ""))
    return {
        "characters": count.characters,
        "charactersClass": "unicode" if count.unicode else "7bits",
        "maxCharactersPerPart": count.per_part,
        "parts": count.parts,
    }


def show_ptt(call: Call) -> Json:
    code = call.query["ptt"]
    return {
        "comment": f"PTT code {code}",
        "description": f"status {code} of the operator",
        "duration": "indeterminated",
    }


def show_destination_rates(call: Call) -> Json:
    billing = call.query.get("billingCountry", DEFAULT_BILLING)
    country = _country(call, billing)
    rate = call.world.rate(billing, country)
    currency = places.CURRENCY.get(billing, "EUR")
    return {
        "country": country.upper(),
        "countryCode": country,
        "credit": number(rate),
        "price": price(places.unit_price(100, currency) * rate / CREDIT, currency),
        "vatRate": places.VAT[billing] * 100,
    }


def list_pack_rates(call: Call) -> list[Json]:
    billing = call.query.get("billingCountry", DEFAULT_BILLING)
    country = _country(call, billing)
    limits = [least for least, _ in places.PACKS]
    return [
        _pack(call.world.rate(billing, country), billing, country, least, most)
        for least, most in zip(limits, [*limits[1:], None], strict=True)
    ]


def _country(call: Call, billing: str) -> str:
    """Read the destination asked for; what `all` answers is a knob."""
    country: str = call.query["country"]
    rates = {name: call.world.rate(billing, name) for name in places.PLACES}
    answers = {"cheapest": min(rates, key=rates.__getitem__)}
    answers["dearest"] = max(rates, key=rates.__getitem__)
    if country == "all" and call.world.knobs.rates_all in answers:
        return answers[call.world.knobs.rates_all]
    if country not in rates:
        raise BadRequest(f"[country] Given data ({country}) is not valid")
    return country


def _pack(rate: int, billing: str, country: str, least: int, most: int | None) -> Json:
    currency = places.CURRENCY.get(billing, "EUR")
    unit = places.unit_price(least, currency)
    return {
        "countryCode": country,
        "credit": number(rate),
        "creditPrice": price(unit, currency),
        "creditQuantityMax": most,
        "creditQuantityMin": least,
        "discountCreditPrice": None,
        "discountPercentage": None,
        "discountSmsPrice": None,
        "smsPrice": price(unit * rate / CREDIT, currency),
        "smsQuantityMax": None if most is None else most * CREDIT // rate,
        "smsQuantityMin": least * CREDIT // rate,
        "vatRate": places.VAT[billing] * 100,
    }


def see_offers(call: Call) -> list[Json]:
    country = call.query["countryDestination"]
    if country not in places.PLACES:
        raise BadRequest(f"[countryDestination] Given data ({country}) is not valid")
    quantity: int = call.query["quantity"]
    rate = call.world.rate(call.customer.billing_country, country)
    unit = places.unit_price(quantity, call.customer.currency)
    sms = (Decimal(quantity * CREDIT) / rate).quantize(Decimal(1))
    offer: Json = {
        "countryDestination": country,
        "giftPrice": None,
        "giftQuantity": None,
        "language": call.customer.language,
        "price": unit,
        "quantity": quantity,
        "smsQuantity": sms,
        "totalPrice": unit * quantity,
    }
    return [offer]


RATES = {"country": required(TEXT), "billingCountry": BILLING}
SENDER_TYPE = Parameter(one_of("alpha", "numeric", "shortcode", "time2chat", "virtual"))
OFFERS = "/sms/{serviceName}/seeOffers"

OPERATIONS = [
    get("/sms/ptts", show_ptt, ptt=required(LONG)),
    Operation(
        method="POST",
        path="/sms/estimate",
        answer=estimate,
        body={
            "message": required(TEXT),
            "noStopClause": required(FLAG),
            "senderType": required(SENDER_TYPE),
        },
    ),
    Operation(
        method="GET",
        path="/sms/rates/destinations",
        answer=show_destination_rates,
        query=RATES,
        auth=False,
    ),
    Operation(
        method="GET", path="/sms/rates/packs", answer=list_pack_rates, query=RATES, auth=False
    ),
    get(
        OFFERS,
        see_offers,
        countryCurrencyPrice=required(TEXT),
        countryDestination=required(TEXT),
        quantity=required(Parameter(one_of(*PACK_SIZES))),
    ),
]
