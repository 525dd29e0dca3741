"""Actions on credits: buy, give, correct, refund, transfer, hold, recharge."""

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from ledger.sandbox import billing, moving, places, unseen
from ledger.sandbox.action import Action, CannotDo, OnAccount, balances, named
from ledger.sandbox.amounts import Json, milli, number

if TYPE_CHECKING:
    from ledger.sandbox.service import Service


class Purchase(OnAccount):
    """Order and pay a pack of credits by API."""

    NAME: ClassVar[str] = "purchase"
    credits: int = 100
    PATH: ClassVar[str] = "/order/sms/{serviceName}/credits"

    def run(self, service: "Service") -> Json:
        account = self.of(service.world)
        order = billing.purchase(service.world, account, self.credits)
        path = self.PATH.replace("{serviceName}", account.name)
        service.world.log(account.customer, "POST", path, self.PATH)
        return balances(account) | {"order": order.id, "bill": order.bill}


class PanelPurchase(Purchase):
    """Buy a pack in the customer panel: a bill, and no call in the log."""

    NAME: ClassVar[str] = "panel-purchase"

    def run(self, service: "Service") -> Json:
        account = self.of(service.world)
        order = billing.purchase(service.world, account, self.credits)
        return balances(account) | {"order": order.id, "bill": order.bill}


class PanelTransfer(Action):
    """Transfer credits in the customer panel, without the ledger."""

    NAME: ClassVar[str] = "panel-transfer"
    source: str
    target: str
    credits: Decimal
    force: bool = False  # also between customers, which OVH never does

    def run(self, service: "Service") -> Json:
        world = service.world
        source, target = named(world, self.source), named(world, self.target)
        amount = milli(self.credits)
        if source.customer != target.customer and not self.force:
            raise CannotDo("credits do not cross customers")
        if amount > source.milli:
            raise CannotDo(f"{source.name} has only {number(source.milli)} credits")
        unseen.panel_transfer(world, source, target, amount)
        return {"source": balances(source), "target": balances(target)}


class Gift(OnAccount):
    """Give credits without a document."""

    NAME: ClassVar[str] = "gift"
    credits: Decimal = Decimal(10)

    def run(self, service: "Service") -> Json:
        account = self.of(service.world)
        moving.give(service.world, account, self.NAME, milli(self.credits))
        return balances(account)


class Correction(Gift):
    """Correct a balance, as the support does: `credits` is signed."""

    NAME: ClassVar[str] = "correction"
    credits: Decimal = Decimal(-1)


class Refund(OnAccount):
    """Refund a pack: its `bill`, or the account's latest; `credits` come off with it."""

    NAME: ClassVar[str] = "refund"
    bill: str = ""
    credits: int | None = None  # the pack's own, when not said

    def run(self, service: "Service") -> Json:
        world, account = service.world, self.of(service.world)
        bills = [
            b for b in world.bills.values() if world.orders[b.order].domain == account.name
        ]
        found = next((b for b in reversed(bills) if self.bill in ("", b.id)), None)
        if found is None:
            raise CannotDo(f"{account.name} has no bill {self.bill}".rstrip())
        packed = world.orders[found.order].credits
        off = packed if self.credits is None else self.credits
        refund = billing.refund(world, found, off)
        return balances(account) | {"refund": refund.id, "bill": found.id, "credits": off}


class Rate(Action):
    """Ask other `credits` from now on for one SMS to a country, where OVH bills in another."""

    NAME: ClassVar[str] = "rate"
    country: str
    credits: Decimal
    billing_country: str = "it"

    def run(self, service: "Service") -> Json:
        where = (self.billing_country, self.country)
        if self.billing_country not in places.HOME_RATES or self.country not in places.PLACES:
            raise CannotDo(f"no rate of {self.country!r} is known in {self.billing_country!r}")
        if milli(self.credits) <= 0:
            raise CannotDo("a rate is above 0 credits")
        service.world.rates[where] = milli(self.credits)
        return {"billingCountry": where[0], "country": where[1], "credit": self.credits}


class SetQuota(OnAccount, kw_only=True):
    """Give a user a quota of credits; `off` takes it away."""

    NAME: ClassVar[str] = "set-quota"
    user: str
    credits: Decimal = Decimal(0)
    off: bool = False

    def run(self, service: "Service") -> Json:
        account = self.of(service.world)
        if self.user not in account.users:
            raise CannotDo(f"{account.name} has no user {self.user!r}")
        user = account.users[self.user]
        wanted = None if self.off else milli(self.credits)
        moving.set_quota(service.world, account, user, wanted)
        return balances(account) | {"quotaLeft": number(user.quota_milli)}


class SetAlert(OnAccount, kw_only=True):
    """Warn a user by SMS when fewer credits than `threshold` are left."""

    NAME: ClassVar[str] = "set-alert"
    user: str
    threshold: int
    number: str = "+393470000000"

    def run(self, service: "Service") -> Json:
        account = self.of(service.world)
        if self.user not in account.users:
            raise CannotDo(f"{account.name} has no user {self.user!r}")
        user = account.users[self.user]
        user.alert_threshold, user.alert_number = self.threshold, self.number
        user.alert_support, user.alerted = "sms", False
        return balances(account) | {"alertThreshold": self.threshold}


class SetRecharge(OnAccount):
    """Set the automatic recharge: `threshold` and `amount`; amount 0 switches it off."""

    NAME: ClassVar[str] = "set-recharge"
    threshold: Decimal = Decimal(0)
    amount: int = 0

    def run(self, service: "Service") -> Json:
        account = self.of(service.world)
        account.threshold_milli = milli(self.threshold)
        account.recharge_credits = self.amount or None
        return balances(account) | {
            "creditThresholdForAutomaticRecredit": number(account.threshold_milli),
            "automaticRecreditAmount": account.recharge_credits,
        }
