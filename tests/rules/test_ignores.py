"""What is told to be ignored, which findings fail a run, and the repository's own rules."""

import pytest
from rules_fleet import base, config_map, deployment, of_rule, shown

from indexer.errors import FluxidxError
from indexer.flux.config import ConfigError
from indexer.flux.store import Store
from indexer.git.repository import Repository
from indexer.index.ensure import ensure_fresh
from indexer.query.findings import Finding, Severity, grouped
from indexer.query.gate import Gate

KEYS = "envFrom:\n- secretRef: {name: keys}COMMENT\n"
FOUND = ["warning missing-secret apps/a.yaml:16"]


def with_comment(comment, before=""):
    text = deployment(container=KEYS.replace("COMMENT", comment))
    return base(**{"a.yaml": text.replace("        - secretRef", f"{before}        - secretRef")})


def with_table(table):
    return with_comment("") | {".fluxidx.toml": f"[[ignore]]\n{table}\n"}


def test_a_comment_on_the_line_ignores_a_rule(repo):
    found = repo.check(with_comment("  # fluxidx: ignore missing-secret made by Terraform"))
    assert (shown(found.findings), found.ignored) == ([], 1)


def test_a_comment_above_the_line_ignores_a_rule(repo):
    comment = "        # fluxidx: ignore missing-secret, missing-configmap made by Terraform\n"
    assert of_rule("missing-secret", repo.check(with_comment("", comment))) == []


def test_a_comment_elsewhere_ignores_nothing_and_is_told(repo):
    files = with_comment("")
    files["apps/a.yaml"] = "# fluxidx: ignore missing-secret\n" + files["apps/a.yaml"]
    assert shown(repo.check(files).findings) == [
        "warning missing-secret apps/a.yaml:17",
        "warning unused-ignore apps/a.yaml:1",
    ]


def test_a_rule_that_does_not_exist_is_told(repo):
    found = repo.check(with_comment("  # fluxidx: ignore missing-secrets"))
    assert shown(found.findings) == [*FOUND, "warning unused-ignore apps/a.yaml:16"]


def test_an_ignore_of_a_rule_on_changes_is_not_judged_by_check(repo):
    files = base(**{"a.yaml": deployment(replicas="0  # fluxidx: ignore scaled-to-zero")})
    assert repo.check(files).findings == ()


@pytest.mark.parametrize(
    "table",
    [
        'rule = "missing-secret"',
        'rule = ["missing-secret"]\npath = "apps/**"\nreason = "made by Terraform"',
        'rule = "missing-secret"\npath = "apps"',
        'rule = "missing-secret"\npath = "*/a.yaml"',
        'rule = "missing-secret"\nobject = "Secret/shop/keys"',
        'rule = "missing-secret"\nobject = "secret/k*"',
        'rule = "missing-secret"\ncluster = "prod"',
    ],
)
def test_a_table_ignores_what_it_names(repo, table):
    found = repo.check(with_table(table))
    assert (shown(found.findings), found.ignored) == ([], 1)


@pytest.mark.parametrize(
    "table",
    [
        'rule = "missing-secret"\npath = "*.yaml"',
        'rule = "missing-secret"\nobject = "Secret/store/keys"',
        'rule = "missing-secret"\ncluster = "test"',
        'rule = "missing-service"',
    ],
)
def test_a_table_that_matches_nothing_is_told(repo, table):
    assert shown(repo.check(with_table(table)).findings) == [*FOUND, "warning unused-ignore .fluxidx.toml:1"]


def test_a_rule_is_switched_off_or_made_an_error(repo):
    off = repo.check(with_comment("") | {".fluxidx.toml": '[check.rules]\nmissing-secret = "off"\n'})
    assert off.findings == ()
    worse = repo.check(with_comment("") | {".fluxidx.toml": '[check.rules]\nmissing-secret = "error"\n'})
    assert shown(worse.findings) == ["error missing-secret apps/a.yaml:16"]


def test_files_narrow_the_findings(repo):
    files = with_comment("") | {"stray/x.yaml": config_map()}
    assert shown(repo.check(files, files=["stray"]).findings) == ["note unreachable-file stray/x.yaml:1"]
    assert repo.check(files, files=["apps/b.yaml"]).findings == ()


