"""What the twin takes and cannot do is said by name."""

from tests.unit.blueprint.configs import ACCOUNT, config

from underpass.deploy.preflight import simulated


def test_it_is_said_of_what_is_asked_for_and_of_nothing_else() -> None:
    assert simulated.check(config()) == ()
    (hosts,) = simulated.check(config(capacity={"ssm": True}))
    assert hosts.startswith("[capacity] ssm: ")
    found = simulated.check(
        config(**ACCOUNT, capacity={"provider": "fargate", "spot": True, "architecture": "arm64"})
    )
    assert {one.partition(":")[0] for one in found} >= {"[capacity] spot", "permissions_boundary"}
