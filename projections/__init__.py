"""The read side: one module per report, over a few shared ones.

The reports (`balances`, `registers`, `costs`, `accounts`, `reconciliation`, `audit_log`,
`integrity`, `rebuilding`) do not import each other. They stand on `past` (a balance of then),
`segments` (lines, grouped) and `refolding` (many tables in one reading of the log); on
projections (`movement_index` and `monthly`, run by `batch`); on `books` (accounts as they are
known now), and on what knows the ledger's events and values only.
"""
