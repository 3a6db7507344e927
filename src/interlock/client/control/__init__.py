"""One file a noun: what the client says to the control port."""
