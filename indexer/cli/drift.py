"""``fluxidx drift``: fields of live objects that are not as Git has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from indexer.cli.common import Session, shared, usage
from indexer.cli.live import LiveOptions, asked_servers, live_options, show, verdict
from indexer.errors import ExitCode

if TYPE_CHECKING:
    from indexer.cluster.model import Unreadable
    from indexer.query.drift import Drift, Whole


@click.command("drift")
@click.option(
    "--server-dry-run",
    is_flag=True,
    help="Ask the server what applying Git would change; needs the right to patch. Nothing is written.",
)
@live_options()
@shared("text", "json")
def command(session: Session, server_dry_run: bool, live: LiveOptions) -> ExitCode:
    """Show fields of live objects that are not as the applied commit has them, with the line that sets each.

    Defaults that the server fills in are no drift, and Secrets are not read.
    """
    from indexer.query.drifting import drifting
    from indexer.query.survey import survey
    from indexer.report import text_cluster

    if live.cached:
        raise usage("drift looks at whole objects, and a snapshot has none: leave --live=cached out")
    with session.index() as index, asked_servers(session, live) as clusters:
        scope = session.scope(index)

        def ask(name: str, cluster: Whole) -> tuple[Drift, Iterable[Unreadable]]:
            answer = drifting(name, cluster, session.repository, session.config, ask_server=server_dry_run)
            return answer, answer.unreadable

        answers = list(survey(scope, session.config, session.repository, clusters, ask))
    show(session, "drift", answers, text_cluster.drift)
    return verdict(answers, lambda answer: not answer.objects)
