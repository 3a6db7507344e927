"""The application test: a candidate in a gateway of its own, asked about held-out rows."""
