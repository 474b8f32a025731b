"""The ledger's mathematics and formats, shared by the servers that write it and everyone who checks it.

Pure functions over bytes: no network, no database, no files. Whatever is not exactly as it must be raises a
subclass of :class:`InvalidEvidence` that says why.

=================  =====================================================================================
``merkle``         hashes of the tree, and what inclusion and consistency proofs prove (RFC 9162)
``keys``           Ed25519 keys, their names and how they are written
``note``           text with signatures under it (c2sp.org/signed-note)
``checkpoint``     the signed head of the tree (c2sp.org/tlog-checkpoint)
``proof``          one entry, its inclusion proof and a checkpoint in one file (c2sp.org/tlog-proof)
``canonical``      canonical JSON (RFC 8785)
``receipt``        one prediction, what made it, and the proof of all of it in one file
=================  =====================================================================================
"""

from muniment.ledger.evidence import InvalidEvidence

__all__ = ["InvalidEvidence"]
