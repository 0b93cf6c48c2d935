"""ECS services, made only once they run; instances; functions."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from tests.functional.cloudformation_types.conftest import Bench

from underpass.twin.api import patch
from underpass.twin.services.autoscaling import cfn as autoscaling
from underpass.twin.services.cloudformation.resource_type import Physical, ProvisionError
from underpass.twin.services.lambda_ import patches as lambda_

CONTAINER = {"Name": "app", "Image": "app:1", "Memory": "64", "Essential": "true"}


@pytest.fixture
def service(bench: Bench) -> dict[str, Any]:
    cluster = bench.create("ECS::Cluster").id
    task = bench.create("ECS::TaskDefinition", Family="app", ContainerDefinitions=[CONTAINER]).id
    return {"Cluster": cluster, "TaskDefinition": task, "DesiredCount": "2"}


def scheduler(bench: Bench, change: Callable[[Any], None]) -> None:
    """Do ``change`` to every service again and again, in the scheduler's stead."""
    from moto.ecs.models import ecs_backends

    backend = ecs_backends["123456789012"]["us-east-1"]

    def step() -> bool:
        for one in list(backend.services.values()):
            change(one)
        return False

    bench.meanwhile("ecs", step)


def complete(service: Any) -> None:
    service.running_count = service.desired_count
    service.deployments[0]["rolloutState"] = "COMPLETED"


def test_a_service_is_made_once_its_tasks_run(bench: Bench, service: dict[str, Any]) -> None:
    seen: list[int] = []

    def slowly(one: Any) -> None:
        seen.append(one.running_count)
        if len(seen) > 3:
            complete(one)

    scheduler(bench, slowly)
    made = bench.create("ECS::Service", **service)
    assert made.attributes["ServiceArn"] == made.id
    assert len(seen) > 3


