"""fluxidx: which code controls this Kubernetes object, and where exactly is it defined?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer.api import Project, build, check, impact, what, where, where_live

__version__ = "0.1.0"
__all__ = ["Project", "build", "check", "impact", "what", "where", "where_live"]


def __getattr__(name: str) -> Any:
    """Imports the library when it is first used: the command line imports this package too, and has to start fast."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from indexer import api

    return getattr(api, name)
