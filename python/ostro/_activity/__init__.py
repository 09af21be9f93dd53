"""Activities: the decorator, what their code calls, how one attempt runs."""
