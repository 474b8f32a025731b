"""`muniment-server fsck`: the ledger against itself, tables against the ledger, bytes against the tables."""
