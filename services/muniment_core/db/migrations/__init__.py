"""Numbered, named steps from one schema to the next; run by ``muniment-server migrate``."""
