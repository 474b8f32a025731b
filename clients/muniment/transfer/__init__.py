"""Moving files: push and pull, with every byte checked on both ends and a fixed amount of memory."""
