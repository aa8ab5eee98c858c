"""``fluxidx check``: what is wrong or suspicious in the repository as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from indexer.cli.common import Session, shared
from indexer.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from indexer.query.check import Checked
    from indexer.query.gate import Gate
    from indexer.query.rules.catalogue import Rule


@click.command("check")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--gate", metavar="GATE", help="What fails: error, warning, note, none or rules.  [default: error]")
@click.option("--rev", "revision", metavar="REV", help="Check this revision.  [default: the working tree]")
@click.option("--rules", "list_rules", is_flag=True, help="List the rules, and end.")
@shared("text", "json", "markdown", "sarif", "github", "junit", question=False)
def command(
    session: Session, files: tuple[str, ...], gate: str | None, revision: str | None, list_rules: bool
) -> ExitCode:
    """Run all rules on the repository; with FILE or a directory, show findings in these alone.

    Exit code 1: a finding reaches the gate, which is a severity (that and all worse), names of rules, or both with a
    comma between them.
    """
    from indexer import api
    from indexer.query.check import rules_of
    from indexer.query.gate import Gate

    rules = rules_of(session.config)
    if list_rules:
        from indexer.report.text_findings import catalogue

        click.echo(catalogue(list(rules.values()), session.terminal), color=True)
        return ExitCode.DONE
    limit = Gate.of(gate, session.config, rules)
    answer = api.check(session, *files, revision=revision)
    click.echo(_shown(session, answer, rules, limit, files, revision), color=True)
    return ExitCode.FINDINGS if limit.fails(answer.findings) else ExitCode.DONE


def _shown(
    session: Session,
    answer: Checked,
    rules: Mapping[str, Rule],
    limit: Gate,
    files: tuple[str, ...],
    revision: str | None,
) -> str:
    match session.output:
        case "json":
            from indexer.report import json, json_findings

            return json.dumps(json_findings.check(answer, rules, limit, files))
        case "markdown":
            from indexer.query.links import Links
            from indexer.report import markdown_findings

            sha = session.repository.commit(revision) if revision is not None else session.repository.head()
            link = Links(session.repository, session.config, sha)
            return markdown_findings.check(answer, rules, limit, link, session.clusters)
        case "sarif" | "github" | "junit":
            from indexer.report.findings import FORMATS

            judged = {name: rule for name, rule in rules.items() if not rule.of_changes}
            return FORMATS[session.output]("fluxidx check", answer.findings, judged, limit)
    from indexer.report import text_findings

    return text_findings.render(
        answer, rules, limit, session.terminal, session.repository.root, verbose=session.verbose
    )
