"""The nouns of Interlock: frozen data, no clock, no I/O. Everything above speaks in these."""
