"""Reading ``.fluxidx.toml``, and what it says where it is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as Table
from pathlib import Path
from typing import Any, Final, NoReturn

from indexer.flux.config import (
    CheckConfig,
    ClusterConfig,
    Config,
    ConfigError,
    IgnoreConfig,
    PolicyConfig,
    SourceConfig,
)
from indexer.git.remotes import Forge

_VERSION: Final = r"v?[0-9]+\.[0-9]+(\.[0-9]+)?"
_FORGE_NAMES: Final = ", ".join(Forge)
_KEYS: Final = {
    "": ("cluster", "source", "forges", "check", "ignore", "policy", "orphans"),
    "cluster": ("name", "entry", "objects", "context", "substitute", "strict", "kubernetes", "api_versions"),
    "source": ("url", "path"),
    "check": ("gate", "rules"),
    "ignore": ("rule", "path", "object", "cluster", "reason"),
    "orphans": ("exclude",),
    "policy": ("name", "severity", "message", "sql"),
}
_SEVERITIES: Final = ("error", "warning", "note")


class Reader:
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
            self.check(data.get("check", {})),
            tuple(self.ignore(table, n) for n, table in enumerate(self.tables(data, "ignore"))),
            tuple(self.policy(table, n) for n, table in enumerate(self.tables(data, "policy"))),
            self.orphans(data.get("orphans", {})),
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
            self.version(table, "kubernetes", n),
            tuple(self.texts(table, "api_versions", n)),
        )

    def source(self, table: Table[str, Any], n: int) -> SourceConfig:
        self.known(table, "source", n)
        url = self.text_of(table, "url", "source", n)
        try:
            path = Path(self.text_of(table, "path", "source", n)).expanduser()
        except RuntimeError:
            self.fail("path", '"path" begins with the home folder of nobody: write it out', "source", n)
        return SourceConfig(url, self.path.parent / path)

    def forges(self, table: Any) -> dict[str, Forge]:
        forges = {}
        for host, kind in self.strings(table, "forges", "", 0).items():
            try:
                forges[host] = Forge(kind)
            except ValueError:
                self.fail(host, f'"{kind}" is no known forge: use one of {_FORGE_NAMES}', "forges", 0)
        return forges

    def check(self, table: Any) -> CheckConfig:
        if not isinstance(table, dict):
            self.fail("check", '"check" has to be a table: write [check]', "", 0)
        self.known(table, "check", 0)
        rules = self.strings(table.get("rules", {}), "rules", "check", 0)
        for rule, severity in rules.items():
            self.severity(severity, rule, "check", 0, "off")
        return CheckConfig(self.text_of(table, "gate", "check", 0) if "gate" in table else None, rules)

    def ignore(self, table: Table[str, Any], n: int) -> IgnoreConfig:
        self.known(table, "ignore", n)
        given = table.get("rule")
        rules: list[Any] = given if isinstance(given, list) else [given]
        if not rules or not all(isinstance(rule, str) for rule in rules):
            self.fail("rule", '"rule" of [[ignore]] has to name a rule, or a list of them: add rule = "…"', "ignore", n)
        path, obj, cluster, reason = (
            self.text_of(table, key, "ignore", n) if key in table else None
            for key in ("path", "object", "cluster", "reason")
        )
        return IgnoreConfig(self.header("ignore", n), tuple(rules), path, obj, cluster, reason or "")

    def policy(self, table: Table[str, Any], n: int) -> PolicyConfig:
        self.known(table, "policy", n)
        name, severity, message, sql = (
            self.text_of(table, key, "policy", n) for key in ("name", "severity", "message", "sql")
        )
        self.severity(severity, "severity", "policy", n)
        return PolicyConfig(self.header("policy", n), name, severity, message, sql)

    def orphans(self, table: Any) -> tuple[str, ...]:
        if not isinstance(table, dict):
            self.fail("orphans", '"orphans" has to be a table: write [orphans]', "", 0)
        self.known(table, "orphans", 0)
        excludes = self.texts(table, "exclude", 0)
        for one in excludes:
            if not 2 <= len(one.split("/")) <= 3:
                self.fail("exclude", f'"{one}" names no object: write KIND/NAME or KIND/NAMESPACE/NAME', "orphans", 0)
        return tuple(excludes)

    def severity(self, value: str, key: str, section: str, n: int, *more: str) -> None:
        allowed = (*_SEVERITIES, *more)
        if value not in allowed:
            self.fail(key, f'"{value}" is no severity: use one of {", ".join(allowed)}', section, n)

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

    def version(self, table: Table[str, Any], key: str, n: int) -> str | None:
        value = table.get(key)
        if value is not None and (not isinstance(value, str) or not re.fullmatch(_VERSION, value)):
            self.fail(key, f'"{key}" has to be a version in a text: write {key} = "1.34"', "cluster", n)
        return value

    def fail(self, key: str, message: str, section: str, n: int) -> NoReturn:
        raise ConfigError(str(self.path), self.line(key, section, n), message)

    def line(self, key: str, section: str, n: int) -> int:
        """The line of a key in the nth table of a name (tomllib keeps no positions), else the table's own."""
        lines = self.text.splitlines()
        start = self.header(section, n) - 1
        spelled = re.compile(rf"\s*(?:\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
        found = (i for i, line in enumerate(lines) if i >= start and spelled.match(line))
        return next(found, start) + 1

    def header(self, section: str, n: int) -> int:
        """The line of the nth table of a name; 1 for what is in none."""
        spelled = re.compile(rf"\s*\[+\s*{re.escape(section)}\b") if section else None
        headers = [i for i, line in enumerate(self.text.splitlines(), 1) if spelled is not None and spelled.match(line)]
        return headers[n] if n < len(headers) else 1
