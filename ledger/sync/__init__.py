"""Synchronisation: read OVH, record what is new, observe the balances.

`customer.sync_customer` is the way in; `account` reads one SMS account, `bills` the purchases,
`rows` turns OVH's rows into lines, `memory` holds what need not be read again.
"""
