"""Two hundred configurations drawn from the whole space: cfn-lint, the limits, and nothing left open.

The draws are the same every time: each shard has its own seed, and a quarter of the shards is tried, all of
them in ``make soak``. What fails here once belongs into the curated matrix.
"""

import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from tests.templates.cfn_lint import findings
from tests.templates.curated.test_limits import INLINE_BODY_BYTES
from tests.templates.emitted import emitted
from tests.templates.share import share, told
from tests.unit.blueprint.configs import configs
from tests.unit.blueprint.templates import references

from underpass.config.model import Config

SHARDS = 8
EACH = 25


@pytest.mark.parametrize("shard", share(range(SHARDS), 4))
def test_any_configuration_gives_templates_without_a_finding(shard: int) -> None:
    told()
    seen: set[str] = set()

    @seed(shard)
    @settings(
        max_examples=4
        * EACH,  # some draws are alike; those after enough different ones cost nothing
        deadline=None,
        database=None,
        phases=[Phase.generate],  # to shrink takes minutes; the configuration is printed as it is
        suppress_health_check=list(HealthCheck),
    )
    @given(configs())
    def drawn(config: Config) -> None:
        text = config.model_dump_json(exclude_defaults=True)
        if text not in seen and len(seen) < EACH:
            note(text)
            check(config)
            seen.add(text)  # afterwards: what failed is tried again, and fails again

    drawn()
    assert len(seen) == EACH


def check(config: Config) -> None:
    for one in emitted({"drawn": config}):
        assert findings(one) == []
        assert len(one.body.encode()) <= INLINE_BODY_BYTES
        assert len(one.resources) <= 500
        known = {*one.resources, *one.template.get("Parameters", {})}
        assert references(one.stack) <= known
