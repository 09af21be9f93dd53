"""Values and errors to payloads and back."""
