"""The prediction log: from a worker's spool, through the collector, to Delta tables and those who read them.

`spool` is written by the gateway, `collector` moves records on exactly once, `reader` and `sql` read the log, `flush`
asks the collector to hurry, and `reconcile` checks the sums.
"""
