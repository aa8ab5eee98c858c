"""The library: ``import indexer``, and ask.

    >>> import indexer
    >>> project = indexer.Project(Path("fleet"))
    >>> indexer.build(project).clusters
    >>> indexer.where(project, "deployment/api", namespace="shop").matches[0].definition
    >>> indexer.what(project, "apps/base/api.yaml:12").files[0].deploys
    >>> indexer.impact(project, "main...HEAD").findings
    >>> indexer.check(project).findings

Every function returns the plain data that the command of its name prints, and raises ``FluxidxError`` with the message
that it would print. Wherever a project is wanted, the path of a repository will do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from indexer.deferred import NamedTuple
from indexer.errors import FluxidxError

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.cluster.reader import LiveCluster
    from indexer.flux.config import Config
    from indexer.flux.division import Shard
    from indexer.git.repository import Repository
    from indexer.git.tree import Tree
    from indexer.index.build import BuildReport
    from indexer.index.freshness import Answer
    from indexer.index.location import Location
    from indexer.index.read import Index
    from indexer.index.shards import Handed
    from indexer.query.answers import What, Where
    from indexer.query.check import Checked
    from indexer.query.findings import Finding
    from indexer.query.impact import Impact
    from indexer.query.impact.live import Said
    from indexer.query.live import LiveWhere
    from indexer.query.rules.live import Live
    from indexer.query.scope import Scope


class Project:
    """A repository with its configuration and its index: opened when asked for, and imported no sooner."""

    def __init__(
        self,
        repo: Path | str | None = None,
        config_file: Path | str | None = None,
        index_url: str | None = None,
        clusters: tuple[str, ...] = (),
        sources: tuple[str, ...] = (),
        *,
        no_build: bool = False,
    ) -> None:
        self.repo = repo
        """Where to look for the repository; None: the current directory."""
        self.config_file = config_file
        """None: ``.fluxidx.toml`` of the repository, where there is one."""
        self.index_url = index_url
        """A path or a SQLAlchemy URL; None: inside the repository's git directory."""
        self.clusters = clusters
        """The clusters to answer for; empty: all."""
        self.sources = sources
        """``URL=PATH`` of sources that are not this repository."""
        self.no_build = no_build
        """Whether a missing or stale index is an error, rather than built."""

    @cached_property
    def repository(self) -> Repository:
        from indexer.git.repository import Repository

        return Repository.open(self.repo or os.getcwd())  # noqa: PTH109 - pathlib is slow

    @cached_property
    def config(self) -> Config:
        return self._config(self.repository.place.root)

    def config_around(self, directory: Path) -> Config:
        """The configuration for a directory that need not be in any repository."""
        from indexer.git.place import NoRepository
        from indexer.git.repository import Repository

        try:
            return self._config(Repository.open(directory).place.root)
        except NoRepository:
            return self._config(None)

    def _config(self, root: str | None) -> Config:
        from indexer.flux.config import Config

        config = Config.load(self.config_file, root)
        if not self.sources:
            return config
        from pathlib import Path

        from indexer.flux.config import SourceConfig

        return config.with_sources([SourceConfig.parse(source, Path.cwd()) for source in self.sources])

    @property
    def location(self) -> Location:
        """Where the index is, or is to be."""
        from indexer.index.location import locate

        return locate(self.index_url, self.repository.place.common_dir)

    def tree(self, revision: str | None) -> Tree:
        """The files of ``revision``; by default the working tree, and HEAD where there is none."""
        if revision is None and self.repository.root is not None:
            return self.repository.worktree()
        return self.repository.revision(revision or "HEAD")

    def look(self, revision: str | None = None) -> None:
        """Has git look at the working tree, where that is what is asked about, while the rest is imported."""
        if revision is None:
            self.repository.look()

    def index(self, revision: str | None = None) -> Index:
        """The index of the working tree, or of ``revision``, built first where it is missing or stale.

        Raises IndexMissing where that would be needed and ``no_build`` forbids it.
        """
        self.look(revision)
        from indexer.index.ensure import ensure_fresh

        return ensure_fresh(
            self.repository, self.config, self.index_url, revision=revision, build=not self.no_build, progress=self.say
        )

    def answer(self, question: Callable[[Index], Answer], revision: str | None = None) -> Answer:
        """What ``question`` finds in the index of the working tree, or of ``revision``. It may be asked twice."""
        if revision is not None:
            with self.index(revision) as index:
                return question(index)
        self.look()
        from indexer.index.ensure import answered

        return answered(
            self.repository, self.config, self.index_url, question, build=not self.no_build, progress=self.say
        )

    def scope(self, index: Index) -> Scope:
        """The part of an opened index that this project asks about. Raises FluxidxError for an unknown cluster."""
        from indexer.query.scope import Scope

        return Scope.of(index, self.repository, self.clusters)

    def close(self) -> None:
        """Ends the process that reads revisions, if there is one; the next question starts another project."""
        if "repository" in self.__dict__:
            self.repository.close()

    def say(self, message: str) -> None:
        """Is told what a person who waits would like to know, a line each; here nobody listens."""


