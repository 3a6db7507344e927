"""Alembic's folder: `env.py` runs the steps in `versions/`. Called by `store.migration`, never by hand."""
