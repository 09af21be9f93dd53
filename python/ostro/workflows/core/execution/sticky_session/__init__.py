"""Sessions. Under the original's module name."""
