"""The metadata service: catalog, audit log and access."""