def build(
    project: Project | Path | str = ".",
    *,
    revision: str | None = None,
    jobs: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> BuildReport:
    """Indexes the working tree, or ``revision``, in ``jobs`` processes, or as many as pay.

    ``progress`` is told what is being rendered.
    """
    project = _project(project)
    project.look(revision)
    from indexer.index.build import build_index

    return build_index(
        project.repository,
        project.config,
        project.location,
        revision=revision,
        jobs=jobs,
        say=project.say,
        progress=progress,
    )


def build_shard(
    project: Project | Path | str,
    shard: Shard,
    *,
    revision: str | None = None,
    jobs: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Handed:
    """Renders one part of the working tree, or of ``revision``; the last part that is handed in publishes the index."""
    from indexer.index.shards import build_shard as build_part

    project = _project(project)
    return build_part(
        project.repository,
        project.config,
        project.location,
        shard,
        revision=revision,
        jobs=jobs,
        say=project.say,
        progress=progress,
    )


def where(
    project: Project | Path | str, *words: str, namespace: str | None = None, revision: str | None = None
) -> Where:
    """Everything that made the objects that ``words`` name (``deployment/api``) what they are.

    Raises NotFound, with what comes close.
    """
    project = _project(project)
    project.look(revision)
    from indexer.query.names import parse
    from indexer.query.where import where as ask

    name = parse(words, namespace)
    return project.answer(
        lambda index: ask(project.scope(index), project.repository, name, project.config.forges), revision
    )


def where_live(
    project: Project | Path | str, clusters: Iterable[LiveCluster], *words: str, namespace: str | None = None
) -> LiveWhere:
    """As ``where``, for the commits that live clusters applied, with what they say of the objects.

    ``clusters`` are ``indexer.cluster.reader.Cluster`` of a context, or snapshots.
    """
    from indexer.query.live import Asking
    from indexer.query.live import where_live as ask
    from indexer.query.names import parse

    project = _project(project)
    with project.index() as index:
        asking = Asking(project.repository, project.config, project.scope(index), project.index)
        return ask(asking, parse(words, namespace), list(clusters))


def what(project: Project | Path | str, *files: str) -> What:
    """Everything that files or lines (``PATH``, ``PATH:LINE``, ``PATH:FIRST-LAST``) deploy, on every cluster."""
    project = _project(project)
    project.look()
    from pathlib import Path

    from indexer.query.places import parse
    from indexer.query.what import what as ask

    def question(index: Index) -> What:
        scope = project.scope(index)
        pinned = scope.build["revision"]
        tree = project.repository.glance() if pinned is None else project.tree(pinned)
        return ask(scope, tree, [parse(file, tree, project.repository.root, Path.cwd()) for file in files])

    return project.answer(question)


class Judged(NamedTuple):
    """What a change does, and what the rules say of it."""

    impact: Impact
    findings: Sequence[Finding]
    said: Sequence[Said] | None = None
    """What each live cluster says of the objects; None where none was to be asked."""


def impact(
    project: Project | Path | str, change: str | None = None, clusters: Sequence[LiveCluster] | None = None
) -> Judged:
    """What merging ``BASE``, ``BASE..HEAD`` or ``BASE...HEAD`` does, on every cluster.

    ``BASE`` alone is compared with the working tree; None: from where the branch left its upstream. ``clusters`` are
    live ones (see ``where_live``), which are asked what is really there.
    """
    from indexer.flux.store import Store
    from indexer.query.impact import impact as ask
    from indexer.query.rules.change import findings

    project = _project(project)
    with Store.within(project.repository.git_dir) as store:
        answer = ask(project.repository, project.config, change, clusters=project.clusters, store=store)
        said, live = _asked(project, answer, clusters) if clusters is not None else (None, None)
        found = findings(
            answer,
            project.repository,
            project.config,
            store,
            whole=not project.clusters,
            index=project.index,
            live=live,
        )
    return Judged(answer, found, said)


def _asked(project: Project, answer: Impact, clusters: Sequence[LiveCluster]) -> tuple[Sequence[Said], Live]:
    from indexer.query.impact.live import live_impact
    from indexer.query.rules.live import Live

    said = live_impact(answer, project.repository, project.config, clusters, project.clusters)
    return said, Live.of(said, clusters)


def check(project: Project | Path | str, *files: str, revision: str | None = None) -> Checked:
    """What is wrong or suspicious in the working tree, or in ``revision``; with ``files``, in these alone.

    Raises FluxidxError for a file that is not there.
    """
    from pathlib import Path

    from indexer.flux.store import Store
    from indexer.query.check import check as ask
    from indexer.query.places import parse

    project = _project(project)
    tree = project.tree(revision)
    paths = [parse(file, tree, project.repository.root, Path.cwd()).path for file in files]
    for path in paths:
        if tree.kind(path) is None:
            raise FluxidxError(f"{path}: there is no such file or directory in this repository, or git ignores it")
    with Store.within(project.repository.git_dir) as store:
        return ask(
            project.repository,
            tree,
            project.config,
            clusters=project.clusters,
            files=paths or None,
            index=lambda: project.index(revision),
            store=store,
        )


def _project(project: Project | Path | str) -> Project:
    return project if isinstance(project, Project) else Project(project)
