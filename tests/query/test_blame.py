"""Blame, on a small fleet that is indexed and rendered for real."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer.errors import FluxidxError, NotFound
from indexer.flux.config import Config
from indexer.git.repository import Repository
from indexer.index.ensure import ensure_fresh
from indexer.query.blame import Blame, Field, blame
from indexer.query.names import parse
from indexer.query.scope import Scope

SYNC = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, url: https://example.org/fleet.git, ref: {branch: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, path: ./clusters/prod, prune: true, sourceRef: {kind: GitRepository, name: flux-system}}
"""
APPS = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 1m
  path: ./apps
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild:
    substitute:
      ENV: live
    substituteFrom:
    - {kind: Secret, name: keys}
"""
KEYS = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: flux-system}\nstringData:\n  TOKEN: hush\n"
SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data:
  mode: safe
  env: ${ENV}
  token: key-${TOKEN}
  copied: nothing
  old: gone
"""
PATCH = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data:
  mode: fast
  old: null
"""
CREDENTIALS = """\
apiVersion: v1
kind: Secret
metadata: {name: credentials, namespace: shop}
stringData:
  password: hush
"""
KUSTOMIZATION = """\
resources: [settings.yaml, credentials.yaml, encrypted.yaml]
patches:
- path: patch.yaml
replacements:
- source: {kind: Secret, name: credentials, fieldPath: stringData.password}
  targets:
  - select: {kind: ConfigMap, name: settings}
    fieldPaths: [data.copied]
secretGenerator:
- name: made
  namespace: shop
  literals:
  - key=hush
"""
ENCRYPTED = """\
apiVersion: example.org/v1
kind: Login
metadata: {name: login, namespace: shop}
spec: {password: "ENC[AES256_GCM,data:hush,type:str]"}
sops: {mac: "ENC[hush]", version: 3.9.0}
"""
FILES = {
    "clusters/prod/flux-system/gotk-sync.yaml": SYNC,
    "clusters/prod/apps.yaml": APPS,
    "clusters/prod/keys.yaml": KEYS,
    "apps/kustomization.yaml": KUSTOMIZATION,
    "apps/settings.yaml": SETTINGS,
    "apps/patch.yaml": PATCH,
    "apps/credentials.yaml": CREDENTIALS,
    "apps/encrypted.yaml": ENCRYPTED,
}
Ask = Callable[..., Blame]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "Add the shop"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    repository = Repository.open(tmp_path)
    config = Config.load(None, tmp_path)

    def run(*words: str, field: str | None = None) -> Blame:
        with ensure_fresh(repository, config, None) as index:
            scope = Scope.of(index, repository)
            return blame(scope, parse(words), repository, repository.worktree(), config, field)

    return run


def fields(answer: Blame) -> dict[str, Field]:
    (match,) = answer.matches
    return {one.path: one for one in match.fields}


def told(one: Any) -> str:
    return f"{one.origin.operation} {one.origin.span.source.file}:{one.origin.span.line}"


def test_a_field_tells_who_set_it_and_whom_that_replaced(ask: Ask) -> None:
    mode = fields(ask("cm/settings"))["/data/mode"]
    assert (mode.value, told(mode)) == ("fast", "strategic merge patch apps/patch.yaml:5")
    assert [(past.value, told(past)) for past in mode.overrode] == [("safe", "resource apps/settings.yaml:5")]
    assert str(mode.origin and mode.origin.entry) == "apps/kustomization.yaml:3:3"


def test_a_variable_is_told_beside_the_text_that_it_is_used_in(ask: Ask) -> None:
    env = fields(ask("cm/settings"))["/data/env"]
    assert (env.value, told(env), env.overrode) == ("live", "resource apps/settings.yaml:6", ())
    (variable,) = env.substitutions
    assert (variable.variable, variable.supplied_by, str(variable.span)) == (
        "ENV",
        "inline",
        "clusters/prod/apps.yaml:11:12",
    )


def test_a_field_that_was_removed_is_told_with_what_removed_it(ask: Ask) -> None:
    old = fields(ask("cm/settings"))["/data/old"]
    assert old.removed
    assert told(old) == "strategic merge patch apps/patch.yaml:6"
    assert [(past.value, told(past)) for past in old.overrode] == [("gone", "resource apps/settings.yaml:9")]


@pytest.mark.parametrize(
    ("words", "path", "place"),
    [
        ("secret/credentials", "/data/password", "apps/credentials.yaml:5"),
        ("secret/made-*", "/data/key", "apps/kustomization.yaml:13"),
        ("cm/settings", "/data/copied", "apps/credentials.yaml:5"),
        ("cm/settings", "/data/token", "apps/settings.yaml:7"),
        ("login/login", "/spec/password", "apps/encrypted.yaml:4"),
        ("login/login", "/sops/mac", "apps/encrypted.yaml:5"),
    ],
)
def test_a_secret_is_not_told_wherever_it_went_but_its_line_is(ask: Ask, words: str, path: str, place: str) -> None:
    answer = ask(words)
    found = fields(answer)[path]
    assert (found.value, found.redacted) == (None, True)
    assert told(found).endswith(place)
    assert "hush" not in repr(answer)


def test_what_is_no_secret_is_told_of_a_secret(ask: Ask) -> None:
    found = fields(ask("secret/made-*"))
    assert found["/kind"].value == "Secret"
    assert [past.value for past in found["/metadata/name"].overrode] == ["made"]
    assert found["/type"].value == "Opaque"


def test_one_field_is_told_with_its_commits(ask: Ask) -> None:
    (mode,) = fields(ask("cm/settings", field="/data/mode")).values()
    commits = [one.origin and one.origin.commit for one in (mode, *mode.overrode)]
    assert [commit and (commit.author, commit.subject) for commit in commits] == [("Ada Example", "Add the shop")] * 2
    assert set(fields(ask("cm/settings", field="/metadata"))) == {"/metadata/name", "/metadata/namespace"}


def test_no_such_field_says_what_comes_close(ask: Ask) -> None:
    with pytest.raises(NotFound, match="did you mean /data/mode"):
        ask("cm/settings", field="/data/mod")


def test_too_many_objects_are_not_rendered(ask: Ask) -> None:
    with pytest.raises(FluxidxError, match="more than 5 cannot be told apart"):
        ask("*/*")
