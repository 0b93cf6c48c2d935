"""Starting the command line costs little."""

import subprocess
import sys


def test_help_loads_nothing_heavy() -> None:
    heavy = {"pydantic", "boto3", "botocore", "troposphere", "rich", "moto", "yaml", "pyroute2"}
    code = (
        "import sys; from underpass.cli.main import main; main(['--help']); "
        f"sys.exit(' '.join(sorted({heavy!r} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "\n"
