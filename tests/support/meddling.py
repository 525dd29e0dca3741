"""A synchronisation that is watched, and somebody who sends while it reads."""

from __future__ import annotations

import os
from datetime import timedelta

from rigs import Rig

from cli.session import Session
from ledger.ovh.client import connect
from ledger.ovh.profiles import load_profile
from ledger.sync.account import Progress
from ledger.sync.customer import CustomerSync, Result
from ledger.sync.settling import SETTLE_AFTER


class Meddler:
    """Someone who sends an SMS whenever rows are about to be read."""

    def __init__(self, made: Rig, times: int) -> None:
        self.made = made
        self.times = times

    def expect(self, account: str, rows: int) -> None:
        if self.times:
            self.times -= 1
            self.made.ovh.do("send", account="sms-ab12345-1", count=1)
            self.made.ovh.do("advance", by="5m")

    def advance(self, rows: int) -> None:
        pass


def synchronise(
    made: Rig, progress: Progress, *, settle_after: timedelta = SETTLE_AFTER
) -> Result:
    """Synchronise in this process, with somebody who watches."""
    profile = load_profile(
        "rig", environ={**os.environ, "SMS_LEDGER_OVH_CONFIG": str(made.conf)}
    )
    session = Session(database=made.database, actor="tester")
    try:
        with connect(profile) as gateway:
            return CustomerSync(
                gateway,
                session.ledger,
                session.database,
                stamp=session.stamp,
                progress=progress,
                settle_after=settle_after,
            ).run()
    finally:
        session.close()


class Nobody:
    """Someone who only watches."""

    def expect(self, account: str, rows: int) -> None:
        pass

    def advance(self, rows: int) -> None:
        pass
