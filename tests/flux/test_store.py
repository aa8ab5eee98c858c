"""The store of rendered units: what it keeps, what it never holds, and what becomes of a build when it is broken."""

import sqlite3
import zlib

import pytest
from flux_fleet import Fleet, config_map, kustomization, source
from hypothesis import given
from hypothesis import strategies as st

from indexer.flux import sharing
from indexer.flux.clusters import no_trees
from indexer.flux.config import Config
from indexer.flux.packing import canonical, pack_tree, unpack_tree
from indexer.flux.render import render_repository
from indexer.flux.store import Record, Store
from indexer.git.repository import Repository
from indexer.manifest.compose import parse
from indexer.manifest.history import contributions
from indexer.manifest.node import Mapping, Operation, Removal, Role, Scalar, Sequence, overridden, stamped

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: apps}
spec: {template: {spec: {containers: [{name: web, image: "web:${TAG}"}]}}}
"""
POST_BUILD = """\
postBuild:
  substituteFrom: [{kind: ConfigMap, name: settings}, {kind: Secret, name: secrets}]
"""
PLAIN = """\
apiVersion: v1
kind: Secret
metadata: {name: secrets, namespace: flux-system}
stringData: {PASSWORD: very-hidden-word}
"""
ENCRYPTED = """\
apiVersion: v1
kind: Secret
metadata: {name: encrypted, namespace: flux-system}
stringData: {TOKEN: "ENC[AES256_GCM,data:ciphertext-of-it]"}
sops: {mac: "ENC[AES256_GCM,data:its-mac]"}
"""
USER = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: user, namespace: flux-system, annotations: {by: "${PASSWORD}"}}
spec: {path: ./other, sourceRef: {kind: GitRepository, name: flux-system}}
"""


@pytest.fixture
def fleet(tmp_path):
    root = tmp_path / "fleet"
    root.mkdir()
    return Fleet(root).write(
        **{
            "clusters/prod/flux-system/gotk-sync.yaml": f"{source()}---\n"
            + kustomization("flux-system", "./clusters/prod", "decryption: {provider: sops}"),
            "clusters/prod/settings.yaml": config_map("settings", "{TAG: v1, UNUSED: x}", "flux-system"),
            "clusters/prod/secrets.yaml": PLAIN,
            "clusters/prod/encrypted.yaml": ENCRYPTED,
            "clusters/prod/apps.yaml": kustomization("apps", "./apps", POST_BUILD),
            "apps/web.yaml": DEPLOYMENT,
            "apps/user.yaml": USER,
            "other/one.yaml": config_map("one"),
        }
    )


def rendered(fleet, store=None, trees=no_trees):
    """Every unit's digest and objects, as they are at last."""
    repository = Repository.open(fleet.root)
    try:
        found = render_repository(repository, repository.worktree(), Config(), store=store, trees=trees)
        return {
            unit.id.name: (unit.state, unit.reason, unit.definition, unit.inputs, tuple(unit.objects))
            for cluster in found
            for unit in cluster.units
        }
    finally:
        if store is not None:
            store.close()
        repository.close()


@pytest.fixture
def builds(monkeypatch):
    """The names of the Kustomizations that were built."""
    built = []
    build_unit = sharing.build_unit

    def noting(spec, *arguments):
        built.append(spec.name)
        return build_unit(spec, *arguments)

    monkeypatch.setattr(sharing, "build_unit", noting)
    return built


def test_what_did_not_change_is_not_rendered(fleet, tmp_path, builds):
    path = tmp_path / "cache.db"
    first = rendered(fleet, Store(path))
    assert sorted(builds) == ["apps", "flux-system", "user"]
    builds.clear()
    assert rendered(fleet, Store(path)) == first
    assert builds == []
    fleet.write(**{"other/one.yaml": config_map("one", "{a: c}")})
    changed = rendered(fleet, Store(path))
    # The trees that others need of these two hold the values of a Secret, and so were not stored.
    assert sorted(builds) == ["apps", "flux-system", "user"]
    assert changed == rendered(fleet)


def test_only_variables_that_are_used_count(fleet, tmp_path, builds):
    path = tmp_path / "cache.db"
    rendered(fleet, Store(path))
    fleet.write(**{"apps/user.yaml": "", "clusters/prod/secrets.yaml": ENCRYPTED.replace("encrypted", "secrets")})
    rendered(fleet, Store(path))
    for settings, again in (
        ("{TAG: v1, UNUSED: y}", ["flux-system"]),
        ("{TAG: v2, UNUSED: y}", ["apps", "flux-system"]),
    ):
        fleet.write(**{"clusters/prod/settings.yaml": config_map("settings", settings, "flux-system")})
        builds.clear()
        units = rendered(fleet, Store(path))
        assert sorted(builds) == again
        assert units == rendered(fleet)


