"""Catalogs that tests make up: what is in them, how it gets into a database, and what a search must find."""
