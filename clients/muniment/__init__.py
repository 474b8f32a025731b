"""Muniment SDK (being built)."""
