"""The way to an engine, and the calls of its API."""
