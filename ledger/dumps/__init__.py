"""Dumps: a whole ledger, or one customer's, as a file that any database takes back.

`take` writes what a database holds, `restore` puts it into an empty one, byte for byte;
`form` is the shape of the lines, `reading` proves each of them before it is believed.
"""
