"""Findings in the formats of CI systems and forges."""

import json
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from indexer.flux.model import ObjectId
from indexer.manifest.node import Source, Span
from indexer.query.check import Checked, Unjudged
from indexer.query.findings import Finding, Severity
from indexer.query.gate import Gate
from indexer.query.rules.catalogue import RULES
from indexer.report import github, junit, markdown_findings, sarif
from indexer.report.markdown import Comment, code, fenced, plain

ESSENTIAL = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {"required": ["name"], "properties": {"rules": {"uniqueItems": True}}}
                        },
                    },
                    "results": {
                        "items": {
                            "type": "object",
                            "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"required": ["text"]},
                                "locations": {"items": {"$ref": "#/$defs/location"}},
                                "relatedLocations": {"items": {"$ref": "#/$defs/location"}},
                            },
                        }
                    },
                },
            },
        },
    },
    "$defs": {
        "location": {
            "properties": {
                "physicalLocation": {
                    "required": ["artifactLocation", "region"],
                    "properties": {
                        "artifactLocation": {"required": ["uri"], "properties": {"uri": {"pattern": "^[^/ ]"}}},
                        "region": {
                            "required": ["startLine", "startColumn", "endLine", "endColumn"],
                            "properties": {
                                name: {"type": "integer", "minimum": 1} for name in ("startLine", "endColumn")
                            },
                        },
                    },
                }
            }
        }
    },
}
"""What code scanning needs of a log; the official schema says more, where it is at hand."""


def at(file, line, end=None, repository=None):
    return Span(Source(repository, file), line, 3, end or line, 9)


API = ObjectId("apps", "v1", "Deployment", "shop", "api")
SECRET = Finding(
    "missing-secret", Severity.WARNING, "Secret shop/keys is defined nowhere: add it", API, at("apps/a b.yaml", 5),
    (at("apps/ä.yaml", 7, 9), at("base/x.yaml", 1, repository="git.example.org/lib@v1")), "prod",
)  # fmt: skip
ON_TEST = Finding(SECRET.rule, SECRET.severity, SECRET.message, API, SECRET.span, SECRET.related, "test")
FAILED = Finding("failed-unit", Severity.ERROR, "100% broken:\nsee, here", None, at("k.yaml", 2, 4), (), "prod")
NOWHERE = Finding("unresolved-unit", Severity.NOTE, "not at hand \x00<&>", None, None, (), "prod")
FINDINGS = (SECRET, ON_TEST, FAILED, NOWHERE)
GATE = Gate(Severity.WARNING)


# SARIF


def log(findings=FINDINGS):
    return json.loads(sarif.render("fluxidx check", findings, RULES))


def test_sarif_has_what_code_scanning_needs():
    jsonschema.validate(log(), ESSENTIAL)


def test_sarif_is_what_the_official_schema_says(official_sarif):
    jsonschema.Draft4Validator(official_sarif).validate(log())


