"""A repository's own rules on a change: only what is new with it counts."""

from __future__ import annotations

import json

import pytest
from rules_fleet import APPS, LIST, SYNC, config_map, kustomization, listing, sync

from indexer.cli.main import run

POLICY = """\
[[policy]]
name = "no-settings"
severity = "warning"
message = "{kind} {name} should be a variable"
sql = "SELECT * FROM objects WHERE kind = 'ConfigMap'"
"""
FILES = {
    ".fluxidx.toml": POLICY,
    SYNC: sync(),
    LIST: listing("gotk-sync.yaml"),
    APPS: kustomization("apps", "./apps"),
    "apps/old.yaml": config_map("old"),
}


@pytest.fixture
def changed(repo):
    repo.write(FILES)
    repo.write({**FILES, "apps/old.yaml": "# Moved down\n" + config_map("old"), "apps/new.yaml": config_map("new")})
    return repo


@pytest.mark.parametrize("change", ["HEAD~1", "HEAD~1..HEAD"])
def test_only_what_is_new_breaks_a_policy(changed, change, capsys):
    code = run(["impact", "--repo", str(changed.root), change, "-o", "json", "-q", "--gate", "no-settings"])
    found = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["rule"] == "no-settings"]
    assert [(one["message"], one["span"]["file"], one["gate"]) for one in found] == [
        ("ConfigMap new should be a variable", "apps/new.yaml", True)
    ]
    assert (code, found[0]["family"], len(found[0]["fingerprint"])) == (1, "policy", 32)


def test_a_policy_on_other_clusters_is_not_told(changed, capsys):
    other = {name.replace("prod", "test"): text for name, text in FILES.items() if name.startswith("clusters/prod")}
    other["clusters/test/flux-system/gotk-sync.yaml"] = sync("test")
    changed.write({**FILES, **other})
    changed.write({**FILES, **other, "apps/new.yaml": config_map("new")})
    run(["impact", "--repo", str(changed.root), "HEAD~1", "-o", "json", "-q", "--cluster", "test"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {one["cluster"] for one in findings if one["rule"] == "no-settings"} == {"test"}


def test_text_tells_it_with_the_words_of_the_policy(changed, capsys):
    run(["impact", "--repo", str(changed.root), "HEAD~1", "-q"])
    text = capsys.readouterr().out
    assert "no-settings" in text
    assert "ConfigMap new should be a variable" in text
    assert "ConfigMap old" not in text
