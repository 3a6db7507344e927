"""The control plane's store: small rows, SQLite (WAL) by default, PostgreSQL by URL.

Everything that two processes must agree on goes through one transaction here: `Store.transaction()`. One repository
per noun hangs on it. Predictions never come here; they go to the spool and the log.
"""

from interlock.store.database import Store
from interlock.store.transaction import Transaction

__all__ = ["Store", "Transaction"]
