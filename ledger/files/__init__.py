"""Importing files: history that OVH no longer has, from CSV or JSONL.

A file is read once (`origin`, `records`), checked row by row (`rows`, `parties`) into a spool
on disk (`spool`), compared with itself and with the ledger (`known`, `plan`), and only when
all of it is good recorded in bounded transactions (`record`, `lines`). `importing` joins them.
"""
