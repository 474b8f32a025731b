"""Reading whole tables as they are, for those who check them: raw values, bounded memory, one snapshot."""
