"""Actions on messages: send, reply, look up, clean, delete."""

from typing import TYPE_CHECKING, ClassVar

from ledger.sandbox import models_sms, moving, places, unseen
from ledger.sandbox import sending as sendings
from ledger.sandbox.action import CannotDo, OnAccount, balances
from ledger.sandbox.amounts import Json, number
from ledger.sandbox.sending import Draft

if TYPE_CHECKING:
    from ledger.sandbox.service import Service


class Send(OnAccount):
    """Send SMS: `to` one number, or to `count` invented ones of a `country`."""

    NAME: ClassVar[str] = "send"
    count: int = 1
    to: str = ""
    country: str = "it"
    text: str = "Hello from the sandbox"
    sender: str = ""
    tag: str = ""
    user: str = ""
    deferred: int = 0  # minutes
    receipt: int | None = None

    def run(self, service: "Service") -> Json:
        world, account = service.world, self.of(service.world)
        if self.user and self.user not in account.users:
            raise CannotDo(f"{account.name} has no user {self.user!r}")
        if self.country not in places.PLACES:
            raise CannotDo(f"country is one of {', '.join(places.PLACES)}")
        invented = [places.some_number(world.random, self.country) for _ in range(self.count)]
        receivers = [self.to] * self.count if self.to else [f"+{one}" for one in invented]
        draft = Draft(
            text=self.text,
            sender=self.sender or next(iter(account.senders), ""),
            tag=self.tag,
            user=self.user,
            deferred_min=self.deferred,
            receipt=self.receipt,
        )
        sent = sendings.send(world, account, receivers, draft)
        ids = [message.id for message in sent.messages]
        report = models_sms.sending_report(ids, sent.valid, sent.invalid, sent.milli, self.tag)
        return balances(account) | report


class Receive(OnAccount):
    """Receive a reply, from `sender` or from whom the newest message went to."""

    NAME: ClassVar[str] = "reply"
    sender: str = ""
    text: str = "OK"
    count: int = 1

    def run(self, service: "Service") -> Json:
        world, account = service.world, self.of(service.world)
        newest = account.outgoing.get(max(account.outgoing, default=0))
        known = newest.receiver if newest else places.some_number(world.random, "it")
        sender = places.digits(self.sender) or known
        replies = [
            sendings.receive(world, account, sender, self.text) for _ in range(self.count)
        ]
        return balances(account) | {"ids": [one.id for one in replies if one]}


class LookUp(OnAccount):
    """Look up `count` numbers by HLR."""

    NAME: ClassVar[str] = "hlr"
    count: int = 1
    country: str = "it"

    def run(self, service: "Service") -> Json:
        world, account = service.world, self.of(service.world)
        numbers = [places.some_number(world.random, self.country) for _ in range(self.count)]
        found = moving.look_up(world, account, numbers)
        return balances(account) | {"ids": [one.id for one in found]}


class Clean(OnAccount):
    """Clean a phone book, 0.1 credit for each contact; `contacts` sets how many it has."""

    NAME: ClassVar[str] = "clean"
    contacts: int = 0

    def run(self, service: "Service") -> Json:
        account = self.of(service.world)
        slot = next(iter(account.slots), 1)
        if self.contacts or slot not in account.slots:
            account.slots[slot] = self.contacts
        task = moving.clean(service.world, account, slot, freemium=False)
        return balances(account) | {"taskId": task.id}


class DeleteRow(OnAccount):
    """Delete a row of /outgoing: this `id`, or the newest."""

    NAME: ClassVar[str] = "delete-row"
    id: int = 0

    def run(self, service: "Service") -> Json:
        account = self.of(service.world)
        wanted = self.id or max(account.outgoing, default=0)
        if wanted not in account.outgoing:
            raise CannotDo(f"{account.name} has no outgoing row {wanted}")
        row = unseen.delete_row(account, wanted)
        return balances(account) | {"id": row.id, "credits": number(row.milli)}


class CancelJob(OnAccount):
    """Delete a waiting message: this `id`, or the newest."""

    NAME: ClassVar[str] = "cancel-job"
    id: int = 0

    def run(self, service: "Service") -> Json:
        account = self.of(service.world)
        wanted = self.id or max(account.jobs, default=0)
        if wanted not in account.jobs:
            raise CannotDo(f"{account.name} has no waiting job {wanted}")
        message = sendings.cancel_job(service.world, account, wanted)
        return balances(account) | {"id": message.id, "credits": number(message.milli)}
