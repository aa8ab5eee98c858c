import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from indexer import __version__
from indexer.cli import main as program
from indexer.cli.main import COMMANDS, fluxidx, run
from indexer.errors import FluxidxError, IndexMissing, NotFound
from indexer.git.place import NoRepository


def test_help_is_everywhere_and_names_all_commands() -> None:
    for option in ("-h", "--help"):
        result = CliRunner().invoke(fluxidx, [option])
        assert result.exit_code == 0
        for command in COMMANDS:
            assert f"  {command} " in result.output


@pytest.mark.parametrize("command", [*COMMANDS, "render dir", "render unit", "render object"])
def test_every_command_has_help_and_the_shared_options(command) -> None:
    for option in ("-h", "--help"):
        result = CliRunner().invoke(fluxidx, [*command.split(), option])
        assert result.exit_code == 0, result.output
    if command != "render":
        for shared in ("--repo", "--config", "--index", "--cluster", "--color", "--quiet", "--verbose"):
            assert shared in result.output


def test_help_imports_no_command(fleet) -> None:
    code = (
        "import sys; from indexer.cli.main import run; run(['--help']);"
        "print([m for m in sys.modules if m.startswith('indexer.cli.') and m != 'indexer.cli.main'])"
    )
    done = fleet.python("-c", code)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    result = CliRunner().invoke(fluxidx, ["--version"])
    assert result.output == f"fluxidx, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["wehre"], "No such command 'wehre'"),
        (["where"], "Missing argument 'OBJECT'"),
        (["where", "ns/bar", "--live", "--at", "HEAD"], "--live answers for the revision that the cluster applied"),
        (["where", "ns/bar", "--color", "blue"], "'blue' is not one of 'auto', 'always', 'never'"),
        (["where", "ns/bar", "-o", "xml"], "'xml' is not one of 'text', 'json'"),
    ],
)
def test_a_mistake_on_the_command_line_is_a_usage_error(arguments, message, capsys) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (FluxidxError("file.yaml:1:2: what: what to do"), 2, "fluxidx: file.yaml:1:2: what: what to do\n"),
        (NotFound("no Namespace 'bar'"), 1, "fluxidx: no Namespace 'bar'\n"),
        (IndexMissing("there is no index"), 3, "fluxidx: there is no index\n"),
        (NoRepository("/x: no repository"), 2, "fluxidx: /x: no repository\n"),
        (PermissionError(13, "Permission denied", "/x"), 2, "fluxidx: /x: Permission denied\n"),
        (KeyboardInterrupt(), 130, "\n"),
        (
            FluxidxError("a\x1b]0;b\x07.yaml: what:\nwhat to do"),
            2,
            "fluxidx: a\\x1b]0;b\\x07.yaml: what:\nwhat to do\n",
        ),
    ],
)
def test_an_expected_error_is_one_message_and_an_exit_code(error, code, message, capsys, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(program.fluxidx, "invoke", fail)
    assert run(["ls"]) == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", message)


def test_an_error_of_the_program_itself_is_not_hidden(monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(program.fluxidx, "invoke", fail)
    with pytest.raises(ZeroDivisionError):
        run(["ls"])


def test_a_reader_that_has_enough_is_no_error(fleet) -> None:
    fleet.run("build", "-q")
    code = (
        "import os, sys; reader, writer = os.pipe(); os.close(reader); os.dup2(writer, 1);"
        "from indexer.cli.start import main; main(['ls', '-o', 'json'])"
    )
    done = fleet.python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupt_before_the_command_is_imported_is_no_traceback(fleet) -> None:
    code = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'indexer.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from indexer.cli.start import main\n"
        "main(['ls'])\n"
    )
    done = fleet.python("-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("closed", ["1", "2", "0 1 2"])
def test_a_stream_that_is_closed_is_no_error(fleet, closed) -> None:
    fleet.run("build", "-q")
    close = " ".join(f"{number}>&-" for number in closed.split())
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m indexer ls --no-build {close}'],
        cwd=fleet.root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_shell_can_complete(fleet, monkeypatch) -> None:
    monkeypatch.setenv("_FLUXIDX_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "fluxidx wh")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert fleet.run().stdout.split() == ["plain,where", "plain,what"]


def test_outside_a_repository_one_message_says_so(tmp_path, fleet) -> None:
    done = fleet.run("where", "ns/bar", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "not a git repository" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_index_may_not_be_built_where_that_is_forbidden(fleet) -> None:
    done = fleet.run("where", "ns/bar", "--no-build")
    assert (done.returncode, done.stdout) == (3, "")
    assert "run `fluxidx build`" in done.stderr


def test_a_question_on_a_built_index_imports_click_alone(fleet) -> None:
    assert fleet.run("build", "-q").returncode == 0
    code = (
        "import sys; from indexer.cli.main import run; code = run(sys.argv[1:]);"
        "heavy = {'git', 'sqlalchemy', 'alembic', 'ruamel', '_ruamel_yaml', 'kubernetes', 'rich'} & {*sys.modules};"
        "sys.exit(f'{code} {heavy}' if heavy or code else 0)"
    )
    for question in (["where", "ns/bar"], ["what", "flux/apps/staging/patch.yaml"], ["ls"], ["units"]):
        done = fleet.python("-c", code, *question, "--no-build")
        assert (done.returncode, done.stderr) == (0, "")
