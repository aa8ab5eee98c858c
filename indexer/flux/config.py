"""The optional ``.fluxidx.toml``: clusters, where sources can be read, and which forge a host runs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping as Table
from typing import TYPE_CHECKING, Any, Final

from indexer.deferred import NamedTuple
from indexer.errors import FluxidxError

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.git.remotes import Forge

FILE_NAME: Final = ".fluxidx.toml"
_NOTHING: Final[Table[str, Any]] = {}


class ConfigError(FluxidxError):
    """A configuration file that cannot be used: ``file:line: what: what to do``."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file = file
        self.line = line
        self.message = message

    @classmethod
    def about(cls, config: Config, text: str, message: str) -> ConfigError:
        """What shows only when ``config`` is used: at the line where ``text`` stands."""
        assert config.path is not None
        try:
            lines = config.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            lines = []
        line = next((number for number, found in enumerate(lines, 1) if text in found), 1)
        return cls(str(config.path), line, message)


class ClusterConfig(NamedTuple):
    """One ``[[cluster]]`` table."""

    name: str
    entry: tuple[str, ...] = ()
    """Files that are applied by hand, from the repository's root; none: the cluster is found in the repository."""
    objects: tuple[Path, ...] = ()
    """Files with objects that exist in the cluster and not in Git."""
    context: str | None = None
    """The kubeconfig context."""
    substitute: Table[str, str] = _NOTHING
    """What an admission webhook adds to the ``postBuild.substitute`` of every Kustomization."""
    strict: bool | None = None
    """Whether an undefined variable without a default fails the unit; None: as the cluster's version of Flux does."""
    kubernetes: str | None = None
    """The version that charts are told (``1.34``); None: the one that the engine was built with."""
    api_versions: tuple[str, ...] = ()
    """``group/version`` or ``group/version/Kind`` that charts are told of beside the built-in ones."""


class SourceConfig(NamedTuple):
    """One ``[[source]]`` table: where a source that is not this repository can be read."""

    url: str
    path: Path

    @classmethod
    def parse(cls, text: str, folder: Path) -> SourceConfig:
        """``URL=PATH``, as on a command line; the path is from ``folder``. Raises FluxidxError."""
        url, _, path = text.rpartition("=")
        if not url or not path:
            raise FluxidxError(f"{text}: not a source: write URL=PATH")
        return cls(url, folder / path)


class CheckConfig(NamedTuple):
    """The ``[check]`` table."""

    gate: str | None = None
    """What ``--gate`` is where the command line has none."""
    rules: Table[str, str] = _NOTHING
    """Rule → ``off``, or the severity of its findings."""


class IgnoreConfig(NamedTuple):
    """One ``[[ignore]]`` table: findings that are known and meant. What it does not name is not asked for."""

    line: int
    """Where the table begins."""
    rules: tuple[str, ...]
    path: str | None = None
    """A glob of the file, from the repository's root; ``**`` goes over directories."""
    object: str | None = None
    """``KIND/NAME`` or ``KIND/NAMESPACE/NAME``, with ``*``."""
    cluster: str | None = None
    reason: str = ""


class PolicyConfig(NamedTuple):
    """One ``[[policy]]`` table: a rule of the repository's own."""

    line: int
    """Where the table begins."""
    name: str
    severity: str
    message: str
    """``{column}`` stands for a column of the row."""
    sql: str


class Config(NamedTuple):
    """What the configuration file says; the defaults where there is none."""

    path: Path | None = None
    clusters: tuple[ClusterConfig, ...] = ()
    sources: tuple[SourceConfig, ...] = ()
    forges: Table[str, Forge] = _NOTHING
    """Host → kind of forge, for permalinks."""
    check: CheckConfig = CheckConfig()
    ignores: tuple[IgnoreConfig, ...] = ()
    policies: tuple[PolicyConfig, ...] = ()
    orphan_excludes: tuple[str, ...] = ()
    """``KIND/NAMESPACE/NAME`` or ``KIND/NAME`` of live objects that ``orphans`` leaves out; ``*`` for any text."""

    @classmethod
    def load(cls, path: Path | str | None = None, root: Path | str | None = None) -> Config:
        """Reads ``path``, or the ``.fluxidx.toml`` of the folder ``root`` where there is one. Raises ConfigError."""
        if path is None:
            path = f"{root}/{FILE_NAME}"
            if root is None or not os.path.isfile(path):  # noqa: PTH113 - pathlib is slow, and most have none
                return cls()
        from pathlib import Path

        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(str(path), 1, f"cannot be read ({error.strerror}): name another file") from None
        except UnicodeDecodeError:
            raise ConfigError(str(path), 1, "is not UTF-8: save it as UTF-8") from None
        from indexer.flux.configfile import Reader

        return Reader(path, text).read()

    def cluster(self, name: str) -> ClusterConfig:
        """What is said of a cluster."""
        return next((cluster for cluster in self.clusters if cluster.name == name), ClusterConfig(name))

    def with_sources(self, sources: Iterable[SourceConfig]) -> Config:
        """This configuration with further sources, which win over its own for the same URL."""
        return self._replace(sources=(*sources, *self.sources))
