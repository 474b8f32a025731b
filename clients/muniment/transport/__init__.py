"""How the SDK talks to a registry: where it is, the channel, one wrapper around every call, its errors."""
