"""The frame of the command line: exit statuses, and how errors reach people and programs."""

import errno
import json
from typing import Any

import pytest
import typer

from underpass import __version__
from underpass.cli import main as cli
from underpass.cli import plan
from underpass.config.problems import ConfigError, Problem
from underpass.errors import UnderpassError


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """A command line whose commands end in each way a command can."""
    app = typer.Typer()
    app.callback()(lambda: None)
    problem = Problem("underpass.toml", 3, "service.prot", "is not a key", "did you mean port?")

    @app.command()
    def known(*, as_json: bool = typer.Option(False, "--json")) -> None:
        raise UnderpassError("the path does not answer", "the task exits\nwith 1", "see the logs")

    @app.command()
    def config(*, as_json: bool = typer.Option(False, "--json")) -> None:
        raise ConfigError("underpass.toml", (problem,))

    @app.command()
    def passes(words: list[str]) -> None:
        raise UnderpassError(" ".join(words))

    @app.command()
    def broken() -> None:
        raise KeyError("a fault of underpass")

    @app.command()
    def aws() -> None:
        from botocore.exceptions import NoCredentialsError

        raise NoCredentialsError

    @app.command()
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    @app.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    @app.command()
    def one() -> None:
        raise typer.Exit(1)

    monkeypatch.setattr(cli, "application", lambda *_: app)
    return app


def test_an_error_says_what_why_and_what_next(
    raising: typer.Typer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["known"]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert err == (
        "underpass: the path does not answer\n  the task exits\n  with 1\nnext: see the logs\n"
    )


def test_with_json_an_error_is_one_line_on_standard_output(
    raising: typer.Typer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["config", "--json"]) == 2
    out, err = capsys.readouterr()
    assert not err
    assert out.count("\n") == 1
    told = json.loads(out)
    assert told["ok"] is False
    assert told["error"]["what"] == "underpass.toml has a problem"
    assert told["error"]["problems"][0]["line"] == 3


def test_a_json_option_of_another_command_is_not_ours(
    raising: typer.Typer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["passes", "--", "curl", "--json"]) == 1
    assert capsys.readouterr() == ("", "underpass: curl --json\n")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["interrupted"], 130, ""),
        (["one"], 1, ""),
        (["aws"], 1, "Unable to locate credentials"),
        (
            ["full"],
            1,
            "the output could not be written\n  No space left on device\nnext: make room",
        ),
        (["knwon"], 2, "known"),
        (["known", "--jsn"], 2, "--jsn"),
        (["known", "--jsn"], 2, "run `underpass known --help`"),
        (["passes"], 2, "words"),
    ],
)
def test_each_way_to_end_has_its_status(
    raising: typer.Typer,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    says: str,
) -> None:
    assert cli.main(arguments) == status
    assert says in capsys.readouterr().err


def test_a_fault_of_underpass_keeps_its_traceback(raising: typer.Typer) -> None:
    with pytest.raises(KeyError):
        cli.main(["broken"])


@pytest.mark.parametrize("option", [[], ["--json"]])
@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KeyError("a fault of underpass"), "Traceback"),
        (UnderpassError("the stack is at work"), "the stack is at work"),
        (OSError(errno.ENOSPC, "No space left on device"), "the output could not be written"),
        (BrokenPipeError(), ""),
    ],
)
def test_a_plan_that_fails_never_says_that_something_changes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    says: str,
    option: list[str],
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(plan, "_show", fail)
    assert cli.main(["plan", *option]) == 2
    told = capsys.readouterr()
    assert says in told.out + told.err


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["check", "--help"]])
def test_help_is_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: underpass")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"underpass {__version__}\n"


def test_a_command_is_made_with_its_own_group_alone() -> None:
    for word in commands("--help"):
        assert word in commands(word)
        assert len(commands(word)) < len(commands("--help"))


def commands(word: str) -> dict[str, Any]:
    made: Any = typer.main.get_command(cli.application(word))
    return dict(made.commands)
