"""For every test: a machine that is busy is no reason to fail."""

from hypothesis import settings

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
