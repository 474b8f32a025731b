"""What tests of several folders share: real processes, real servers, a home of their own.

`tests/conftest.py` turns these into fixtures; tests use the fixtures and import from here only the
types they annotate with.
"""
