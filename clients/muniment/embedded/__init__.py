"""A registry in a directory: its server is started by the first client, joined by others, gone after the last."""
