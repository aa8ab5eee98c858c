"""Why a cluster cannot be asked at all; everything smaller is an ``Unreadable`` in the answer."""

from __future__ import annotations

from indexer.errors import FluxidxError


class KubeconfigError(FluxidxError):
    """The kubeconfig cannot be used, or has no such context: ``file:line: what: what to do``."""
