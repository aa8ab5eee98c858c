"""Processes that render the parts of a large build at once, into the store that the build then takes them from.

The division is that of shards (``indexer.flux.division``). The build itself renders whatever it does not find in the
store, so the index is that of one process, whatever becomes of the others.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from indexer.errors import FluxidxError
from indexer.flux.clusters import no_trees
from indexer.flux.discover import discover, yaml_files
from indexer.flux.division import Shard
from indexer.flux.render import render_repository
from indexer.flux.sources import Registry, Sources
from indexer.flux.store import Store
from indexer.git.repository import Repository
from indexer.git.tree import TreeError
from indexer.index.build import without_collector
from indexer.kustomize.cache import BuildCache

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

    from indexer.flux.config import Config
    from indexer.index.freshness import Target

_SHARE: Final = 5_000
"""Extent of a rendering from which on a process is worth its while (docs/performance.md)."""
_PATIENCE_MS: Final = 60_000
"""How long a process waits for the others to write down what they rendered."""


def processes(target: Target, config: Config) -> int:
    """Among how many processes it pays to divide a build; 1 where something of the repository is in the store."""
    idle = round(_cores() - os.getloadavg()[0])
    # A process with threads cannot be copied safely.
    if idle < 2 or threading.active_count() > 1:
        return 1
    with Store.within(target.repository.git_dir) as store:
        return max(1, min(idle, _extent(target, config, store) // _SHARE)) if store.is_empty else 1


def _cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _extent(target: Target, config: Config, store: Store) -> int:
    """How much there is to render: YAML files times clusters."""
    sources = Sources(target.repository, target.tree(), config)
    try:
        entries = discover(sources.tree, config, BuildCache(), lambda url: sources.is_home_url(url, Registry()), store)
        return len(entries) * sum(1 for _ in yaml_files(sources.tree, ""))
    except (FluxidxError, TreeError):
        # The build says what is wrong.
        return 0
    finally:
        sources.close()


def render_parts(
    target: Target, config: Config, count: int, say: Callable[[str], None], progress: Callable[[str], None]
) -> None:
    """Renders the units of ``target`` into the store, each of ``count`` processes its part of them.

    ``say`` is told of processes that died: what they leave out is still to be rendered.
    """
    # The tables, before everybody makes them at once.
    Store.within(target.repository.git_dir).close()
    progress(f"rendering in {count} processes")
    import multiprocessing

    context = multiprocessing.get_context("fork")
    shards = [Shard(number, count) for number in range(count)]
    started = [context.Process(target=_render, args=(target, config, shard), daemon=True) for shard in shards]
    try:
        try:
            for process in started:
                process.start()
        except OSError as error:
            say(f"no further process can be started: {error.strerror}: lower --jobs")
        for shard, process in zip(shards, started, strict=True):
            if process.pid is None:
                break
            process.join()
            if process.exitcode:
                say(f"the process that renders part {shard} {_end(process)}: its part is rendered by this one instead")
    finally:
        for process in started:
            if process.pid is not None:
                process.kill()
                process.join()


def _render(target: Target, config: Config, shard: Shard) -> None:
    # Ctrl-C reaches every process of a terminal; the one that waits for the others ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The pipes to git are the other process's.
    repository = Repository.open(target.repository.root or target.repository.git_dir)
    own = target._replace(repository=repository)
    try:
        with without_collector(), Store.within(repository.git_dir, patience_ms=_PATIENCE_MS) as store:
            render_repository(repository, own.tree(), config, store=store, trees=no_trees, shard=shard)
    except FluxidxError:
        # The build meets it as well, and says so.
        return


def _end(process: ForkProcess) -> str:
    code = process.exitcode or 0
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
