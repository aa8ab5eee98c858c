"""What commands share that ask live clusters: the options, and the clusters that they mean."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from indexer.cli.common import Session, usage
from indexer.deferred import NamedTuple
from indexer.errors import ExitCode

if TYPE_CHECKING:
    from indexer.cluster.reader import Cluster, LiveCluster
    from indexer.index.read import Index
    from indexer.query.survey import Surveyed

_F = TypeVar("_F", bound=Callable[..., Any])
_A = TypeVar("_A")

NOW = "now"
CACHED = "cached"


class LiveOptions(NamedTuple):
    """Which clusters to ask, and how."""

    contexts: tuple[str, ...]
    every: bool
    kubeconfig: str | None
    cached: bool


class LiveCommand(click.Command):
    """A command whose ``--live`` may stand alone: click would take the word after it for its value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        given = [f"--live={NOW}" if word == "--live" else word for word in args[:end]]
        return super().parse_args(ctx, [*given, *args[end:]])


def live_options(*, optional: bool = False) -> Callable[[_F], _F]:
    """Adds the options; the function gets ``live``: LiveOptions, or None where nobody asked for a cluster.

    Unless it is ``optional``, the command always asks one.
    """
    default = "[default: not]" if optional else "[default: ask them]"
    options = [
        click.option(
            "--live",
            "when",
            type=click.Choice([NOW, CACHED]),
            default=None if optional else NOW,
            metavar="[=cached]",
            help=f"Ask the clusters, or what they said last.  {default}",
        ),
        click.option(
            "--context",
            "contexts",
            multiple=True,
            metavar="CONTEXT",
            help="The kubeconfig context to ask (repeatable).  [default: those of the configuration, else the current]",
        ),
        click.option("--all-contexts", is_flag=True, help="Ask every context of the kubeconfig."),
        click.option("--kubeconfig", metavar="FILE", help="The kubeconfig.  [default: as kubectl finds it]"),
    ]

    def decorate(function: _F) -> _F:
        @functools.wraps(function)
        def command(
            *session: Any,
            when: str | None,
            contexts: tuple[str, ...],
            all_contexts: bool,
            kubeconfig: str | None,
            **arguments: Any,
        ) -> Any:
            given = LiveOptions(contexts, all_contexts, kubeconfig, when == CACHED)
            if when is None and (contexts or all_contexts or kubeconfig):
                raise usage("--context, --all-contexts and --kubeconfig are about clusters: add --live")
            if contexts and all_contexts:
                raise usage("--all-contexts is every context: leave --context out")
            return function(*session, live=None if when is None else given, **arguments)

        for option in reversed(options):
            command = option(command)
        return command  # type: ignore[return-value]

    return decorate


@contextmanager
def asked_clusters(session: Session, options: LiveOptions, index: Index) -> Iterator[Sequence[LiveCluster]]:
    """The clusters that the options mean; what they said is kept in the index when the question has been answered.

    Raises KubeconfigError, and FluxidxError where a snapshot is wanted and there is none.
    """
    if options.cached:
        yield _snapshots(session, options, index)
        return
    with asked_servers(session, options) as clusters:
        yield clusters
        _keep(session, clusters)


@contextmanager
def asked_servers(session: Session, options: LiveOptions) -> Iterator[Sequence[Cluster]]:
    """The servers that the options mean, themselves. Raises KubeconfigError."""
    from indexer.cluster.kubeconfig import Kubeconfig
    from indexer.cluster.reader import Cluster

    contexts = Kubeconfig.load(options.kubeconfig).choose(_names(session, options), every=options.every)
    clusters = [Cluster(context) for context in contexts]
    try:
        yield clusters
    finally:
        for cluster in clusters:
            cluster.close()


def show(session: Session, command: str, answers: Sequence[Surveyed[_A]], text: Callable[..., str]) -> None:
    """Prints the answers of ``command``; ``text`` is how they are told to a person."""
    from indexer.report import json, json_cluster

    if session.output == "json":
        click.echo(json.dumps(json_cluster.answer(command, answers)))
    else:
        click.echo(text(answers, session.terminal, session.repository.root, verbose=session.verbose), color=True)


def verdict(surveyed: Sequence[Surveyed[_A]], good: Callable[[_A], bool]) -> ExitCode:
    """The exit code: no cluster gave an answer; something was found, or could not be read; all is well."""
    if all(one.answer is None for one in surveyed):
        return ExitCode.ENVIRONMENT
    fine = all(one.complete and one.answer is not None and good(one.answer) for one in surveyed)
    return ExitCode.DONE if fine else ExitCode.FINDINGS


def _names(session: Session, options: LiveOptions) -> tuple[str, ...]:
    """The contexts by name: as asked for, else those that the configuration gives to the clusters in question."""
    if options.contexts or options.every:
        return options.contexts
    wanted = session.clusters
    return tuple(one.context for one in session.config.clusters if one.context and (not wanted or one.name in wanted))


def _snapshots(session: Session, options: LiveOptions, index: Index) -> Sequence[LiveCluster]:
    from indexer.cluster.snapshot import snapshots
    from indexer.errors import FluxidxError

    names = _names(session, options)
    found = snapshots(index, names)
    if missing := [name for name in names if name not in {one.context for one in found}]:
        raise FluxidxError(f"there is no snapshot of {', '.join(missing)}: ask without =cached first")
    if not found:
        raise FluxidxError("there is no snapshot of any cluster in the index: ask without =cached first")
    return found


def _keep(session: Session, clusters: Sequence[Cluster]) -> None:
    """Writes snapshots; an index that cannot be written is said, and the answer stands."""
    from indexer.cluster.model import Trouble
    from indexer.cluster.snapshot import save
    from indexer.errors import FluxidxError
    from indexer.index.location import locate

    location = locate(session.index_url, session.repository.git_dir)
    for cluster in clusters:
        if any(one.trouble in (Trouble.UNREACHABLE, Trouble.UNAUTHORIZED) for one in cluster.flux.unreadable):
            continue
        try:
            save(location, cluster)
        except FluxidxError as error:
            session.say(f"what {cluster.context} said is not kept: {error}")
