"""The read side: one module per report, over a few shared ones.

The reports (`balances`, `registers`, `accounts`, `reconciliation`, `audit_log`, `integrity`) do
not import each other. They stand on `past` (a balance at a moment) and `segments` (lines,
grouped), on projections (`movement_index`, run by `batch`), on `books` (accounts as they are
known now), and on what knows the ledger's events and values only.
"""