@pytest.mark.parametrize(
    ("table", "line", "message"),
    [
        ('[check.rules]\nmissing-secrets = "off"', 2, "there is no rule"),
        ('[check.rules]\nmissing-secret = "bad"', 2, "is no severity"),
        ("[[ignore]]\nrule = 1", 2, "has to name a rule"),
        ('[[policy]]\nname = "x"\nmessage = "m"\nsql = "s"', 1, "has to be a text"),
        ('[[policy]]\nname = "x"\nseverity = "bad"\nmessage = "m"\nsql = "s"', 3, "is no severity"),
        ('[[policy]]\nname = "missing-secret"\nseverity = "note"\nmessage = "m"\nsql = "s"', 1, "is a rule already"),
    ],
)
def test_a_wrong_table_is_an_error_at_its_line(repo, table, line, message):
    with pytest.raises(ConfigError, match=message) as error:
        repo.check(with_comment("") | {".fluxidx.toml": table + "\n"})
    assert error.value.line == line


# The gate


def finding(rule="r", severity=Severity.WARNING):
    return Finding(rule, severity, "m", None, None)


@pytest.mark.parametrize(
    ("gate", "severity", "stops"),
    [
        ("error", Severity.ERROR, True),
        ("error", Severity.WARNING, False),
        ("warning", Severity.ERROR, True),
        ("warning", Severity.NOTE, False),
        ("note", Severity.NOTE, True),
        ("none", Severity.ERROR, False),
        ("error,r", Severity.NOTE, True),
        ("r", Severity.NOTE, True),
        ("s", Severity.ERROR, False),
        ("error, note", Severity.NOTE, True),
    ],
)
def test_what_a_gate_stops(gate, severity, stops):
    assert Gate.parse(gate, {"r", "s"}).stops(finding(severity=severity)) is stops


def test_a_gate_of_no_rule_proposes_one():
    with pytest.raises(FluxidxError, match="did you mean missing-secret"):
        Gate.parse("missing-secrt", {"missing-secret"})


# Policies


def policies(repo, table):
    repo.write(with_comment("") | {".fluxidx.toml": table})
    from indexer.flux.config import Config
    from indexer.query.check import check

    repository = Repository.open(repo.root)
    config = Config.load(None, repo.root)
    try:
        index = lambda: ensure_fresh(repository, config, None)  # noqa: E731
        return check(repository, repository.worktree(), config, index=index)
    finally:
        repository.close()


POLICY = """\
[[policy]]
name = "no-deployments"
severity = "error"
message = "{kind} {name} should be a StatefulSet"
sql = "SELECT * FROM objects WHERE kind = 'Deployment'"
"""


def test_a_policy_finds_what_its_sql_selects(repo):
    found = policies(repo, POLICY)
    (one,) = [finding for finding in found.findings if finding.rule == "no-deployments"]
    assert (shown([one]), one.message) == (
        ["error no-deployments apps/a.yaml:1"],
        "Deployment api should be a StatefulSet",
    )
    assert (one.cluster, one.object.name, one.unit.name) == ("prod", "api", "apps")


@pytest.mark.parametrize("sql", ["DELETE FROM objects", "SELECT nothing FROM objects", "ATTACH 'x' AS y"])
def test_a_policy_that_cannot_be_run_is_an_error_at_its_line(repo, sql):
    table = POLICY.replace("SELECT * FROM objects WHERE kind = 'Deployment'", sql)
    with pytest.raises(ConfigError, match='policy "no-deployments"') as error:
        policies(repo, table)
    assert error.value.line == 1


# Again, from the store


def test_a_second_check_finds_the_same_from_the_store(repo, monkeypatch):
    files = with_comment("") | {"stray/x.yaml": config_map()}

    def run():
        with Store.within(repo.root / ".git") as store:
            return repo.check(files, store=store)

    first = run()
    monkeypatch.setattr("indexer.query.rules.collect.facts_of", lambda _unit: pytest.fail("read again"))
    assert run() == first


def test_a_fault_of_a_shared_file_is_one_on_all_clusters():
    one = Finding("r", Severity.NOTE, "m", None, None, cluster="b")
    two = Finding("r", Severity.NOTE, "m", None, None, cluster="a")
    assert [group.clusters for group in grouped([one, two, finding()])] == [(), ("a", "b")]
