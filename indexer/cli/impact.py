"""``fluxidx impact``: what merging a change does, on every cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from indexer.cli.common import Session, shared
from indexer.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.query.findings import Finding
    from indexer.query.gate import Gate
    from indexer.query.impact import Impact


@click.command("impact")
@click.argument("change", metavar="[BASE[..HEAD]]", required=False)
@click.option("--diff", "with_diff", is_flag=True, help="Show the rendered diff of each object.")
@click.option(
    "--gate",
    metavar="SEVERITY|RULE,...",
    default="error",
    show_default=True,
    help="The findings that make it exit 1: error, warning, note or names of rules; none: never.",
)
@shared("text", "json", "markdown", "sarif", "github", "junit", question=False)
def command(session: Session, change: str | None, with_diff: bool, gate: str) -> ExitCode:
    """Show what merging a change does, on every cluster.

    BASE alone is compared with the working tree, untracked files included; BASE..HEAD are two revisions, and
    BASE...HEAD begins where both parted.  [default: from where this branch left its upstream, to the working tree]
    """
    from indexer import api
    from indexer.query.gate import Gate
    from indexer.query.rules.catalogue import RULES

    stop = Gate.parse(gate, RULES)
    answer, found = api.impact(session, change)
    click.echo(_shown(session, answer, found, stop, with_diff=with_diff), color=session.terminal.colour)
    return ExitCode.FINDINGS if stop.fails(found) else ExitCode.DONE


def _shown(session: Session, answer: Impact, found: Sequence[Finding], stop: Gate, *, with_diff: bool) -> str:
    from indexer.query.rules.catalogue import RULES

    match session.output:
        case "json":
            from indexer.report import json, json_impact

            return json.dumps(json_impact.impact(answer, found, with_diff=with_diff))
        case "markdown":
            from indexer.query.links import Links
            from indexer.report import markdown_impact

            link = Links(session.repository, session.config, answer.head.commit or session.repository.head())
            return markdown_impact.render(
                answer, found, RULES, stop, link, clusters=session.clusters, with_diff=with_diff
            )
        case "sarif" | "github" | "junit":
            from indexer.report.findings import FORMATS

            return FORMATS[session.output]("fluxidx impact", found, RULES, stop)
    from indexer.report import text_impact

    root = session.repository.root
    return text_impact.render(answer, found, session.terminal, root, verbose=session.verbose, with_diff=with_diff)
