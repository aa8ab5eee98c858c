"""``fluxidx blame``: the rendered object, each line with the line that set it and what that overrode."""

from __future__ import annotations

import click

from indexer.cli.common import Session, shared


@click.command("blame")
@click.argument("words", metavar="OBJECT", nargs=-1, required=True)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Only objects of this namespace.")
@click.option("--field", metavar="POINTER", help="Explain one field at length: a JSON pointer, like /spec/replicas.")
@click.option("--at", "revision", metavar="REV", help="Answer for this revision.  [default: the working tree]")
@shared("text", "json")
def command(
    session: Session, words: tuple[str, ...], namespace: str | None, field: str | None, revision: str | None
) -> None:
    """Show which line set each field of OBJECT, and what it overrode.

    OBJECT as in `fluxidx where`. Values of Secrets and of SOPS-encrypted documents are not shown.
    """
    from indexer.query.blame import blame
    from indexer.query.names import parse
    from indexer.query.scope import Scope
    from indexer.report import json, json_blame, text_blame

    name = parse(words, namespace)
    with session.index(revision) as index:
        scope = Scope.of(index, session.repository, session.clusters)
        answer = blame(scope, name, session.repository, session.tree(revision), session.config, field)
    if session.output == "json":
        click.echo(json.dumps(json_blame.blame(answer)))
    else:
        click.echo(text_blame.render(answer, session.terminal, session.repository.root), color=True)
