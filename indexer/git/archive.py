"""The files of a gzipped tar archive, read in memory and bounded."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Iterator
from typing import Final

SUFFIXES: Final = (".tar.gz", ".tgz")
_MAX_BYTES: Final = 1 << 26
"""Bytes of what an archive unpacks to; Helm and Flux themselves stop at 100 MiB."""


class ArchiveError(Exception):
    """An archive that cannot be read, or unpacks to too much."""


def unpack(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The regular files of an archive that lie inside of it, by path. Raises ArchiveError."""
    import tarfile

    left = _MAX_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            for member in archive:
                left -= member.size
                if left < 0:
                    raise ArchiveError(f"it unpacks to more than {_MAX_BYTES >> 20} MiB")
                path = posixpath.normpath(member.name)
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None and not path.startswith(("/", "../")):
                    yield path, content.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ArchiveError(str(error)) from None
