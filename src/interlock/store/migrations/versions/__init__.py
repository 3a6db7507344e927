"""One file per step. A step never changes once it was released."""
