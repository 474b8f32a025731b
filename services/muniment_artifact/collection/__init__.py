"""Collection: giving back the space of bytes that nothing needs, beside those who store more."""