def test_another_revision_finds_what_was_rendered(fleet, tmp_path, builds):
    path = tmp_path / "cache.db"
    rendered(fleet, Store(path))
    fleet.write(**{"other/one.yaml": config_map("one", "{a: c}")})
    rendered(fleet, Store(path))
    builds.clear()
    fleet.git("checkout", "-q", "HEAD~1")
    fleet.git("checkout", "-q", "-b", "old")
    rendered(fleet, Store(path))
    # The others bring trees that are not stored.
    assert "user" not in builds


def test_trees_of_the_units_that_are_wanted(fleet, tmp_path):
    path = tmp_path / "cache.db"
    rendered(fleet, Store(path))
    units = rendered(fleet, Store(path), lambda _, unit: unit.name == "apps")
    assert all(one.tree is not None for one in units["apps"][-1])
    assert all(one.tree is None for one in units["flux-system"][-1])
    assert units == rendered(fleet)


def test_no_secret_is_stored(fleet, tmp_path):
    path = tmp_path / "cache.db"
    rendered(fleet, Store(path))
    with sqlite3.connect(path) as connection:
        held = b"".join(part for row in connection.execute("SELECT inputs, outcome FROM record") for part in row)
        packed = [rows for (rows,) in connection.execute("SELECT rows FROM record") if rows[:1] == b"\x78"]
    connection.close()
    held += b"".join(map(zlib.decompress, packed))
    assert b"settings" in held
    for secret in (b"very-hidden-word", b"ciphertext-of-it", b"its-mac"):
        assert secret not in held


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0 and then nothing"])
def test_a_broken_file_is_as_none(fleet, tmp_path, content):
    path = tmp_path / "cache.db"
    path.write_bytes(content)
    assert rendered(fleet, Store(path)) == rendered(fleet)
    # It made place for a sound one.
    rendered(fleet, Store(path))
    assert Store(path).find(b"none") == []


def test_where_nothing_can_be_written(fleet, tmp_path):
    (tmp_path / "file").write_text("")
    assert rendered(fleet, Store(tmp_path / "file" / "cache.db")) == rendered(fleet)


def test_what_another_version_remembered_is_left_alone(tmp_path, monkeypatch):
    path = tmp_path / "cache.db"
    with Store(path) as store:
        store.remember("mine", b"1")
    with Store(path) as store:
        assert store.memo("mine") == b"1"
    monkeypatch.setattr("indexer.flux.store.engine", lambda: b"another")
    with Store(path) as store:
        assert store.memo("mine") is None


def test_a_store_of_an_earlier_layout_is_made_anew(fleet, tmp_path):
    path = tmp_path / "cache.db"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE record (id BLOB); CREATE TABLE memo (name TEXT, value BLOB);")
    connection.close()
    assert rendered(fleet, Store(path)) == rendered(fleet)
    assert rendered(fleet, Store(path)) == rendered(fleet)


def record(name, size=10):
    return Record(name.to_bytes(20, "big"), b"i", b"o" * size)


def test_records_outlive_the_process(tmp_path):
    with Store(tmp_path / "cache.db") as store:
        store.add(b"key", record(1), b"rows")
        store.remember("memo", b"text")
        assert store.find(b"key") == [record(1)]
    with Store(tmp_path / "cache.db") as store:
        assert store.find(b"key") == [record(1)]
        assert store.rows(record(1).id) == b"rows"
        assert store.memo("memo") == b"text"
        assert store.find(b"other") == []
        assert store.rows(b"other") is None


def test_two_at_once(tmp_path):
    one, other = Store(tmp_path / "cache.db"), Store(tmp_path / "cache.db")
    one.add(b"key", record(1), b"")
    other.add(b"key", record(2), b"")
    one.close()
    other.close()
    with Store(tmp_path / "cache.db") as store:
        assert sorted(store.find(b"key")) == [record(1), record(2)]