def test_a_completed_rollout_with_a_missing_task_is_not_steady(
    bench: Bench, service: dict[str, Any]
) -> None:
    states: list[int] = []

    def scaling(one: Any) -> None:
        states.append(one.running_count)
        one.deployments[0]["rolloutState"] = "COMPLETED"
        one.running_count = min(len(states) // 3, one.desired_count)

    scheduler(bench, scaling)
    bench.create("ECS::Service", **service)
    assert len(states) >= 6


def test_a_broken_deployment_fails_with_why_its_last_task_stopped_and_leaves_nothing(
    bench: Bench, service: dict[str, Any]
) -> None:
    from moto.ecs.models import Task, ecs_backends

    backend = ecs_backends["123456789012"]["us-east-1"]

    def fail(one: Any) -> None:
        one.deployments[0]["rolloutState"] = "FAILED"
        tasks = backend.tasks.setdefault(service["Cluster"], {})
        if not tasks:
            task = Task(
                backend.clusters[service["Cluster"]],
                backend.describe_task_definition(one.task_definition),
                None,
                None,
                backend,
                f"service:{one.name}",
            )
            task.last_status = task.desired_status = "STOPPED"
            task.stopped_reason = "Essential container in task exited"
            task.containers = [{"name": "app", "exitCode": 3}]
            tasks[task.task_arn] = task

    scheduler(bench, fail)
    with pytest.raises(
        ProvisionError, match="ECS Deployment Circuit Breaker was triggered"
    ) as told:
        bench.create("ECS::Service", **service)
    assert "Essential container in task exited (app: exit code 3)" in str(told.value)
    ecs = bench.clients("ecs")
    found = ecs.list_services(cluster=service["Cluster"])["serviceArns"]
    left = (
        ecs.describe_services(cluster=service["Cluster"], services=found)["services"]
        if found
        else []
    )
    assert [one for one in left if one["status"] == "ACTIVE"] == []


def test_a_rolled_back_update_fails(bench: Bench, service: dict[str, Any]) -> None:
    scheduler(bench, complete)
    made = bench.create("ECS::Service", **service)
    other = bench.create("ECS::TaskDefinition", Family="app", ContainerDefinitions=[CONTAINER]).id
    new = {**service, "TaskDefinition": other}

    def roll_back(one: Any) -> None:
        if one.task_definition == other:
            one.deployments[0]["id"] = "ecs-svc/another"

    scheduler(bench, roll_back)
    with pytest.raises(ProvisionError, match="Circuit Breaker"):
        bench.update("ECS::Service", made, service, new)


def test_a_changed_count_is_waited_for(bench: Bench, service: dict[str, Any]) -> None:
    scheduler(bench, complete)
    made = bench.create("ECS::Service", **service)
    bench.update("ECS::Service", made, service, {**service, "DesiredCount": 3})
    found = bench.clients("ecs").describe_services(cluster=service["Cluster"], services=[made.id])
    assert found["services"][0]["runningCount"] == 3


def test_a_count_that_scaling_set_stays_when_the_template_names_none(
    bench: Bench, service: dict[str, Any]
) -> None:
    scheduler(bench, complete)
    uncounted = {key: value for key, value in service.items() if key != "DesiredCount"}
    made = bench.create("ECS::Service", **uncounted)
    ecs, cluster = bench.clients("ecs"), service["Cluster"]
    ecs.update_service(cluster=cluster, service=made.id, desiredCount=3)
    bench.update("ECS::Service", made, uncounted, {**uncounted, "EnableECSManagedTags": True})
    (found,) = ecs.describe_services(cluster=cluster, services=[made.id])["services"]
    assert found["desiredCount"] == 3


def test_a_group_counts_only_instances_in_service(bench: Bench) -> None:
    from moto.autoscaling.models import autoscaling_backends

    backend = autoscaling_backends["123456789012"]["us-east-1"]
    _, subnets = bench.subnets()
    template = bench.create(
        "EC2::LaunchTemplate",
        LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": "t3.micro"},
    )
    seen: list[str] = []

    def boot() -> bool:
        for group in list(backend.autoscaling_groups.values()):
            for state in group.instance_states:
                state.lifecycle_state = "InService" if len(seen) > 3 else "Pending"
            seen.append("looked")
        return False

    bench.meanwhile("autoscaling", boot)
    group = bench.create(
        "AutoScaling::AutoScalingGroup",
        MinSize="1",
        MaxSize="2",
        VPCZoneIdentifier=subnets,
        LaunchTemplate={"LaunchTemplateId": template.id, "Version": "1"},
    )
    found = bench.clients("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[group.id]
    )["AutoScalingGroups"][0]
    assert found["DesiredCapacity"] == 1
    assert found["VPCZoneIdentifier"] == ",".join(subnets)


def test_a_group_waits_for_its_protected_instances(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, subnets = bench.subnets()
    data = {"ImageId": "ami-12345678", "InstanceType": "t3.micro"}
    template = bench.create("EC2::LaunchTemplate", LaunchTemplateData=data)
    group = bench.create(
        "AutoScaling::AutoScalingGroup",
        MinSize="2",
        MaxSize="2",
        VPCZoneIdentifier=subnets,
        LaunchTemplate={"LaunchTemplateId": template.id, "Version": "1"},
        NewInstancesProtectedFromScaleIn=True,
    )
    monkeypatch.setattr(autoscaling, "PROTECTED_S", 0.2)
    with pytest.raises(ProvisionError, match="all remaining instances are protected"):
        bench.delete("AutoScaling::AutoScalingGroup", group)
    client = bench.clients("autoscaling")
    named = {"AutoScalingGroupName": group.id}
    (there,) = client.describe_auto_scaling_groups(AutoScalingGroupNames=[group.id])[
        "AutoScalingGroups"
    ]
    client.update_auto_scaling_group(**named, NewInstancesProtectedFromScaleIn=False)
    ids = [one["InstanceId"] for one in there["Instances"]]
    client.set_instance_protection(**named, InstanceIds=ids, ProtectedFromScaleIn=False)
    bench.delete("AutoScaling::AutoScalingGroup", group)
    found = client.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert group.id not in {one["AutoScalingGroupName"] for one in found}


def test_a_launch_template_gets_a_version_and_keeps_its_default(bench: Bench) -> None:
    old = {"LaunchTemplateData": {"ImageId": "ami-12345678", "InstanceType": "t3.micro"}}
    made = bench.create("EC2::LaunchTemplate", **old)
    new = {"LaunchTemplateData": {"ImageId": "ami-12345678", "InstanceType": "t3.large"}}
    changed = bench.update("EC2::LaunchTemplate", made, old, new)
    assert changed.attributes["LatestVersionNumber"] == "2"
    assert changed.attributes["DefaultVersionNumber"] == "1"


def test_instances_are_made_of_a_later_version_too(bench: Bench) -> None:
    """moto keeps the first version's user data in one form, and took another's as it came."""
    _, subnets = bench.subnets()
    data = {"ImageId": "ami-12345678", "InstanceType": "t3.micro", "UserData": "Iy9iaW4vc2g="}
    old, new = ({"LaunchTemplateData": data | {"ImageId": f"ami-{n * 8}"}} for n in "12")
    made = bench.create("EC2::LaunchTemplate", **old)
    bench.update("EC2::LaunchTemplate", made, old, new)
    group = bench.create(
        "AutoScaling::AutoScalingGroup",
        MinSize="1",
        MaxSize="2",
        VPCZoneIdentifier=subnets,
        LaunchTemplate={"LaunchTemplateId": made.id, "Version": "2"},
    )
    named = {"AutoScalingGroupNames": [group.id]}
    (found,) = bench.clients("autoscaling").describe_auto_scaling_groups(**named)[
        "AutoScalingGroups"
    ]
    assert len(found["Instances"]) == 1


def code(bench: Bench, function: Physical) -> str:
    where = bench.clients("lambda").get_function(FunctionName=function.id)["Code"]["Location"]
    del where  # moto gives an S3 address; its own store has the bytes
    from moto.awslambda.models import lambda_backends

    held = lambda_backends["123456789012"]["us-east-1"].get_function(function.id)
    with zipfile.ZipFile(io.BytesIO(held.code_bytes)) as archive:
        return archive.read("index.py").decode()


def function(bench: Bench) -> dict[str, Any]:
    """Return the properties of a function whose role is there."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = bench.create("IAM::Role", AssumeRolePolicyDocument=trust)
    return {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": "one = 1\n"},
        "Role": role.attributes["Arn"],
        "Timeout": "30",
    }


def test_a_function_goes_into_a_vpc_and_out_of_it(bench: Bench) -> None:
    patch.apply(lambda_)
    vpc, subnets = bench.subnets()
    group = bench.create("EC2::SecurityGroup", GroupDescription="f", VpcId=vpc).id
    outside = function(bench)
    inside = {**outside, "VpcConfig": {"SubnetIds": subnets, "SecurityGroupIds": [group]}}
    made = bench.create("Lambda::Function", **inside)

    def placed() -> Any:
        found = bench.clients("lambda").get_function_configuration(FunctionName=made.id)
        return found.get("VpcConfig", {}).get("VpcId")

    assert placed() == vpc
    bench.update("Lambda::Function", made, inside, outside)
    assert placed() is None
    bench.update("Lambda::Function", made, outside, inside)
    assert placed() == vpc
    nowhere = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": [group]}
    with pytest.raises(ProvisionError, match="'subnet-1' does not exist"):
        bench.update("Lambda::Function", made, inside, {**inside, "VpcConfig": nowhere})


def test_a_functions_source_is_packed_as_index_and_replaced(bench: Bench) -> None:
    old = function(bench)
    made = bench.create("Lambda::Function", **old)
    assert code(bench, made) == "one = 1\n"
    bench.update("Lambda::Function", made, old, {**old, "Code": {"ZipFile": "two = 2\n"}})
    assert code(bench, made) == "two = 2\n"
