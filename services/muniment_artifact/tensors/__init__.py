"""Tensors of stored files by name, so that a client in any language needs no parser of the file's header."""
