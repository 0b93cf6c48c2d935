"""The same configuration gives the same bytes: twice in one process, and whatever the hash seed."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.blueprint.configs import CURATED

from underpass.blueprint import stacks

pytestmark = pytest.mark.xdist_group("same bytes")
ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import json
from tests.templates.curated.test_same_bytes import digests
print(json.dumps(digests()))
"""


def digests() -> dict[str, list[str]]:
    """Return a digest of every stack's name, parameters and body, by configuration."""
    return {
        name: [
            hashlib.sha256(
                f"{one.name} {json.dumps(dict(one.parameters))} {one.body()}".encode()
            ).hexdigest()
            for one in stacks(config)
        ]
        for name, config in CURATED.items()
    }


@pytest.fixture(scope="module")
def emitted() -> dict[str, list[str]]:
    return digests()


def test_emitted_twice_in_one_process(emitted: dict[str, list[str]]) -> None:
    assert digests() == emitted


@pytest.mark.parametrize("seed", ["0", "1", "424242"])
def test_emitted_by_processes_that_hash_differently(
    emitted: dict[str, list[str]], seed: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": seed},
    )
    assert json.loads(done.stdout) == emitted
