"""``fluxidx check`` and the findings of ``fluxidx impact``, as they are run."""

import json
from importlib.resources import files

import jsonschema
import pytest
from rules_fleet import base, config_map, deployment

from indexer.cli.main import run
from indexer.errors import ExitCode

KEYS = deployment(container="envFrom:\n- secretRef: {name: keys}\n")
SCHEMA = json.loads((files("indexer.report") / "schema" / "check.json").read_text())


@pytest.fixture
def fluxidx(repo, capsys):
    """Writes files and runs a command line: the exit code, and what is printed."""

    def command(written, *arguments):
        if written is not None:
            repo.write(written)
        code = run([arguments[0], "--repo", str(repo.root), *arguments[1:]])
        return code, capsys.readouterr().out

    return command


def test_the_text_says_what_is_wrong_and_where(fluxidx):
    code, text = fluxidx(base(**{"a.yaml": KEYS, "b.yaml": "kind: x\n"}), "check")
    assert code == ExitCode.FINDINGS
    assert text.splitlines()[:6] == [
        "error failed-unit  A unit cannot be built",
        "  apps/b.yaml:1  prod",
        "    Kustomization flux-system/apps cannot be built: kind x has no name: give it",
        "    a metadata.name",
        "    ↳ clusters/prod/apps.yaml:1-8",
        "",
    ] or text.startswith("error failed-unit  A unit cannot be built\n  apps/b.yaml:1  prod\n")
    assert text.splitlines()[-1].startswith("1 error")


def test_nothing_found_is_said(fluxidx):
    assert fluxidx(base(**{"a.yaml": config_map()}), "check") == (ExitCode.DONE, "Nothing found in 1 cluster\n")


def test_notes_are_counted_and_shown_when_asked_for(fluxidx):
    files = base(**{"a.yaml": config_map()}) | {"old/a.yaml": config_map()}
    assert fluxidx(files, "check") == (ExitCode.DONE, "1 note in 1 cluster (-v shows the notes)\n")
    _, verbose = fluxidx(None, "check", "-v")
    assert verbose.startswith("note unreachable-file  A manifest is read by no unit of any cluster\n  old/a.yaml:1\n")
    assert fluxidx(None, "check", "--gate", "unreachable-file")[0] == ExitCode.FINDINGS


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        (None, ExitCode.DONE),
        ("warning", ExitCode.FINDINGS),
        ("missing-secret", ExitCode.FINDINGS),
        ("missing-service,error", ExitCode.DONE),
        ("no-such-rule", ExitCode.ENVIRONMENT),
    ],
)
def test_the_gate_decides(fluxidx, gate, code):
    options = ("--gate", gate) if gate else ()
    assert fluxidx(base(**{"a.yaml": KEYS}), "check", *options)[0] == code


def test_the_gate_of_the_configuration_counts_where_the_command_line_has_none(fluxidx):
    files = base(**{"a.yaml": KEYS}) | {".fluxidx.toml": '[check]\ngate = "warning"\n'}
    assert fluxidx(files, "check")[0] == ExitCode.FINDINGS
    assert fluxidx(None, "check", "--gate", "none")[0] == ExitCode.DONE
    fluxidx(base(**{"a.yaml": config_map()}), "check")
    assert fluxidx(files, "impact", "HEAD~1..HEAD")[0] == ExitCode.FINDINGS
    assert fluxidx(None, "impact", "HEAD~1..HEAD", "--gate", "error")[0] == ExitCode.DONE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[check]\n\ngate = "worst"\n', '3: gate: "worst" is no severity (error, warning, note) and no rule: '),
        ('\n[check.rules]\nmine = "off"\n', '3: [check.rules]: there is no rule "mine": correct its name'),
        (
            '[[cluster]]\nname = "x"\nentry = ["no.yaml"]\n',
            '3: "no.yaml" of cluster "x" cannot be read: no such file or directory: correct entry',
        ),
        (
            '[[cluster]]\nname = "prod"\nobjects = ["no.yaml"]\n',
            '3: "no.yaml" of `objects` cannot be read (No such file or directory): correct its path',
        ),
    ],
)
def test_what_the_configuration_names_and_is_not_there_is_said_with_its_line(repo, capsys, text, message):
    repo.write(base(**{"a.yaml": KEYS}) | {".fluxidx.toml": text})
    assert run(["check", "--repo", str(repo.root)]) == ExitCode.ENVIRONMENT
    assert capsys.readouterr().err.startswith(f"fluxidx: {repo.root}/.fluxidx.toml:{message}")


def test_files_narrow_the_answer(fluxidx, repo):
    files = base(**{"a.yaml": KEYS, "b.yaml": config_map()})
    code, text = fluxidx(files, "check", "--gate", "note", str(repo.root / "apps/b.yaml"))
    assert (code, text) == (ExitCode.DONE, "Nothing found in 1 cluster\n")
    assert fluxidx(None, "check", "--gate", "note", str(repo.root / "apps/a.yaml"))[0] == ExitCode.FINDINGS


