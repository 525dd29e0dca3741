"""Traffic: what an account's owner sends, receives and looks up over a span of time."""

from collections.abc import Iterator
from functools import partial
from itertools import accumulate
from random import Random

from ledger.sandbox import batches, billing, moving, places, sending
from ledger.sandbox.amounts import CREDIT
from ledger.sandbox.moments import DAY, HOUR, local, midnight
from ledger.sandbox.people import REPLIES, Profile
from ledger.sandbox.records import Account
from ledger.sandbox.sending import Draft
from ledger.sandbox.world import World

WEEKEND = 5  # Saturday is the sixth day
WORKDAY_WEIGHT, WEEKEND_WEIGHT = 10, 2
OPENS_H, BUSIEST_H, CLOSES_H = 8, 11, 20
DEFERRALS_MIN = (30, 60, 240, 1_440, 2_880)
BATCH_SIZE = 120


class Hours:
    """Draws times as offices keep them: weekdays, mostly before noon, in local time."""

    def __init__(self, random: Random, start: int, end: int, zone: str) -> None:
        self.random, self.start, self.end = random, start, end
        first = local(start, zone).date()
        count = max(1, -(-(end - start) // DAY) + 1)
        days = [first.fromordinal(first.toordinal() + offset) for offset in range(count)]
        self._days = [midnight(day, zone) for day in days]
        self._weights = list(
            accumulate(
                WEEKEND_WEIGHT if day.weekday() >= WEEKEND else WORKDAY_WEIGHT for day in days
            )
        )

    def draw(self) -> int:
        """Draw one time between start and end."""
        day = self.random.choices(self._days, cum_weights=self._weights)[0]
        hour = self.random.triangular(OPENS_H, CLOSES_H, BUSIEST_H)
        at = day + int(hour * HOUR)
        if self.start <= at < self.end:
            return at
        return self.random.randrange(self.start, max(self.start + 1, self.end))


def plan(world: World, profile: Profile, start: int, end: int, messages: int) -> None:
    """Plan an account's traffic from start to end; it happens as the world advances."""
    account = world.accounts[profile.account]
    random = Random(f"{world.seed}/{account.name}/{start}")  # noqa: S311 - a simulation
    hours = Hours(random, start, end, world.customer_of(account).zone)
    contacts = _contacts(random, profile.destinations, max(12, messages // 4))
    share = messages / profile.messages
    for draft, receivers in _sendings(random, profile, contacts, messages):
        at = hours.draw()
        fits = at + draft.deferred_min * 60 < end
        one = draft if fits else draft._replace(deferred_min=0)
        world.plan(at, partial(_send, world, account, profile.pack, receivers, one))
    for _ in range(round(profile.replies * share)):
        sender, text = random.choice(contacts), random.choice(REPLIES)
        world.plan(hours.draw(), partial(_reply, world, account, profile.pack, sender, text))
    for _ in range(round(profile.lookups * share)):
        receiver = random.choice(contacts)
        world.plan(hours.draw(), partial(_look_up, world, account, profile.pack, receiver))
    for number in range(round(profile.batches * share)):
        # A batch is over well before the end.
        at = start + (end - start) * (number + 1) // (profile.batches + 1)
        draft = Draft(random.choice(profile.texts), profile.senders[0], tag="batch-2026")
        receivers = random.choices(contacts, k=BATCH_SIZE)
        world.plan(at, partial(_batch, world, account, profile.pack, receivers, draft))


def afford(world: World, account: Account, pack: int, milli: int, user: str = "") -> None:
    """Buy credits, and top a user's quota up, as far as a sending needs it."""
    holder = account.users.get(user)
    if holder is not None and holder.has_quota and holder.quota_milli < milli:
        quota = holder.quota_milli + max(milli, pack * CREDIT // 5)
        afford(world, account, pack, quota)
        moving.set_quota(world, account, holder, quota)
    elif (holder is None or not holder.has_quota) and account.milli < milli:
        missing = -(-(milli - account.milli) // (pack * CREDIT))
        billing.purchase(world, account, missing * pack)


def _contacts(random: Random, destinations: dict[str, int], count: int) -> list[str]:
    """Invent the numbers that an account writes to, as digits."""
    countries = random.choices(list(destinations), list(destinations.values()), k=count)
    return [
        places.some_vatican_number(random)
        if country == "va"
        else places.some_number(random, country)
        for country in countries
    ]


def _sendings(
    random: Random, profile: Profile, contacts: list[str], messages: int
) -> Iterator[tuple[Draft, list[str]]]:
    """Draw sendings until there are as many messages as wanted."""
    logins = [login.login for login in profile.logins]
    shares = [login.share for login in profile.logins]
    while messages > 0:
        size = min(messages, _size(random))
        messages -= size
        draft = Draft(
            text=random.choice(profile.texts),
            sender=random.choice(profile.senders),
            tag=random.choice(profile.tags),
            user=random.choices([*logins, ""], [*shares, 100 - sum(shares)])[0],
            deferred_min=random.choice(DEFERRALS_MIN) if random.random() < 0.04 else 0,  # noqa: PLR2004
        )
        yield draft, random.choices(contacts, k=size)


def _size(random: Random) -> int:
    """Draw how many receivers a sending has: mostly one, at times a campaign."""
    drawn = random.random()
    if drawn < 0.8:  # noqa: PLR2004 - a share
        return 1
    return random.randint(2, 5) if drawn < 0.95 else random.randint(10, 30)  # noqa: PLR2004


def _send(
    world: World, account: Account, pack: int, receivers: list[str], draft: Draft
) -> None:
    afford(world, account, pack, _cost(world, account, receivers, draft.text), draft.user)
    sending.send(world, account, [f"+{receiver}" for receiver in receivers], draft)


def _batch(
    world: World, account: Account, pack: int, receivers: list[str], draft: Draft
) -> None:
    afford(world, account, pack, _cost(world, account, receivers, draft.text) * 2)
    numbers = [f"+{receiver}" for receiver in receivers]
    batches.post(world, account, numbers, draft, name=f"campaign {draft.tag}")


def _reply(world: World, account: Account, pack: int, sender: str, text: str) -> None:
    afford(world, account, pack, 10 * CREDIT)
    sending.receive(world, account, sender, text)


def _look_up(world: World, account: Account, pack: int, receiver: str) -> None:
    afford(world, account, pack, CREDIT)
    moving.look_up(world, account, [receiver])


def _cost(world: World, account: Account, receivers: list[str], text: str) -> int:
    return sum(
        sending.cost(world, account, places.country(digits) or "", text) for digits in receivers
    )
