"""Pairs of settings come up on the twin, as the named configurations do: here a tenth of them."""

import pytest
from tests.functional.cloudformation_types.conftest import Bench
from tests.templates.share import share, told
from tests.templates.thorough.test_deploys import come_up
from tests.unit.blueprint.configs import CURATED

EVERY = [name for name in CURATED if name.startswith("pairs-")]


@pytest.mark.parametrize("name", share(EVERY, 10))
def test_pairs_come_up(bench: Bench, name: str) -> None:
    told()
    come_up(bench, name)
