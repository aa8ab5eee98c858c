"""``fluxidx render``: YAML as the controller, or ``kustomize build``, would make it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.cli.common import Session, passed_on, shared, usage
from indexer.errors import ExitCode, FluxidxError, NotFound

if TYPE_CHECKING:
    from indexer.flux.model import RenderedObject, Unit
    from indexer.manifest.node import Node
    from indexer.manifest.provenance import Span


@click.group("render")
@passed_on
def command() -> None:
    """Print YAML as the controller would apply it.

    Nothing is hidden here: values of Secrets are printed as the files hold them.
    """


_NO_PROGRAMS = "nothing that a repository names is ever run, and a build that needs it fails"
_FLAGS = ("--as-current-user", "--enable-alpha-plugins", "--enable-exec", "--enable-helm", "--helm-debug", "--network")
_VALUES = ("--env", "--helm-api-versions", "--helm-command", "--helm-kube-version", "--mount", "--network-name")


def _warn(_: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        click.echo(f"{option.opts[-1]} has no effect: {_NO_PROGRAMS}", err=True)


def _powerless(function: Any) -> Any:
    """Adds the options of ``kustomize build`` that let it run programs, so that command lines need no change."""
    for name in _FLAGS:
        function = click.option(name, is_flag=True, hidden=True, expose_value=False, callback=_warn)(function)
    for name in _VALUES:
        names = ("-e", name) if name == "--env" else (name,)
        function = click.option(*names, multiple=True, hidden=True, expose_value=False, callback=_warn)(function)
    return function


@command.command("dir")
@click.argument("directory", metavar="DIR", default=".", type=click.Path(path_type=Path))
@click.option(
    "--load-restrictor",
    type=click.Choice(["LoadRestrictionsNone", "LoadRestrictionsRootOnly"]),
    default="LoadRestrictionsRootOnly",
    show_default=True,
    help="Whether files outside DIR may be read.",
)
@click.option(
    "--reorder",
    type=click.Choice(["legacy", "none"]),
    default="legacy",
    show_default=True,
    help="Sort by kind before printing, unless the kustomization says how to sort.",
)
@click.option("--enable-managedby-label", is_flag=True, help="Add the label app.kubernetes.io/managed-by.")
@click.option(
    "-o", "--output", "target", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write to a file."
)
@_powerless
@shared(question=False)
def directory(
    session: Session,
    directory: Path,
    load_restrictor: str,
    reorder: str,
    enable_managedby_label: bool,
    target: Path | None,
) -> ExitCode:
    """Print what `kustomize build DIR` prints."""
    from indexer.flux.remotebases import RemoteBases
    from indexer.flux.sources import Sources
    from indexer.git.directory import DirectoryTree
    from indexer.kustomize.build import Options, Reorder, build
    from indexer.kustomize.errors import KustomizeError
    from indexer.kustomize.loader import LoadRestrictor

    options = Options(LoadRestrictor(load_restrictor), Reorder(reorder), managed_by_label=enable_managedby_label)
    tree = DirectoryTree("/")
    remotes = RemoteBases(Sources(None, tree, session.config_around(directory)))
    try:
        built = build(tree, directory.absolute().as_posix().lstrip("/"), options, remotes=remotes)
    except KustomizeError as error:
        click.echo(f"Error: {error}", err=True)
        if error.span is not None or error.problem != str(error):
            session.say(f"{_place(error.span)}{error.problem}")
        return ExitCode.FINDINGS
    for warning in built.warnings:
        session.say(warning)
    _print([resource.root for resource in built.resources], target)
    return ExitCode.DONE


def _place(span: Span | None) -> str:
    """What begins a message about a file of the tree that is the whole file system, or of a copy of a remote base."""
    if span is None:
        return ""
    return f"/{span}: " if span.source.repository is None else f"{span}: "


@command.command("unit")
@click.argument("unit", metavar="KIND/NAMESPACE/NAME")
@click.option("--at", "revision", metavar="REV", help="Render this revision.  [default: the working tree]")
@shared(question=False)
def unit(session: Session, unit: str, revision: str | None) -> None:
    """Print all that a Kustomization, HelmRelease … applies."""
    from indexer.query.names import parse_unit

    kinds, namespace, name = parse_unit(unit)
    units = [
        one
        for one in _units(session, revision)
        if one.id.kind in kinds and (one.id.namespace, one.id.name) == (namespace, name)
    ]
    if not units:
        raise NotFound(f"there is no unit {unit} in this repository: fluxidx units lists them")
    _one_cluster([one.cluster for one in units])
    found = units[0]
    if found.reason is not None:
        raise FluxidxError(f"{found.id} could not be rendered: {found.reason}")
    _print_objects(found.objects)


@command.command("object")
@click.argument("words", metavar="OBJECT", nargs=-1, required=True)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Only objects of this namespace.")
@click.option("--at", "revision", metavar="REV", help="Render this revision.  [default: the working tree]")
@shared()
def object_(session: Session, words: tuple[str, ...], namespace: str | None, revision: str | None) -> None:
    """Print one object; OBJECT as in `fluxidx where`."""
    from indexer.query.names import find, parse
    from indexer.query.rows import object_of, unit_of
    from indexer.query.scope import Scope

    with session.index(revision) as index:
        rows = find(Scope.of(index, session.repository, session.clusters), parse(words, namespace))
    wanted = {(row["cluster"], unit_of(row), object_of(row)) for row in rows}
    _one_cluster([row["cluster"] for row in rows])
    _print_objects(
        one for unit in _units(session, revision) for one in unit.objects if (unit.place, unit.id, one.id) in wanted
    )


def _units(session: Session, revision: str | None) -> list[Unit]:
    """Every unit that the question is about, rendered anew: the index holds no values."""
    from indexer.flux.render import render_repository
    from indexer.query.scope import demand_clusters, names_of

    clusters = render_repository(session.repository, session.tree(revision), session.config)
    demand_clusters(session.clusters, names_of(clusters))
    wanted = session.clusters
    units = (unit for cluster in clusters for unit in cluster.units)
    return [unit for unit in units if not wanted or unit.cluster in wanted or unit.place in wanted]


def _one_cluster(clusters: list[str]) -> None:
    """Raises unless it is clear of which cluster to print: YAML of two would be one useless stream."""
    names = list(dict.fromkeys(clusters))
    if len(names) > 1:
        raise usage(f"it is on {len(names)} clusters ({', '.join(names)}): name one with --cluster.")


def _print_objects(objects: Iterable[RenderedObject]) -> None:
    _print([one.tree for one in objects if one.tree is not None], None)


def _print(roots: Iterable[Node], target: Path | None) -> None:
    """Writes documents as kustomize does, to standard output or to a file."""
    from indexer.manifest.emit import emit
    from indexer.manifest.scalars import to_data

    text = "---\n".join(emit(to_data(root)) for root in roots)
    if target is None:
        click.echo(text, nl=False)
    else:
        target.write_text(text, encoding="utf-8")
