"""The optional ``.fluxidx.toml``: clusters, where sources can be read, and which forge a host runs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from indexer.errors import FluxidxError
from indexer.git.remotes import Forge

FILE_NAME: Final = ".fluxidx.toml"
_FORGE_NAMES: Final = ", ".join(Forge)


class ConfigError(FluxidxError):
    """A configuration file that cannot be used: ``file:line: what: what to do``."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file = file
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """One ``[[cluster]]`` table."""

    name: str
    entry: tuple[str, ...] = ()
    """Files that are applied by hand, from the repository's root; none: the cluster is found in the repository."""
    objects: tuple[Path, ...] = ()
    """Files with objects that exist in the cluster and not in Git."""
    context: str | None = None
    """The kubeconfig context."""
    substitute: Table[str, str] = field(default_factory=dict)
    """What an admission webhook adds to the ``postBuild.substitute`` of every Kustomization."""
    strict: bool | None = None
    """Whether an undefined variable without a default fails the unit; None: as the cluster's version of Flux does."""


@dataclass(frozen=True, slots=True)
class SourceConfig:
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


@dataclass(frozen=True, slots=True)
class Config:
    """What the configuration file says; the defaults where there is none."""

    path: Path | None = None
    clusters: tuple[ClusterConfig, ...] = ()
    sources: tuple[SourceConfig, ...] = ()
    forges: Table[str, Forge] = field(default_factory=dict)
    """Host → kind of forge, for permalinks."""

    @classmethod
    def load(cls, path: Path | None = None, root: Path | None = None) -> Config:
        """Reads ``path``, or the ``.fluxidx.toml`` of the folder ``root`` where there is one. Raises ConfigError."""
        if path is None:
            if root is None or not (root / FILE_NAME).is_file():
                return cls()
            path = root / FILE_NAME
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(str(path), 1, f"cannot be read ({error.strerror}): name another file") from None
        except UnicodeDecodeError:
            raise ConfigError(str(path), 1, "is not UTF-8: save it as UTF-8") from None
        return _Reader(path, text).read()

    def with_sources(self, sources: Iterable[SourceConfig]) -> Config:
        """This configuration with further sources, which win over its own for the same URL."""
        return replace(self, sources=(*sources, *self.sources))


_KEYS: Final = {
    "": ("cluster", "source", "forges"),
    "cluster": ("name", "entry", "objects", "context", "substitute", "strict"),
    "source": ("url", "path"),
}


class _Reader:
    """Checks the tables of one file; every problem is reported with the line of its key."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text

    def read(self) -> Config:
        try:
            data = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"\s*\(at line (\d+), column \d+\)", str(error))
            line = int(place[1]) if place else self.text.count("\n") + 1
            what = re.sub(r"\s*\(at .*\)", "", str(error))
            raise ConfigError(str(self.path), line, f"is not TOML ({what}): correct this line") from None
        self.known(data, "", 0)
        clusters = tuple(self.cluster(table, n) for n, table in enumerate(self.tables(data, "cluster")))
        names = [cluster.name for cluster in clusters]
        for n, name in enumerate(names):
            if name in names[:n]:
                self.fail("name", f'there are two clusters "{name}": give each its own name', "cluster", n)
        return Config(
            self.path,
            clusters,
            tuple(self.source(table, n) for n, table in enumerate(self.tables(data, "source"))),
            self.forges(data.get("forges", {})),
        )

    def cluster(self, table: Table[str, Any], n: int) -> ClusterConfig:
        self.known(table, "cluster", n)
        return ClusterConfig(
            self.text_of(table, "name", "cluster", n),
            tuple(self.texts(table, "entry", n)),
            tuple(self.path.parent / name for name in self.texts(table, "objects", n)),
            self.text_of(table, "context", "cluster", n) if "context" in table else None,
            self.strings(table.get("substitute", {}), "substitute", "cluster", n),
            self.flag(table, "strict", n),
        )

    def source(self, table: Table[str, Any], n: int) -> SourceConfig:
        self.known(table, "source", n)
        url = self.text_of(table, "url", "source", n)
        return SourceConfig(url, self.path.parent / self.text_of(table, "path", "source", n))

    def forges(self, table: Any) -> dict[str, Forge]:
        forges = {}
        for host, kind in self.strings(table, "forges", "", 0).items():
            try:
                forges[host] = Forge(kind)
            except ValueError:
                self.fail(host, f'"{kind}" is no known forge: use one of {_FORGE_NAMES}', "forges", 0)
        return forges

    def tables(self, data: Table[str, Any], key: str) -> list[Table[str, Any]]:
        value = data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fail(key, f'"{key}" is no list of tables: write [[{key}]]', "", 0)
        return value

    def known(self, table: Table[str, Any], section: str, n: int) -> None:
        for key in table:
            if key not in _KEYS[section]:
                self.fail(key, f'unknown key "{key}": use one of {", ".join(_KEYS[section])}', section, n)

    def text_of(self, table: Table[str, Any], key: str, section: str, n: int) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value:
            self.fail(key, f'"{key}" of [[{section}]] has to be a text: add {key} = "…"', section, n)
        return value

    def texts(self, table: Table[str, Any], key: str, n: int) -> list[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail(key, f'"{key}" has to be a list of texts: write {key} = ["…"]', "cluster", n)
        return value

    def strings(self, value: Any, key: str, section: str, n: int) -> dict[str, str]:
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            self.fail(key, f'"{key}" has to be a table of texts: write NAME = "value"', section, n)
        return value

    def flag(self, table: Table[str, Any], key: str, n: int) -> bool | None:
        value = table.get(key)
        if value is not None and not isinstance(value, bool):
            self.fail(key, f'"{key}" has to be true or false: write {key} = false', "cluster", n)
        return value

    def fail(self, key: str, message: str, section: str, n: int) -> NoReturn:
        raise ConfigError(str(self.path), self.line(key, section, n), message)

    def line(self, key: str, section: str, n: int) -> int:
        """The line of a key in the nth table of a name (tomllib keeps no positions), else the table's own."""
        lines = self.text.splitlines()
        headers = (
            [i for i, line in enumerate(lines) if re.match(rf"\s*\[+\s*{re.escape(section)}\b", line)]
            if section
            else []
        )
        start = headers[n] if n < len(headers) else 0
        spelled = re.compile(rf"\s*(?:\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
        found = (i for i, line in enumerate(lines) if i >= start and spelled.match(line))
        return next(found, start) + 1
