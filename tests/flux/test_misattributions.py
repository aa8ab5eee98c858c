"""Files that other tools give to the wrong unit, or to none: asked from the file's end, through the index."""

from flux_fleet import config_map, kustomization, source, sync

from indexer.flux.config import Config
from indexer.git.remotes import Forge
from indexer.git.repository import Repository
from indexer.index.ensure import ensure_fresh
from indexer.manifest.node import Role
from indexer.query.names import parse as parse_name
from indexer.query.places import parse as parse_place
from indexer.query.scope import Scope
from indexer.query.what import what
from indexer.query.where import where


def ask(fleet, question):
    repository = Repository.open(fleet.root)
    with ensure_fresh(repository, Config(), None) as index:
        return question(repository, Scope.of(index, repository))


def deployed(fleet, place):
    """(unit, object, role) of all that a place has a part in, and the reason where it has none."""

    def question(repository, scope):
        tree = repository.worktree()
        (file,) = what(scope, tree, [parse_place(place, tree, fleet.root, fleet.root)]).files
        return {(one.unit.name, f"{one.object.kind}/{one.object.name}", str(one.role)) for one in file.deploys}, file

    return ask(fleet, question)


def found(fleet, name):
    def question(repository, scope):
        return where(scope, repository, parse_name([name]), {"git.example.org": Forge.GITLAB})

    (match,) = ask(fleet, question).matches
    return match


def test_a_base_outside_of_the_path(fleet):
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/apps.yaml": kustomization("apps", "./apps/overlays/one"),
            "apps/overlays/one/kustomization.yaml": "resources: [../../base]\n",
            "apps/base/kustomization.yaml": "resources: [cm.yaml]\n",
            "apps/base/cm.yaml": config_map(),
        }
    )
    assert deployed(fleet, "apps/base/cm.yaml")[0] == {("apps", "ConfigMap/cm", "defines")}
    assert deployed(fleet, "apps/base/kustomization.yaml:1")[0] == {("apps", "ConfigMap/cm", "configures")}


def test_paths_of_which_one_begins_like_the_other(fleet):
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/apps.yaml": "---\n".join(
                kustomization(name, path) for name, path in [("a", "./app"), ("b", "./app-b"), ("c", "./app/c")]
            ),
            "app/kustomization.yaml": "resources: [cm.yaml]\n",
            "app/cm.yaml": config_map("a"),
            "app-b/cm.yaml": config_map("b"),
            "app/c/cm.yaml": config_map("c"),
        }
    )
    for path, name in [("app", "a"), ("app-b", "b"), ("app/c", "c")]:
        assert deployed(fleet, f"{path}/cm.yaml")[0] == {(name, f"ConfigMap/{name}", "defines")}


def test_a_kustomization_that_a_component_brings(fleet):
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/kustomization.yaml": "components: [../../components/app]\n",
            "components/app/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            "resources: [ks.yaml]\n",
            "components/app/ks.yaml": kustomization("app", "./app"),
            "app/cm.yaml": config_map(),
        }
    )
    assert deployed(fleet, "app/cm.yaml")[0] == {("app", "ConfigMap/cm", "defines")}
    assert ("app", "ConfigMap/cm", "deploys") in deployed(fleet, "components/app/ks.yaml")[0]
    match = found(fleet, "cm/cm")
    assert [(link.unit.name, link.definition and link.definition.source.file) for link in match.chain] == [
        ("app", "components/app/ks.yaml"),
        ("flux-system", "clusters/one/flux-system/gotk-sync.yaml"),
    ]
    entries = {c.operation: str(c.span) for c in found(fleet, "ks/app").contributions if c.role is Role.CONFIGURES}
    assert entries == {
        "components entry": "clusters/one/kustomization.yaml:1:14",
        "resources entry": "components/app/kustomization.yaml:3:13",
    }


