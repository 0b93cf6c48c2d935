"""Who decides how many tasks run: the scaler where there is one, else the template."""

from typing import Any

import pytest
from tests.unit.blueprint.configs import config
from tests.unit.blueprint.templates import by_part, resource, resources


def stack(**service: Any) -> Any:
    return by_part(config(service=service))[1]


def test_the_scaler_keeps_the_count_between_the_limits() -> None:
    found = stack(tasks={"min": 2, "max": 5})
    assert "DesiredCount" not in resource(found, "Service")  # or each release would set it back
    target = resource(found, "ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 5)
    assert target["ResourceId"] == {"Fn::Sub": "service/${ClusterName}/${Service.Name}"}


def test_it_follows_cpu_and_requests() -> None:
    found = stack(scaling={"cpu": 70, "requests": 500})
    policies = {
        name: policy["TargetTrackingScalingPolicyConfiguration"]
        for name, policy in resources(found, "ApplicationAutoScaling::ScalingPolicy").items()
    }
    assert {name: policy["TargetValue"] for name, policy in policies.items()} == {
        "ScalingOnCpu": 70,
        "ScalingOnRequests": 500,
    }
    label = policies["ScalingOnRequests"]["PredefinedMetricSpecification"]["ResourceLabel"]
    # app/NAME/ID/targetgroup/NAME/ID
    assert label == {
        "Fn::Join": [
            "/",
            [{"Ref": "AlbFullName"}, {"Ref": "AlbTargetGroupFullName"}],
        ]
    }


@pytest.mark.parametrize(
    ("scaling", "policies"),
    [({"cpu": 0}, {"ScalingOnRequests"}), ({"requests": 0}, {"ScalingOnCpu"})],
)
def test_it_follows_only_what_it_is_told_to(scaling: dict[str, int], policies: set[str]) -> None:
    assert set(resources(stack(scaling=scaling), "ApplicationAutoScaling::ScalingPolicy")) == (
        policies
    )


@pytest.mark.parametrize(
    "service",
    [
        {"tasks": {"min": 3, "max": 3}},
        {"tasks": {"min": 0, "max": 3}},
        {"tasks": {"min": 3, "max": 6}, "scaling": {"cpu": 0, "requests": 0}},
    ],
)
def test_without_anything_to_scale_the_template_says_how_many(service: dict[str, Any]) -> None:
    found = stack(**service)
    assert resource(found, "Service")["DesiredCount"] == service["tasks"]["min"]
    assert not resources(found, "ApplicationAutoScaling::ScalableTarget")
