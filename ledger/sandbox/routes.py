"""Every operation that the sandbox serves."""

from ledger.sandbox import (
    routes_auth,
    routes_billing,
    routes_history,
    routes_me,
    routes_rates,
    routes_sending,
    routes_sms,
    routes_users,
)
from ledger.sandbox.operations import Directory

OPERATIONS = [
    *routes_auth.OPERATIONS,
    *routes_sms.OPERATIONS,
    *routes_users.OPERATIONS,
    *routes_rates.OPERATIONS,
    *routes_history.OPERATIONS,
    *routes_sending.OPERATIONS,
    *routes_me.OPERATIONS,
    *routes_billing.OPERATIONS,
]


def directory() -> Directory:
    return Directory(OPERATIONS)
