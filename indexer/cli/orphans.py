"""``fluxidx orphans``: what runs and no code defines, and what is defined and does not run."""

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
    from indexer.query.orphans import Orphans


@click.command("orphans")
@click.option("--explain", is_flag=True, help="List what is left out too, each with the rule that says why.")
@live_options()
@shared("text", "json")
def command(session: Session, explain: bool, live: LiveOptions) -> ExitCode:
    """Show live objects that no code defines, and what is defined and not there.

    Objects that Kubernetes or a controller makes are left out by rules, and those that `exclude` of `[orphans]` in
    the configuration names.
    """
    from indexer.query.orphans import listable, orphans
    from indexer.query.survey import survey
    from indexer.report import text_cluster

    with session.index() as index, asked_clusters(session, live, index) as clusters:
        scope = session.scope(index)

        def ask(name: str, cluster: LiveCluster) -> tuple[Orphans, Iterable[Unreadable]]:
            listed = cluster.everything(listable(cluster.discovery))
            answer = orphans(scope, name, listed, cluster.flux, session.config.orphan_excludes, explain=explain)
            return answer, answer.unreadable

        answers = list(survey(scope, session.config, session.repository, clusters, ask))
    show(session, "orphans", answers, text_cluster.orphans)
    return verdict(answers, lambda answer: not (answer.orphans or answer.missing))
