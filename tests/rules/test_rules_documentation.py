"""docs/rules.md and the catalogue say the same."""

import re
from pathlib import Path

import pytest
from rules_fleet import base, config_map

from indexer.flux.config import Config
from indexer.git.repository import Repository
from indexer.index.ensure import ensure_fresh
from indexer.query.check import check
from indexer.query.rules.catalogue import RULES

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "rules.md").read_text()
SECTIONS = dict(re.findall(r"^### ([a-z-]+)\n\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))


def test_the_rules_are_documented_in_their_order():
    assert list(SECTIONS) == list(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_a_rule_is_documented_with_its_severity_and_an_example(rule):
    text = SECTIONS[rule.name]
    assert text.startswith(f"*{rule.severity}, impact* · " if rule.of_changes else f"*{rule.severity}* · ")
    assert re.search(r"```\w*\n.+\n```", text, re.DOTALL)


def test_links_between_rules_lead_somewhere():
    assert set(re.findall(r"\]\(#([a-z-]+)\)", TEXT)) <= RULES.keys()


@pytest.mark.parametrize("document", ["rules.md", "configuration.md"])
def test_the_tables_in_the_documentation_are_taken(repo, document):
    text = (DOCS / document).read_text()
    (tables,) = [block for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "[check]" in block]
    policies = [block for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if block.startswith("[[policy]]")]
    repo.write(base(**{"a.yaml": config_map()}) | {".fluxidx.toml": "\n".join([tables, *policies])})
    repository = Repository.open(repo.root)
    config = Config.load(None, repo.root)
    assert (len(config.ignores), len(config.policies), config.check.gate) == (1, 1, "warning")
    found = check(repository, repository.worktree(), config, index=lambda: ensure_fresh(repository, config, None))
    assert {one.rule for one in found.findings} == {"unused-ignore"}
    repository.close()
