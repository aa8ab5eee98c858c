import json
from importlib.resources import files

import jsonschema
import pytest
from cli.conftest import FILES


@pytest.fixture(autouse=True)
def _on_each_database(any_index, monkeypatch):
    """Every answer is the same, wherever the index is."""
    monkeypatch.setenv("FLUXIDX_INDEX", any_index)


def answer(fleet, *arguments):
    """The JSON of a command that has to succeed, checked against its schema."""
    done = fleet.run(*arguments, "-o", "json", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    jsonschema.validate(data, json.loads(files("indexer.report").joinpath(f"schema/{arguments[0]}.json").read_text()))
    return data


def spans(match):
    return [
        (one["role"], one["span"]["file"], one["span"]["line"], one["span"]["end_line"], one["fields"])
        for one in match["contributions"]
        if one["role"] != "configures"
    ]


def test_the_line_to_edit_is_found(fleet) -> None:
    (match,) = answer(fleet, "where", "namespace/bar")["matches"]
    head = fleet.git("rev-parse", "HEAD")
    assert match["cluster"] == "a-flux-cluster"
    assert match["definition"]["file"] == "flux/apps/staging/namespace.yaml"
    assert (match["definition"]["line"], match["definition"]["end_line"]) == (1, 4)
    assert [link["unit"]["name"] for link in match["chain"]] == ["apps", "flux-system"]
    assert [link["definition"]["file"] for link in match["chain"]] == [
        "clusters/a-flux-cluster/apps.yaml",
        "clusters/a-flux-cluster/flux-system/gotk-sync.yaml",
    ]
    assert match["commit"]["sha"] == head
    assert match["link"] == f"https://github.com/acme/fleet/blob/{head}/flux/apps/staging/namespace.yaml#L1-L4"
    assert match["unresolved"] == []


def test_an_overlay_and_a_variable_are_told(fleet) -> None:
    (match,) = answer(fleet, "where", "cm/bar/api")["matches"]
    assert match["definition"]["file"] == "flux/apps/base/api.yaml"
    assert ("patches", "flux/apps/staging/patch.yaml", 7, 7, ["/data/mode"]) in spans(match)
    (variable,) = match["substitutions"]
    assert (variable["variable"], variable["fields"]) == ("ENV", ["/data/env"])
    assert (variable["span"]["file"], variable["span"]["line"]) == ("clusters/a-flux-cluster/apps.yaml", 15)


def test_a_line_is_answered_from_any_directory(fleet) -> None:
    (file,) = answer(fleet, "what", "flux/apps/staging/patch.yaml:7")["files"]
    assert [(row["object"]["name"], row["role"], row["fields"]) for row in file["deploys"]] == [
        ("api", "patches", ["/data/mode"])
    ]
    below = fleet.run("what", "patch.yaml:7", "-o", "json", cwd=fleet.root / "flux/apps/staging")
    assert json.loads(below.stdout)["files"] == [file]


def test_files_that_deploy_nothing_say_why_and_are_a_finding(fleet) -> None:
    done = fleet.run("what", "flux/apps/staging/forgotten.yaml", "README.md", "-q")
    assert done.returncode == 1
    assert done.stdout == (
        "Deploys nothing\n"
        "  flux/apps/staging/forgotten.yaml\n"
        "    is listed nowhere; the nearest file that could list it is\n"
        "    flux/apps/staging/kustomization.yaml\n"
        "  README.md\n"
        "    is not a manifest, and no unit reads it\n"
    )


def test_what_and_where_agree_on_every_file(fleet) -> None:
    tracked = fleet.git("ls-files").split()
    forwards = {
        (file["file"], row["object"]["kind"], row["object"]["name"])
        for file in answer(fleet, "what", *tracked)["files"]
        for row in file["deploys"]
    }
    backwards = {
        (place["file"], match["object"]["kind"], match["object"]["name"])
        for match in answer(fleet, "where", "*/*")["matches"]
        for place in (
            match["definition"],
            *(one["span"] for one in match["contributions"]),
            *(one["span"] for one in match["substitutions"]),
            *(link["definition"] for link in match["chain"]),
        )
        if place is not None
    }
    assert forwards == backwards


def test_nothing_found_is_one_and_says_what_is_near(fleet) -> None:
    done = fleet.run("where", "ns/baz", "-q")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "fluxidx: no Namespace 'baz' in the index\n  did you mean namespace/bar?\n"
    done = fleet.run("where", "ns/baz", "-o", "json", "-q")
    assert done.returncode == 1
    assert json.loads(done.stdout)["matches"] == []


@pytest.mark.parametrize("name", ["mode", "mode-2222222222"])
def test_a_generated_object_is_near_by_its_name_in_the_generator_and_with_any_content(fleet, name) -> None:
    generator = "configMapGenerator:\n- name: mode\n  literals: [a=b]\n"
    fleet.write("flux/apps/base/kustomization.yaml", FILES["flux/apps/base/kustomization.yaml"] + generator)
    done = fleet.run("where", f"configmap/{name}")
    assert done.stderr.endswith(
        f"fluxidx: no ConfigMap '{name}' in the index\n  did you mean configmap/mode-4h2mbtbbt6?\n"
    )


def test_a_revision_is_asked_without_losing_the_present(fleet) -> None:
    fleet.git("mv", "flux/apps/staging/namespace.yaml", "flux/apps/staging/bar.yaml")
    path = fleet.root / "flux/apps/staging/kustomization.yaml"
    path.write_text(path.read_text().replace("namespace.yaml", "bar.yaml"))
    (now,) = answer(fleet, "where", "ns/bar")["matches"]
    (then,) = answer(fleet, "where", "ns/bar", "--at", "HEAD")["matches"]
    assert now["definition"]["file"] == "flux/apps/staging/bar.yaml"
    assert now["revision"].endswith(" + uncommitted changes")
    assert then["definition"]["file"] == "flux/apps/staging/namespace.yaml"
    assert then["revision"] == f"sha1:{fleet.git('rev-parse', 'HEAD')}"
    assert fleet.run("where", "ns/bar", "--no-build").returncode == 0


def test_a_bare_repository_answers_for_its_head(fleet, tmp_path) -> None:
    fleet.git("clone", "-q", "--bare", str(fleet.root), str(tmp_path / "bare.git"))
    done = fleet.run("where", "ns/bar", "-o", "json", "-q", "--repo", str(tmp_path / "bare.git"), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (match,) = json.loads(done.stdout)["matches"]
    assert match["commit"]["sha"] == fleet.git("rev-parse", "HEAD")
    done = fleet.run(
        "what", "flux/apps/staging/namespace.yaml:2", "-q", "--repo", str(tmp_path / "bare.git"), cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Namespace bar" in done.stdout
    for question in (["check"], ["blame", "ns/bar"], ["render", "unit", "ks/flux-system/apps"]):
        done = fleet.run(*question, "-q", "--repo", str(tmp_path / "bare.git"), cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")


def test_where_a_shallow_clone_ends_nobody_is_named(fleet, tmp_path) -> None:
    first = fleet.git("rev-parse", "HEAD")
    fleet.git("commit", "-q", "--allow-empty", "-m", "Second")
    fleet.git("clone", "-q", "--depth", "1", f"file://{fleet.root}", str(tmp_path / "shallow"))
    done = fleet.run("where", "ns/bar", "-o", "json", "-q", cwd=tmp_path / "shallow")
    (match,) = json.loads(done.stdout)["matches"]
    head = fleet.git("rev-parse", "HEAD")
    assert match["commit"] is None
    assert match["unresolved"][0] == {
        "hop": "commit",
        "reason": f"this clone is shallow and ends at {head[:10]}, and an older commit may have written the lines: "
        "git fetch --unshallow gets the rest",
    }
    (match,) = answer(fleet, "where", "ns/bar")["matches"]
    assert match["commit"]["sha"] == first


def test_a_repository_without_commits_answers_for_its_files(fleet) -> None:
    fleet.git("update-ref", "-d", "HEAD")
    (match,) = answer(fleet, "where", "ns/bar")["matches"]
    assert match["definition"]["file"] == "flux/apps/staging/namespace.yaml"
    assert (match["commit"], match["link"]) == (None, None)
    assert {"hop": "commit", "reason": "the lines are not committed yet"} in match["unresolved"]
    assert match["revision"] == "no commit yet + uncommitted changes"


def test_a_detached_head_has_no_branch(fleet) -> None:
    fleet.git("checkout", "-q", "--detach")
    (match,) = answer(fleet, "where", "ns/bar")["matches"]
    assert match["revision"] == f"sha1:{fleet.git('rev-parse', 'HEAD')}"


@pytest.mark.parametrize("revision", ["nonsense", "-x", ""])
def test_an_unknown_revision_is_one_message(fleet, revision) -> None:
    done = fleet.run("where", "ns/bar", f"--at={revision}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "names no commit of this repository" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_building_is_forbidden_the_advice_is_to_build_that_revision(fleet) -> None:
    question = ("where", "ns/bar", "--at", "HEAD", "--no-build")
    done = fleet.run(*question)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.endswith(": there is no index: run `fluxidx build --rev HEAD`\n")
    assert fleet.run("build", "-q").returncode == 0
    done = fleet.run(*question)
    assert done.stderr.endswith("the index holds the working tree, not HEAD: run `fluxidx build --rev HEAD`\n")
    assert fleet.run("build", "-q", "--rev", "HEAD").returncode == 0
    assert fleet.run(*question).returncode == 0


def test_an_unknown_cluster_is_named_with_the_known(fleet) -> None:
    done = fleet.run("where", "ns/bar", "--cluster", "b", "-q")
    assert done.returncode == 2
    assert done.stderr == "fluxidx: there is no cluster 'b' in this repository; there is: a-flux-cluster\n"


def test_text_fits_eighty_columns_and_has_no_colour_in_a_pipe(fleet) -> None:
    done = fleet.run("where", "cm/api", "-q")
    assert "\x1b" not in done.stdout
    assert all(len(line) <= 80 or "https://" in line for line in done.stdout.splitlines())
    assert "\x1b[" in fleet.run("where", "cm/api", "-q", "--color", "always").stdout
