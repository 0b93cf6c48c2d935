"""Starting the command line costs little."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "notes"
HEAVY = {"pydantic", "boto3", "botocore", "troposphere", "rich", "moto", "yaml"}


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