def test_the_least_recently_used_go(tmp_path, monkeypatch):
    monkeypatch.setattr("indexer.flux.store.LIMIT", 1000)
    with Store(tmp_path / "cache.db") as store:
        store.add(b"old", record(1, 350), b"")
    with sqlite3.connect(tmp_path / "cache.db") as connection:
        connection.execute("UPDATE record SET used = 1")
    connection.close()
    with Store(tmp_path / "cache.db") as store:
        store.add(b"new", record(2, 350), b"")
        store.add(b"newer", record(3, 350), b"")
    with Store(tmp_path / "cache.db") as store:
        assert store.find(b"old") == []
        assert [store.find(key) for key in (b"new", b"newer")] == [[record(2, 350)], [record(3, 350)]]


# Trees on disk


def same(one, other):
    """Whether two trees have the same texts, places and past."""
    assert type(one) is type(other)
    if one is None:
        return True
    assert (one.source, one.pos) == (other.source, other.pos)
    assert one.span == other.span
    assert (one.op is None) == (other.op is None)
    if one.op is not None:
        assert (one.op.role, one.op.name, one.op.entry) == (other.op.role, other.op.name, other.op.entry)
    same(one.prev, other.prev)
    if isinstance(one, Scalar):
        assert (one.text, one.tag, one.style) == (other.text, other.tag, other.style)
        return True
    assert (one.flow, one.touched, len(one.gone)) == (other.flow, other.touched, len(other.gone))
    for left, right in zip(one.gone, other.gone, strict=True):
        assert left.key == right.key
        same(left.node, right.node)
        same(left.at, right.at)
    if isinstance(one, Sequence):
        return all(same(left, right) for left, right in zip(one.items, other.items, strict=True))
    assert list(one.fields) == list(other.fields)
    pairs = [
        *zip(one.fields.values(), other.fields.values(), strict=True),
        *zip(one.duplicate, other.duplicate, strict=True),
    ]
    return all(same(left, right) for lefts, rights in pairs for left, right in zip(lefts, rights, strict=True))


texts = st.text(max_size=5)
trees = st.recursive(
    texts.map(Scalar),
    lambda children: st.one_of(
        st.lists(children, max_size=3).map(Sequence),
        st.dictionaries(texts, children, max_size=3).map(
            lambda fields: Mapping({text: (Scalar(text), value) for text, value in fields.items()})
        ),
        st.tuples(children, children).map(lambda two: overriding(*two)),
    ),
    max_leaves=12,
)


def overriding(new, old):
    """What a patch leaves: a node that remembers the other."""
    made = stamped(new, Operation(Role.PATCHES, "patch"))
    made.prev = old
    if isinstance(made, Mapping):
        made.gone = (Removal("gone", old, Operation(Role.PATCHES, "removal"), new),)
    return made


@given(st.dictionaries(texts, trees, max_size=4))
def test_trees_come_back_as_they_were(fields):
    root = Mapping({text: (Scalar(text), value) for text, value in fields.items()})
    packed = canonical(pack_tree(root))
    back = unpack_tree(packed)
    assert same(root, back)
    assert canonical(pack_tree(back)) == packed
    assert contributions(back) == contributions(root)


def test_what_is_shared_stays_shared_and_places_stay():
    text = (
        "a: &x {b: 'c'}\nd: *x\ne: [1, |-\n    two\n  ]\n" if False else "a: &x {b: 'c'}\nd: *x\ne:\n- 1\n- |\n  two\n"
    )
    root = parse(text.encode(), "file.yaml")[0].node
    assert isinstance(root, Mapping)
    back = unpack_tree(canonical(pack_tree(root)))
    assert same(root, back)
    assert (back.get("a") is back.get("d")) == (root.get("a") is root.get("d"))


def test_an_override_is_remembered():
    old = Scalar("old")
    root = Mapping({"a": (Scalar("a"), Scalar("new", prev=old))})
    value = unpack_tree(canonical(pack_tree(root))).get("a")
    assert [one.text for one in overridden(value)] == ["old"]


def test_several_sources(fleet, tmp_path):
    """A unit of a revision of the repository itself, and one of a folder outside, which is never stored."""
    fleet.git("tag", "v1")
    ref = source("tagged", ref="tag: v1")
    fleet.write(
        **{
            "clusters/prod/tagged.yaml": f"{ref}---\n{kustomization('tagged', './other', of='tagged')}",
            "other/one.yaml": config_map("one", "{a: changed}"),
        }
    )
    path = tmp_path / "cache.db"
    assert rendered(fleet, Store(path)) == rendered(fleet)
    assert rendered(fleet, Store(path)) == rendered(fleet)
