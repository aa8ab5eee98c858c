"""docs/rules.md and the catalogue say the same."""

import re
from pathlib import Path

import pytest

from indexer.query.rules.catalogue import RULES

TEXT = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
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
