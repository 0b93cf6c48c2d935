"""Every pair of settings comes up on the twin's CloudFormation, as the named configurations do.

Here a tenth of them, drawn by the day or by ``SEED``; ``make soak`` deploys all (``PAIRS=all``).
"""

import os
import random
from datetime import UTC, datetime

import pytest
from tests.functional.cloudformation_types.conftest import Bench
from tests.templates.thorough.test_deploys import come_up
from tests.unit.blueprint.configs import CURATED

SEED = int(os.environ.get("SEED") or datetime.now(UTC).toordinal())
EVERY = [name for name in CURATED if name.startswith("pairs-")]
DRAWN = random.Random(SEED).sample(EVERY, len(EVERY) // 10)


@pytest.mark.parametrize("name", EVERY if os.environ.get("PAIRS") == "all" else DRAWN)
def test_pairs_come_up(bench: Bench, name: str) -> None:
    print(f"SEED={SEED}")
    come_up(bench, name)
