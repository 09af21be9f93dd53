"""The original's module names, for programs that import from them. What they name is in `ostro.workflows`."""
