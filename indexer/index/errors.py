"""Why an index cannot be used."""

from __future__ import annotations

from indexer.errors import FluxidxError, IndexMissing


class IndexStale(IndexMissing):
    """The index is older than the repository, the configuration or this program."""


class IndexNewer(FluxidxError):
    """The index was made by a newer version of this program."""


class IndexUnusable(FluxidxError):
    """The index cannot be opened, written or asked: a wrong URL, no permission, a server that does not answer."""


class BadQuery(FluxidxError):
    """A SQL statement of the user that the database refuses; the message is the database's."""
