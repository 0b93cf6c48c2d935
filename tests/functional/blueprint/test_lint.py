"""cfn-lint finds nothing in any template: no error, no warning, no information."""

import subprocess
import sys
from pathlib import Path

from tests.unit.blueprint.configs import CURATED

from underpass.blueprint import stacks

CFN_LINT = Path(sys.executable).with_name("cfn-lint")


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    files: dict[str, Path] = {}  # a template that two configurations share is linted once
    for name, config in CURATED.items():
        for stack in stacks(config):
            files.setdefault(stack.body(), tmp_path / f"{name}.{stack.name}.json")
    for body, path in files.items():
        path.write_text(body, encoding="utf-8")
    done = subprocess.run(
        [CFN_LINT, "--include-checks", "I", "--", *files.values()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
