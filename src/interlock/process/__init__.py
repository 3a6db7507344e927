"""The processes of a running Interlock: one supervisor, and the parts that it starts, watches and drains."""
