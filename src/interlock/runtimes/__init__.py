"""Loaded models: one file per model format, one per placement, and the runner process.

Nothing else in the package imports a machine-learning framework, except the registry when it compiles.
"""
