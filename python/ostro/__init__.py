"""Durable workflows and activities: the engine in this process, on a server, or on a Temporal cluster.

`import ostro.workflows as workflows` has the authoring API.
"""

from ._core import __version__

__all__ = ["__version__"]
