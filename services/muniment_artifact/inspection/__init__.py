"""What the bytes of files are, and whether loading them may run code: found out in a process of its own."""