def test_a_file_that_only_a_comment_names(fleet):
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/app.yaml": kustomization("app", "./app"),
            "app/kustomization.yaml": "resources:\n- cm.yaml\n# - other.yaml\n",
            "app/cm.yaml": config_map(),
            "app/other.yaml": config_map("other"),
        }
    )
    nothing, file = deployed(fleet, "app/other.yaml")
    assert nothing == set()
    assert file.reason == "is listed nowhere; the nearest file that could list it is app/kustomization.yaml"


def test_a_second_source_of_the_same_url_at_a_tag(fleet):
    fleet.write(**{"app/cm.yaml": "# one line more\n" + config_map("old")})
    fleet.git("tag", "v1")
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/app.yaml": f"{source('pinned', ref='tag: v1')}---\n"
            + kustomization("app", "./app", of="pinned"),
            "app/cm.yaml": config_map("new"),
        }
    )
    assert deployed(fleet, "app/cm.yaml")[0] == set()
    match = found(fleet, "cm/old")
    assert (match.definition.source.repository, match.definition.source.file, match.definition.line) == (
        "git.example.org/team/fleet@v1", "app/cm.yaml", 2,
    )  # fmt: skip
    assert match.source.ref == "tag v1"
    assert (match.commit.subject, match.commit.sha) == ("x", fleet.commit("v1"))
    assert match.link == f"https://git.example.org/team/fleet/-/blob/{fleet.commit('v1')}/app/cm.yaml#L2-5"


def test_variables_of_a_parent_that_reach_what_its_children_deploy(fleet):
    variables = "postBuild: {substituteFrom: [{kind: ConfigMap, name: vars}]}\n"
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/vars.yaml": config_map("vars", "{DOMAIN: example.org}", "flux-system"),
            "clusters/one/children.yaml": kustomization("children", "./children", variables),
            "children/app.yaml": kustomization("app", "./app", 'postBuild: {substitute: {HOST: "www.${DOMAIN}"}}\n'),
            "children/plain.yaml": kustomization("plain", "./plain"),
            "app/cm.yaml": config_map(data='{host: "${HOST}"}'),
            "plain/cm.yaml": config_map("plain", '{host: "${DOMAIN}"}'),
        }
    )
    supplied = {one.variable: (one.supplied_by, str(one.span)) for one in found(fleet, "cm/cm").substitutions}
    assert supplied == {
        "DOMAIN": ("ConfigMap flux-system/vars DOMAIN", "clusters/one/vars.yaml:4:16"),
        "HOST": ("inline", "children/app.yaml:7:34"),
    }
    # A child that has no postBuild expands nothing: the parent's variables are not its own.
    assert found(fleet, "cm/plain").substitutions == ()
    substituted = {row for row in deployed(fleet, "clusters/one/vars.yaml:4")[0] if row[2] == "substitutes"}
    assert substituted == {("children", "Kustomization/app", "substitutes"), ("app", "ConfigMap/cm", "substitutes")}


def test_a_secret_that_a_parent_puts_into_a_variable_stays_hidden(fleet):
    hidden = "apiVersion: v1\nkind: Secret\nmetadata: {name: vars, namespace: flux-system}\nstringData: {KEY: hidden}\n"
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/vars.yaml": hidden,
            "clusters/one/children.yaml": kustomization(
                "children", "./children", "postBuild: {substituteFrom: [{kind: Secret, name: vars}]}\n"
            ),
            "children/more.yaml": config_map("more", '{TOKEN: "${KEY}"}', "flux-system"),
            "children/app.yaml": kustomization(
                "app", "./app", "postBuild: {substituteFrom: [{kind: ConfigMap, name: more}]}\n"
            ),
            "app/cm.yaml": config_map(data='{token: "${TOKEN}"}'),
        }
    )
    redacted = {one.variable: one.redacted for one in found(fleet, "cm/cm").substitutions}
    assert redacted == {"TOKEN": True, "KEY": True}
