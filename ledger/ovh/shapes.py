"""Where OVH's rows are nested otherwise than the port's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ledger.ovh.gateway import (
    Bill,
    BillDetail,
    DestinationRates,
    OrderPreview,
    PackDetails,
    Refund,
    RefundDetail,
    UserQuota,
)
from ledger.ovh.prices import WirePrice


@dataclass(frozen=True, slots=True)
class WireBill:
    """`billing.Bill`; its password and addresses, which open the document, are not read."""

    billId: str  # noqa: N815
    date: datetime
    orderId: int  # noqa: N815
    category: str
    priceWithoutTax: WirePrice  # noqa: N815
    tax: WirePrice
    priceWithTax: WirePrice  # noqa: N815

    def bill(self) -> Bill:
        return Bill(
            billId=self.billId,
            date=self.date,
            orderId=self.orderId,
            category=self.category,
            priceWithoutTax=self.priceWithoutTax.price(),
            tax=self.tax.price(),
            priceWithTax=self.priceWithTax.price(),
        )


@dataclass(frozen=True, slots=True)
class WireBillDetail:
    """`billing.BillDetail`."""

    billDetailId: str  # noqa: N815
    domain: str
    description: str
    quantity: str
    unitPrice: WirePrice  # noqa: N815
    totalPrice: WirePrice  # noqa: N815

    def detail(self) -> BillDetail:
        return BillDetail(
            billDetailId=self.billDetailId,
            domain=self.domain,
            description=self.description,
            quantity=self.quantity,
            unitPrice=self.unitPrice.price(),
            totalPrice=self.totalPrice.price(),
        )


@dataclass(frozen=True, slots=True)
class WireRefund:
    """`billing.Refund`; its password and addresses, which open the document, are not read."""

    refundId: str  # noqa: N815
    date: datetime
    orderId: int  # noqa: N815
    priceWithoutTax: WirePrice  # noqa: N815
    tax: WirePrice
    priceWithTax: WirePrice  # noqa: N815
    originalBillId: str | None = None  # noqa: N815

    def refund(self) -> Refund:
        return Refund(
            refundId=self.refundId,
            date=self.date,
            orderId=self.orderId,
            originalBillId=self.originalBillId,
            priceWithoutTax=self.priceWithoutTax.price(),
            tax=self.tax.price(),
            priceWithTax=self.priceWithTax.price(),
        )


@dataclass(frozen=True, slots=True)
class WireRefundDetail:
    """`billing.RefundDetail`."""

    refundDetailId: str  # noqa: N815
    domain: str
    description: str
    quantity: str
    unitPrice: WirePrice  # noqa: N815
    totalPrice: WirePrice  # noqa: N815

    def detail(self) -> RefundDetail:
        return RefundDetail(
            refundDetailId=self.refundDetailId,
            domain=self.domain,
            description=self.description,
            quantity=self.quantity,
            unitPrice=self.unitPrice.price(),
            totalPrice=self.totalPrice.price(),
        )


@dataclass(frozen=True, slots=True)
class WireQuota:
    """`sms.Quota`."""

    quotaLeft: Decimal  # noqa: N815
    quotaStatus: str  # noqa: N815


@dataclass(frozen=True, slots=True)
class WireUser:
    """`sms.User`; its password is not read."""

    login: str
    quotaInformations: WireQuota  # noqa: N815

    def quota(self) -> UserQuota:
        return UserQuota(
            login=self.login,
            quotaStatus=self.quotaInformations.quotaStatus,
            quotaLeft=self.quotaInformations.quotaLeft,
        )


@dataclass(frozen=True, slots=True)
class WireDestinationRates:
    """`sms.DestinationRates`; its `country` is a name for people."""

    countryCode: str  # noqa: N815
    credit: Decimal
    price: WirePrice | None = None
    vatRate: Decimal | None = None  # noqa: N815

    def rates(self) -> DestinationRates:
        return DestinationRates(
            countryCode=self.countryCode,
            credit=self.credit,
            price=self.price.price() if self.price else None,
            vatRate=self.vatRate,
        )


@dataclass(frozen=True, slots=True)
class WirePackDetails:
    """`sms.PackDetails`; what it says of SMS follows from the credits."""

    creditQuantityMin: int  # noqa: N815
    creditPrice: WirePrice  # noqa: N815
    creditQuantityMax: int | None = None  # noqa: N815
    discountCreditPrice: WirePrice | None = None  # noqa: N815
    vatRate: Decimal | None = None  # noqa: N815

    def details(self) -> PackDetails:
        discount = self.discountCreditPrice
        return PackDetails(
            creditQuantityMin=self.creditQuantityMin,
            creditQuantityMax=self.creditQuantityMax,
            creditPrice=self.creditPrice.price(),
            discountCreditPrice=discount.price() if discount else None,
            vatRate=self.vatRate,
        )


@dataclass(frozen=True, slots=True)
class WirePrices:
    """`order.OrderPrices`."""

    withoutTax: WirePrice  # noqa: N815
    tax: WirePrice
    withTax: WirePrice  # noqa: N815


@dataclass(frozen=True, slots=True)
class WireOrder:
    """`order.Order`; its address, which opens the document, is not read."""

    prices: WirePrices
    orderId: int | None = None  # noqa: N815

    def preview(self) -> OrderPreview:
        return OrderPreview(
            orderId=self.orderId,
            withoutTax=self.prices.withoutTax.price(),
            tax=self.prices.tax.price(),
            withTax=self.prices.withTax.price(),
        )
