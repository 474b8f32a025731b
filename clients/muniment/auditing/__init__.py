"""Verifying a ledger without believing the server that keeps it.

================  ========================================================================================
``reading``       every entry once: hashed into the tree, folded into the state it implies
``trust``         which keys are believed, and why
``seen``          the newest checkpoint this user saw of each ledger, and the key that signed it
``catalog``       what a registry answers, against the state its ledger implies
``verify``        all of it against a running registry
``export``        a ledger in a directory, which anyone verifies without a registry
================  ========================================================================================
"""
