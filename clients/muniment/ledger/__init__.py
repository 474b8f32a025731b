"""The ledger's mathematics and formats, shared by the servers that write it and everyone who checks it.

Pure functions over bytes: no network, no database, no files.
"""
