"""Which findings fail a run: ``--gate error|warning|note|RULE,…``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from indexer.errors import FluxidxError
from indexer.flux.config import Config, ConfigError
from indexer.query.findings import Finding, Severity

_NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Gate:
    """What fails: every finding at least as bad as a severity, and all findings of some rules."""

    severity: Severity | None
    """None: no severity fails by itself."""
    rules: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str | None, config: Config, known: Collection[str]) -> Gate:
        """The gate of the command line, else of the configuration, else every error. Raises FluxidxError."""
        own = config.check.gate
        if text is not None or own is None:
            return cls.parse(text or Severity.ERROR, known)
        try:
            return cls.parse(own, known, "gate")
        except FluxidxError as error:
            raise ConfigError.about(config, own, str(error)) from None

    @classmethod
    def parse(cls, text: str, known: Collection[str], name: str = "--gate") -> Gate:
        """A gate as it is given by ``name``; ``known`` are the rules. Raises FluxidxError."""
        severity: Severity | None = None
        rules: set[str] = set()
        for word in filter(None, (part.strip() for part in text.split(","))):
            if word in set(Severity):
                given = Severity(word)
                severity = given if severity is None or given.rank > severity.rank else severity
            elif word in known:
                rules.add(word)
            elif word != _NOTHING:
                near = get_close_matches(word, known, 1)
                hint = f"did you mean {near[0]}?" if near else "`fluxidx check --rules` lists them"
                raise FluxidxError(f'{name}: "{word}" is no severity (error, warning, note) and no rule: {hint}')
        return cls(severity, frozenset(rules))

    def stops(self, finding: Finding) -> bool:
        """Whether the finding fails the run."""
        reached = self.severity is not None and finding.severity.rank <= self.severity.rank
        return reached or finding.rule in self.rules

    def fails(self, findings: Iterable[Finding]) -> bool:
        return any(map(self.stops, findings))
