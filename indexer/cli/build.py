"""``fluxidx build``: index the repository, and say what could not be rendered and why."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import click

from indexer.cli.common import Session, shared
from indexer.deferred import regex
from indexer.errors import ExitCode
from indexer.flux.identity import UnitState
from indexer.report.terminal import Terminal

if TYPE_CHECKING:
    from indexer.flux.division import Shard
    from indexer.flux.lack import Lack
    from indexer.index.build import BuildReport, ClusterTotals, Problem
    from indexer.index.shards import Handed


def _shard(context: click.Context, option: click.Parameter, value: str | None) -> Shard | None:
    """The part that ``--shard`` names."""
    if value is None:
        return None
    from indexer.flux.division import Shard

    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", value)
    if found is None or int(found[1]) >= int(found[2]):
        raise click.BadParameter(f"{value!r} is no part of a whole: write I/N, with I from 0 to N-1", context, option)
    return Shard(int(found[1]), int(found[2]))


@click.command("build")
@click.option("--rev", "revision", metavar="REV", help="Index this revision.  [default: the working tree]")
@click.option("--strict", is_flag=True, help="Exit 1 when a unit failed or was not resolved (charts and keys aside).")
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Render in N processes.  [default: as many as pay]"
)
@click.option(
    "--shard",
    callback=_shard,
    metavar="I/N",
    help="Render part I (from 0) of N, on one of N machines; the last part that is in publishes the index.",
)
@shared("text", "json", question=False)
def command(session: Session, revision: str | None, strict: bool, jobs: int | None, shard: Shard | None) -> int:
    """Index the working tree, uncommitted and untracked files included, or a revision.

    Units that fail are listed and do not fail the build. Nothing is done where the index is up to date.
    """
    from indexer import api

    handed: Handed | None = None
    report: BuildReport | None = None
    with _Progress(shown=not session.quiet and sys.stderr.isatty()) as progress:
        if shard is None:
            report = api.build(session, revision=revision, jobs=jobs, progress=progress)
        else:
            handed = api.build_shard(session, shard, revision=revision, jobs=jobs, progress=progress)
            report = handed.report
    if session.output == "json":
        from indexer.report.json import dumps

        click.echo(dumps(_json(session, revision, report, handed)))
    elif report is not None:
        click.echo(_text(report, session.terminal, verbose=session.verbose))
    elif handed is not None:
        click.echo(_handed(handed))
    if report is None:
        return ExitCode.DONE
    failed = any(_lack(problem) is None for problem in report.problems)
    return ExitCode.FINDINGS if strict and failed else ExitCode.DONE


class _Progress:
    """One line on a terminal's standard error that says what is being rendered, and is gone in the end."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown

    def __call__(self, message: str) -> None:
        if self._shown:
            width = Terminal.of(sys.stderr, "never", {}).width
            click.echo(f"\r\x1b[2K{message[: width - 1]}", nl=False, err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shown:
            click.echo("\r\x1b[2K", nl=False, err=True)


def _json(session: Session, revision: str | None, report: BuildReport | None, handed: Handed | None) -> dict[str, Any]:
    from indexer.report.json import SCHEMA, unit

    part = None if handed is None else {**handed.shard._asdict(), "units": handed.units, "missing": handed.missing}
    return {
        "schema": SCHEMA,
        "query": {"command": "build", "revision": revision if report is None else report.revision},
        "index": str(session.location if report is None else report.location),
        "rendered": report is None or report.rendered,
        "shard": part,
        "clusters": [
            {"cluster": one.cluster, "units": {str(state): n for state, n in one.units.items()}, "objects": one.objects}
            for one in (report.clusters if report is not None else ())
        ],
        "problems": [
            {"cluster": one.cluster, "unit": unit(one.unit), "state": one.state, "reason": one.reason}
            for one in (report.problems if report is not None else ())
        ],
    }


def _handed(handed: Handed) -> str:
    """What a part that was not the last one says."""
    from indexer.report.text import count

    done = f"{count(handed.units, 'unit')}, handed in" if handed.units else "handed in before"
    missing = ", ".join(map(str, handed.missing))
    return f"Part {handed.shard}: {done}. The index is published when {missing} of {handed.shard.of} are in, too."


def _lack(problem: Problem) -> Lack | None:
    from indexer.flux.lack import lack_of

    return lack_of(problem.state, problem.reason)


def _text(report: BuildReport, terminal: Terminal, *, verbose: bool) -> str:
    """Totals of each cluster, then each reason once, with the units it keeps from being rendered."""
    from indexer.report.absent import left_alone
    from indexer.report.text import Writer

    writer = Writer(terminal, None)
    width = max((len(one.cluster) for one in report.clusters), default=0)
    for totals in report.clusters:
        writer.line(f"{terminal.style(totals.cluster.ljust(width), fg='cyan')}  {_totals(totals)}")
    shown = [one for one in report.problems if verbose or _lack(one) is None]
    for state in sorted({one.state for one in shown}):
        writer.line()
        writer.line(terminal.style(state.capitalize(), bold=True, fg="red" if state == "failed" else "yellow"))
        for reason, askers in _by_reason(one for one in shown if one.state == state).items():
            writer.wrapped(reason, 2)
            if verbose or len(askers) <= _FEW:
                for one, place in askers:
                    writer.line(terminal.style(f"    {one.cluster}: {one.unit}  {place}".rstrip(), dim=True))
            else:
                for cluster, names in _names_by_cluster(askers).items():
                    writer.wrapped(f"{cluster}: {', '.join(names)}", 4, dim=True)
    if shown:
        writer.line()
    if not verbose:
        for sentence in left_alone(filter(None, map(_lack, report.problems))):
            writer.wrapped(sentence, 0, dim=True)
    what = report.revision or "working tree"
    writer.line(f"{'Indexed' if report.rendered else 'Up to date'}: {what}, in {report.location}")
    return str(writer)


_PLACE: Final = regex(r"(\S+:\d+:\d+): (.*)", re.DOTALL)


_FEW: Final = 4
"""Up to so many units are shown with the line that asks for what is missing; of more, only the names (-v: all)."""


def _by_reason(problems: Iterable[Problem]) -> dict[str, list[tuple[Problem, str]]]:
    """Each thing that is wrong or missing once, with the units that it concerns and where each of them asks for it."""
    found: dict[str, list[tuple[Problem, str]]] = {}
    for one in problems:
        for reason in one.reason.split("; "):
            place = _PLACE.fullmatch(reason)
            found.setdefault(place[2] if place else reason, []).append((one, place[1] if place else ""))
    return found


def _names_by_cluster(askers: list[tuple[Problem, str]]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for one, _ in askers:
        names.setdefault(one.cluster, []).append(f"{one.unit.namespace}/{one.unit.name}")
    return names


def _totals(one: ClusterTotals) -> str:
    from indexer.report.text import count

    others = [f"{n} {state}" for state, n in one.units.items() if n and state is not UnitState.RENDERED]
    not_rendered = f" ({', '.join(others)})" if others else ""
    return f"{count(sum(one.units.values()), 'unit')}{not_rendered}, {count(one.objects, 'object')}"
