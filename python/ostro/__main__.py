"""`python -m ostro`."""

from .cli import main

main()