def test_sarif_points_at_the_author_s_line_with_the_chain_beside_it():
    failed, secret, nowhere = log()["runs"][0]["results"]
    (location,) = secret["locations"]
    assert location == {
        "physicalLocation": {
            "artifactLocation": {"uri": "apps/a%20b.yaml", "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 5, "startColumn": 3, "endLine": 5, "endColumn": 10},
        },
        "logicalLocations": [{"fullyQualifiedName": "Deployment shop/api", "kind": "resource"}],
    }
    places = [one["physicalLocation"]["artifactLocation"] for one in secret["relatedLocations"]]
    assert places == [
        {"uri": "apps/%C3%A4.yaml", "uriBaseId": "%SRCROOT%"},
        {"uri": "https://git.example.org/lib@v1/base/x.yaml"},
    ]
    assert (secret["level"], secret["properties"]["clusters"]) == ("warning", ["prod", "test"])
    assert (failed["level"], nowhere["locations"]) == ("error", [])


def test_every_result_names_a_rule_of_the_run():
    (run,) = log()["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])


def test_fingerprints_stay_when_lines_move_and_tell_twins_apart():
    def prints(*findings):
        return [one["partialFingerprints"]["fluxidx/v1"] for one in log(findings)["runs"][0]["results"]]

    moved = Finding(SECRET.rule, SECRET.severity, SECRET.message, API, at("apps/a b.yaml", 90), (), "prod")
    assert prints(SECRET) == prints(moved)
    first, second = prints(SECRET, moved)
    assert second == f"{first}:2"


# GitHub


WARNED = (
    "::warning title=missing-secret,file=apps/a b.yaml,line=5,endLine=5,col=3,endColumn=9::Secret shop/keys is "
    "defined nowhere: add it (clusters prod, test)"
)


def test_annotations_are_escaped_and_the_worst_comes_first():
    assert github.render(FINDINGS).splitlines() == [
        "::error title=failed-unit,file=k.yaml,line=2,endLine=4::100%25 broken:%0Asee, here",
        WARNED,
        "::notice title=unresolved-unit::not at hand \\x00<&>",
    ]


def test_a_file_name_cannot_end_a_field():
    odd = Finding("failed-unit", Severity.ERROR, "m", None, at("a,b:c%.yaml", 1))
    assert github.render([odd]).startswith("::error title=failed-unit,file=a%2Cb%3Ac%25.yaml,line=1,")


# JUnit


def test_what_reaches_the_gate_is_a_failed_test():
    root = ET.fromstring(junit.render("fluxidx check", FINDINGS, RULES, GATE))  # noqa: S314 - our own
    assert (root.tag, root.get("name"), root.get("failures")) == ("testsuites", "fluxidx check", "2")
    assert root.get("tests") == str(len(RULES))
    cases = {case.get("classname"): case for case in root.iter("testcase")}
    secret = cases["missing-secret"]
    assert (secret.get("file"), secret.get("line")) == ("apps/a b.yaml", "5")
    failure = secret.find("failure")
    assert (failure.get("type"), failure.get("message")) == ("warning", SECRET.message)
    assert failure.text.splitlines()[1:] == ["clusters: prod, test", "see apps/ä.yaml:7", "see base/x.yaml:1"]
    below = cases["unresolved-unit"]
    assert below.find("failure") is None
    assert below.findtext("system-out").startswith("note: not at hand \N{REPLACEMENT CHARACTER}<&>")
    assert list(cases["missing-source"]) == []


# Markdown


def comment(findings=FINDINGS, clusters=(), link=lambda _span: None):
    answer = Checked(tuple(findings), 0, (Unjudged("prod", "shop", (), 3),), ("prod", "test"))
    return markdown_findings.check(answer, RULES, GATE, link, clusters)


def test_a_comment_is_short_and_folds_the_notes():
    assert (
        comment()
        == """\
<!-- fluxidx check -->

❌ **fluxidx check**: 1 error, 1 warning, 1 note in clusters prod, test

**❌ failed-unit** A unit cannot be built

- `k.yaml:2` (cluster prod) 100% broken: see, here

**⚠️ missing-secret** A Secret is used that nothing defines

- `apps/a b.yaml:5` (clusters prod, test) Secret shop/keys is defined nowhere: add it \
(see `apps/ä.yaml:7`, `base/x.yaml:1`)

<details><summary>💡 1 note</summary>

- **unresolved-unit** (cluster prod) not at hand \\\\x00\\<&\\>

</details>

_Not judged: 3 references into 1 namespace with charts that are not rendered._"""
    )


def test_the_marker_is_the_same_in_every_run_and_its_own_for_each_cluster():
    first = [text.splitlines()[0] for text in (comment(), comment(()), comment(clusters=("b", "a-->")))]
    assert first == ["<!-- fluxidx check -->", "<!-- fluxidx check -->", "<!-- fluxidx check of a->, b -->"]


def test_lines_are_links_where_the_forge_has_a_page():
    text = comment([SECRET], link=lambda span: f"https://git.example.org/{span.line}")
    assert "- [`apps/a b.yaml:5`](https://git.example.org/5) (cluster prod)" in text


def test_a_comment_stays_below_the_limit_of_forges_and_says_what_was_cut():
    many = [
        Finding("missing-secret", Severity.WARNING, f"Secret shop/{'x' * 200}{n}", None, at(f"{n}.yaml", n + 1))
        for n in range(1000)
    ]
    notes = [Finding("unused-variable", Severity.NOTE, "m" * 300, None, at(f"n{n}.yaml", 1)) for n in range(300)]
    text = comment([*many, *notes])
    assert 50_000 < len(text) < 65_536
    shown = text.count("Secret shop/")
    assert f"{1000 - shown} more cannot be shown here" in text
    assert "300 more cannot be shown here" in text
    assert text.count("<details>") == text.count("</details>")


def test_a_block_that_has_no_room_is_not_added():
    full = Comment("fluxidx check", limit=2_200)
    assert (full.add("x" * 100), full.add("y" * 100)) == (True, False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", "a b"),
        ("*x* _y_ <b> [l](u) #1", "\\*x\\* \\_y\\_ \\<b\\> \\[l\\](u) \\#1"),
        ("main@sha1", "main&#64;sha1"),
        ("https://x.org", "https:&#47;/x.org"),
    ],
)
def test_plain_text_is_no_markup_and_calls_nobody(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(("text", "shown"), [("a", "`a`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``")])
def test_code_holds_any_backticks(text, shown):
    assert code(text) == shown


def test_a_block_of_code_holds_any_fence():
    assert fenced("diff", ["+ ```", "- x"]) == "````diff\n+ ```\n- x\n````"
