"""The artifact service: bytes, named by what they are. It knows chunks, files and manifests, no models."""
