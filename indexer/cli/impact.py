"""``fluxidx impact``: what merging a change does, on every cluster."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from indexer.cli.common import Session, shared
from indexer.cli.live import LiveCommand, LiveOptions, asked_clusters, asked_servers, live_options
from indexer.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from indexer.cluster.reader import LiveCluster
    from indexer.query.findings import Finding
    from indexer.query.gate import Gate
    from indexer.query.impact import Impact
    from indexer.query.impact.live import Said
    from indexer.query.rules.catalogue import Rule


@click.command("impact", cls=LiveCommand)
@click.argument("change", metavar="[BASE[..HEAD]]", required=False)
@click.option("--diff", "with_diff", is_flag=True, help="Show the rendered diff of each object.")
@click.option(
    "--gate",
    metavar="SEVERITY|RULE,...",
    help="The findings that make it exit 1: error, warning, note or names of rules; none: never.  [default: error]",
)
@live_options(optional=True)
@shared("text", "json", "markdown", "sarif", "github", "junit", question=False)
def command(
    session: Session, change: str | None, with_diff: bool, gate: str | None, live: LiveOptions | None
) -> ExitCode:
    """Show what merging a change does, on every cluster.

    BASE alone is compared with the working tree, untracked files included; BASE..HEAD are two revisions, and
    BASE...HEAD begins where both parted.  [default: from where this branch left its upstream, to the working tree]
    """
    from indexer import api
    from indexer.query.check import rules_of
    from indexer.query.gate import Gate

    rules = rules_of(session.config)
    stop = Gate.of(gate, session.config, rules)
    with _clusters(session, live) as clusters:
        answer, found, said = api.impact(session, change, clusters)
    click.echo(_shown(session, answer, found, rules, stop, said, with_diff=with_diff), color=session.terminal.colour)
    if stop.fails(found):
        return ExitCode.FINDINGS
    return ExitCode.DONE if said is None or any(one.answer for one in said) else ExitCode.ENVIRONMENT


@contextmanager
def _clusters(session: Session, live: LiveOptions | None) -> Iterator[Sequence[LiveCluster] | None]:
    """The clusters to ask; None without ``--live``."""
    if live is None:
        yield None
    elif live.cached:
        with session.index() as index, asked_clusters(session, live, index) as clusters:
            yield clusters
    else:
        with asked_servers(session, live) as servers:
            yield servers


def _shown(
    session: Session,
    answer: Impact,
    found: Sequence[Finding],
    rules: Mapping[str, Rule],
    stop: Gate,
    said: Sequence[Said] | None,
    *,
    with_diff: bool,
) -> str:
    match session.output:
        case "json":
            from indexer.report import json, json_impact

            live = _in_json(answer, said) if said is not None else None
            return json.dumps(json_impact.impact(answer, found, rules, stop, live=live, with_diff=with_diff))
        case "markdown":
            from indexer.query.impact.places import on_head
            from indexer.query.links import Links
            from indexer.report import markdown_impact

            link = Links(session.repository, session.config, answer.head.commit or session.repository.head())
            found = on_head(answer, found)
            return markdown_impact.render(
                answer, found, rules, stop, link, clusters=session.clusters, said=said, with_diff=with_diff
            )
        case "sarif" | "github" | "junit":
            from indexer.query.impact.places import on_head
            from indexer.report.findings import FORMATS

            return FORMATS[session.output]("fluxidx impact", on_head(answer, found), rules, stop)
    from indexer.report import text_impact

    terminal, root, verbose = session.terminal, session.repository.root, session.verbose
    text = text_impact.render(answer, found, rules, terminal, root, verbose=verbose, with_diff=with_diff)
    if said is None:
        return text
    from indexer.query.impact.live import not_asked
    from indexer.report import text_impact_live

    return f"{text}\n{text_impact_live.render(said, not_asked(answer, said), terminal, verbose=verbose)}"


def _in_json(answer: Impact, said: Sequence[Said]) -> dict[str, Any]:
    from indexer.query.impact.live import not_asked
    from indexer.report import json_impact_live

    return json_impact_live.live(said, not_asked(answer, said))
