"""Learning again: runs that make the next version of an endpoint's model, judge it, and hand it to its release.

Directs the services beside it: it asks the registry to examine and to register, and releases to start; it never touches
traffic by itself. A user's trainer runs in a process of its own.
"""

from interlock.learning.context import TrainingContext

__all__ = ["TrainingContext"]
