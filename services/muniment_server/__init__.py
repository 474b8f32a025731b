"""The only wiring: puts the services together and runs them."""
