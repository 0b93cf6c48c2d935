"""``template``: the templates as other tools take them."""

import json
from pathlib import Path

import pytest

from underpass.cli.main import main
from underpass.deploy.stacks.templates import MOST_IN_REQUEST

NAMES = [
    f"my-shop-{part}"
    for part in (
        *("foundation", "path", "capacity", "service", "monitoring"),
        "consumer-analytics",
    )
]


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "my-shop"
    assert main(["init", str(folder)]) == 0
    capsys.readouterr()
    return folder


def test_out_writes_a_file_for_each_stack(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a" / "b"
    assert main(["template", str(folder), "--out", str(out)]) == 0
    files = [out / f"{name}.json" for name in NAMES]
    assert capsys.readouterr().out.split() == [*map(str, files)]
    assert all("Resources" in json.loads(file.read_text()) for file in files)
    # What `aws cloudformation deploy --template-file` takes.
    assert all(file.stat().st_size <= MOST_IN_REQUEST for file in files)
    assert all('\n"' in file.read_text() for file in files)


def test_a_template_that_no_request_takes_is_written_and_says_how_it_goes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_environment(folder, "x" * 50_000)
    out = tmp_path / "out"
    assert main(["check", str(folder)]) == 0
    capsys.readouterr()
    assert main(["template", "--out", str(out), str(folder)]) == 0
    service = out / "my-shop-service.json"
    assert service.stat().st_size > MOST_IN_REQUEST
    assert capsys.readouterr().err == (
        f"! {service} is too long for a request: deploy it with --s3-bucket\n"
    )
    assert main(["template", "--out", str(out), str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["by_s3"] == [str(service)]


def test_variables_that_ecs_takes_no_more_are_refused_by_every_command(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_environment(folder, "x" * 60_000)
    out = tmp_path / "out"
    for words in (["template", "--out", str(out)], ["template"], ["plan"], ["check"]):
        assert main([*words, str(folder)]) == 2
        told = capsys.readouterr()
        assert not told.out
        assert "service.environment: has 60," in told.err
    assert not out.exists()


def with_environment(folder: Path, text: str) -> None:
    file = folder / "underpass.toml"
    long = f'environment = {{ LONG = "{text}" }}'
    file.write_text(file.read_text().replace("environment = {}", long))


def test_a_file_that_is_stale_is_named_and_kept(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["template", str(folder), "--out", str(out)]
    assert main(words) == 0
    (out / "other-consumer-analytics.json").touch()
    file = folder / "underpass.toml"
    file.write_text(file.read_text().replace('name = "analytics"', 'name = "reports"'))
    capsys.readouterr()
    consumer = out / f"{NAMES[-1]}.json"
    application = NAMES[0].removesuffix("-foundation")
    addon, release = (out / f"{application}-{one}.json" for one in ("addon-queue", "release"))
    for one in (addon, release):
        one.touch()
    stale = [addon, consumer, release]
    assert main(words) == 0
    lines = [f"! {one} is of what is no longer in underpass.toml\n" for one in stale]
    assert capsys.readouterr().err == "".join(lines)
    assert main([*words, "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["stale"] == [*map(str, stale)]
    assert not told.err
    assert all(one.exists() for one in stale)


def test_standard_output_holds_one_document_after_the_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["template", str(folder)]) == 0
    rest = capsys.readouterr().out
    count = 0
    while rest.strip():
        _, end = json.JSONDecoder().raw_decode(rest)
        rest = rest[end:].lstrip()
        count += 1
    assert count == len(NAMES)


def test_json_names_each_stack(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert list(told["stacks"]) == NAMES


def test_a_place_that_cannot_be_written_to(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for out in (folder / "underpass.toml", folder / "underpass.toml" / "out"):
        assert main(["template", str(folder), "--out", str(out)]) == 2
        told = capsys.readouterr().err
        assert f"cannot write to {out}" in told
        assert "next: name a folder" in told


def test_a_configuration_with_problems_gives_no_template(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "underpass.toml").write_text('name = "x"')
    assert main(["template", str(folder)]) == 2
    assert not capsys.readouterr().out
