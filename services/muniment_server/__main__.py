"""``python -m muniment_server``: the same as ``muniment-server``."""

from muniment_server.entry import main

main()
