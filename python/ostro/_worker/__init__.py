"""Workers poll the queues of a program and run what comes; replay and `run` stand on them."""
