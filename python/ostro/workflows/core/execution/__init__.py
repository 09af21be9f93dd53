"""How activities and child workflows are run. Under the original's module name."""
