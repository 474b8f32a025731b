"""``python -m muniment.cli``."""

from muniment.cli import main

main()
