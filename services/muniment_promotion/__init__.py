"""The promotion service: stages, rollback, events and deployments."""
