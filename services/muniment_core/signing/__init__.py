"""Keeping the ledger signed: verify what is new, sign it, remember elsewhere what was signed."""