@pytest.mark.parametrize("mistake", [("apps/bb.yaml",), ("--cluster", "nowhere")])
def test_a_name_that_means_nothing_is_not_a_clean_repository(fluxidx, mistake):
    code, text = fluxidx(base(**{"a.yaml": KEYS}), "check", *mistake)
    assert (code, text) == (ExitCode.ENVIRONMENT, "")


def test_json_is_as_its_schema_says(fluxidx):
    _, text = fluxidx(base(**{"a.yaml": KEYS}), "check", "-o", "json")
    answer = json.loads(text)
    jsonschema.validate(answer, SCHEMA)
    (finding,) = answer["findings"]
    assert (finding["rule"], finding["family"], finding["gate"]) == ("missing-secret", "references", False)
    assert finding["object"] == {"group": "", "version": "v1", "kind": "Secret", "namespace": "shop", "name": "keys"}
    assert (finding["span"]["file"], finding["span"]["line"]) == ("apps/a.yaml", 16)
    assert answer["summary"] == {"error": 0, "warning": 1, "note": 0, "ignored": 0, "failed": False}


def test_the_rules_are_listed_with_those_of_the_repository(fluxidx):
    policy = '[[policy]]\nname = "mine"\nseverity = "note"\nmessage = "too old: {name}"\nsql = "SELECT 1"\n'
    code, text = fluxidx(base(**{"a.yaml": KEYS}) | {".fluxidx.toml": policy}, "check", "--rules")
    assert code == ExitCode.DONE
    assert "  moved-object             error    " in text
    assert text.splitlines()[-1].split() == ["mine", "note", "too", "old"]


def test_a_revision_is_checked_as_it_was(fluxidx, repo):
    repo.write(base(**{"a.yaml": KEYS}))
    repo.write(base(**{"a.yaml": config_map()}))
    assert fluxidx(None, "check", "--gate", "note")[0] == ExitCode.DONE
    assert fluxidx(None, "check", "--gate", "note", "--rev", "HEAD~1")[0] == ExitCode.FINDINGS


@pytest.mark.parametrize(
    ("output", "begin"),
    [
        ("markdown", "<!-- fluxidx {command} -->\n"),
        ("sarif", '{\n  "$schema"'),
        ("github", "::warning title=scaled-to-zero,file=apps/b.yaml,line=5"),
        ("junit", "<?xml"),
    ],
)
def test_formats_of_impact(fluxidx, repo, output, begin):
    repo.write(base(**{"a.yaml": KEYS, "b.yaml": deployment("b")}))
    repo.write(base(**{"a.yaml": KEYS, "b.yaml": deployment("b", replicas=0)}))
    code, text = fluxidx(None, "impact", "HEAD~1..HEAD", "-o", output, "--gate", "warning")
    assert code == ExitCode.FINDINGS
    assert text.startswith(begin.replace("{command}", "impact"))
    assert "scaled-to-zero" in text
    assert "missing-secret" not in text or output in ("sarif", "junit")


def test_the_comment_of_impact_says_everything_once(fluxidx, repo):
    repo.write(base(**{"b.yaml": deployment("b")}))
    repo.write(base(**{"b.yaml": deployment("b", replicas=0)}))
    _, text = fluxidx(None, "impact", "HEAD~1..HEAD", "-o", "markdown", "--diff")
    assert (
        text
        == """\
<!-- fluxidx impact -->

✅ **fluxidx impact**: 1 object on 1 cluster; 1 warning

**⚠️ scaled-to-zero** A workload is scaled to no replicas

- `apps/b.yaml:5` (cluster prod) Deployment shop/b is scaled from 2 to 0: nothing of it runs any more

<details><summary><b>cluster prod</b>: 1 change</summary>

- ✏️ **Deployment shop/b**
  - `/spec/replicas` `2 → 0` (`apps/b.yaml:5`)

</details>

<details><summary>Deployment shop/b</summary>

```diff
@@ -4,7 +4,7 @@
   name: b
   namespace: shop
 spec:
-  replicas: 2
+  replicas: 0
   selector:
     matchLabels:
       app: api
```

</details>
"""
    )


def test_one_cluster_has_a_comment_of_its_own(fluxidx, repo):
    repo.write(base(**{"b.yaml": deployment("b")}))
    repo.write(base(**{"b.yaml": deployment("b", replicas=1)}))
    _, text = fluxidx(None, "impact", "HEAD~1..HEAD", "-o", "markdown", "--cluster", "prod")
    assert text.startswith("<!-- fluxidx impact of prod -->\n")
