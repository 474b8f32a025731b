"""Watch: following the ledger."""
