"""Every pair of settings comes up on the twin's CloudFormation, as the named configurations do."""

import pytest
from tests.functional.cloudformation_types.conftest import Bench
from tests.templates.thorough.test_deploys import come_up
from tests.unit.blueprint.configs import CURATED


@pytest.mark.parametrize("name", [name for name in CURATED if name.startswith("pairs-")])
def test_pairs_come_up(bench: Bench, name: str) -> None:
    come_up(bench, name)
