"""Importing files: history that OVH no longer has, from CSV or JSONL.

A file is cut into stretches of whole records (`segments`), each of which is read by itself,
perhaps in a second process (`crew`): lines column by column (`plain`), all else, and whatever
is in doubt, row by row (`records`, `rows`, `parties`). What was read waits on disk: facts in a
small database (`spool`), lines, which are many, as ordered `chunks` (`line_spool`). Then it is
compared with itself and with the ledger (`known`, `settling`, `plan`), and only when all of it
is good recorded in bounded transactions (`record`, `lines`, `packing`). `importing` joins them.
"""
