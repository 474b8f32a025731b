"""Predictions: taken in, sealed in batches that the ledger binds, traced and proven."""
