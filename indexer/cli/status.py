"""``fluxidx status``: how far each unit is in the clusters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from indexer.cli.common import Session, shared
from indexer.cli.live import LiveOptions, asked_clusters, live_options, show, verdict
from indexer.errors import ExitCode

if TYPE_CHECKING:
    from indexer.cluster.model import Unreadable
    from indexer.cluster.reader import LiveCluster
    from indexer.query.status import Status


@click.command("status")
@live_options()
@shared("text", "json")
def command(session: Session, live: LiveOptions) -> ExitCode:
    """Show units that are not in sync: behind, failed, suspended, not deployed, no longer defined.

    -v shows all units. Exit code 1 says that there is one, or that something could not be read.
    """
    from indexer.query.status import status
    from indexer.query.survey import survey
    from indexer.report import text_cluster

    with session.index() as index, asked_clusters(session, live, index) as clusters:
        scope = session.scope(index)

        def ask(name: str, cluster: LiveCluster) -> tuple[Status, Iterable[Unreadable]]:
            answer = status(scope, name, cluster, session.repository)
            return answer, answer.unreadable

        answers = list(survey(scope, session.config, session.repository, clusters, ask))
    show(session, "status", answers, text_cluster.status)
    return verdict(answers, lambda answer: answer.good)
