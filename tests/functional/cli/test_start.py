"""Starting the command line costs little."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "notes"
HEAVY = {
    *("pydantic", "boto3", "botocore", "troposphere", "rich", "moto", "yaml"),
    *("cfn_flip", "troposphere.serverless", "troposphere.apigateway", "asyncio", "http", "ssl"),
}


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["--help"], set()),
        (["check", str(EXAMPLE)], {"pydantic"}),
        (["template", str(EXAMPLE)], {"pydantic", "troposphere"}),
    ],
)
def test_a_command_loads_nothing_heavy_that_it_does_not_need(
    words: list[str], needed: set[str]
) -> None:
    code = (
        f"import sys; from underpass.cli.main import main; main({words!r}); "
        f"sys.exit(' '.join(sorted({HEAVY - needed!r} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "\n"


def test_another_packages_plugin_for_pydantic_is_not_looked_for(tmp_path: Path) -> None:
    (tmp_path / "other-1.dist-info").mkdir()
    (tmp_path / "other-1.dist-info" / "METADATA").write_text("Name: other\nVersion: 1\n")
    (tmp_path / "other-1.dist-info" / "entry_points.txt").write_text("[pydantic]\nit = other:it\n")
    (tmp_path / "other.py").write_text("raise SystemExit('loaded')\n")
    code = (
        "import os, sys; from underpass.cli.main import main; before = dict(os.environ); "
        f"sys.exit(main(['check', {str(EXAMPLE)!r}]) or os.environ != before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
