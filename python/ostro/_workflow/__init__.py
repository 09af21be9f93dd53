"""One execution: its event loop, its commands, and what workflow code calls."""
