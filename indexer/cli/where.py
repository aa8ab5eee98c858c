"""``fluxidx where``: everything that made an object what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from indexer.cli.common import Session, shared, usage
from indexer.cli.live import LiveCommand, LiveOptions, asked_clusters, live_options
from indexer.errors import ExitCode, NotFound

if TYPE_CHECKING:
    from indexer.query.answers import Where
    from indexer.query.names import Name


@click.command("where", cls=LiveCommand)
@click.argument("words", metavar="OBJECT", nargs=-1, required=True)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Only objects of this namespace.")
@click.option("--at", "revision", metavar="REV", help="Answer for this revision.  [default: the working tree]")
@live_options(optional=True)
@shared("text", "json")
def command(
    session: Session, words: tuple[str, ...], namespace: str | None, revision: str | None, live: LiveOptions | None
) -> int:
    """Show everything that made OBJECT what it is.

    OBJECT is KIND/NAME, KIND NAME or KIND/NAMESPACE/NAME. KIND is anything kubectl takes: deploy, Deployment,
    deployments.apps. A '*' in NAME stands for any text.
    """
    from indexer import api
    from indexer.query.answers import Where
    from indexer.query.names import parse

    if live is not None:
        if revision is not None:
            raise usage("--live answers for the revision that the cluster applied: leave --at out")
        return _live(session, parse(words, namespace), live)
    session.look(revision)
    if session.output == "text":
        from indexer.report.text_where import render  # while git looks
    try:
        answer = api.where(session, *words, namespace=namespace, revision=revision)
    except NotFound:
        if session.output == "json":
            _print_json(Where(str(parse(words, namespace)), ()))
        raise
    if session.output == "json":
        _print_json(answer)
    else:
        click.echo(render(answer, session.terminal, session.repository.root, verbose=session.verbose), color=True)
    return ExitCode.DONE


def _print_json(answer: Where) -> None:
    from indexer.report import json

    click.echo(json.dumps(json.where(answer)))


def _live(session: Session, name: Name, options: LiveOptions) -> int:
    """The answer of the clusters: 1 where no code defines what runs, 2 where no cluster gave an answer."""
    from indexer.cluster.model import Trouble
    from indexer.query.live import Asking, where_live
    from indexer.report import json_live, text_live
    from indexer.report.json import dumps

    with session.index() as index, asked_clusters(session, options, index) as clusters:
        asking = Asking(session.repository, session.config, session.scope(index), session.index)
        answer = where_live(asking, name, clusters)
    if session.output == "json":
        click.echo(dumps(json_live.where(answer)))
    else:
        root = session.repository.root
        click.echo(text_live.render(answer, session.terminal, root, verbose=session.verbose), color=True)
    silent = {Trouble.UNREACHABLE, Trouble.UNAUTHORIZED}
    if all(any(one.trouble in silent for one in asked.unreadable) for asked in answer.clusters):
        return ExitCode.ENVIRONMENT
    controlled = any(one.match is not None or (one.live and one.live.is_managed) for one in answer.matches)
    return ExitCode.DONE if controlled else ExitCode.FINDINGS
