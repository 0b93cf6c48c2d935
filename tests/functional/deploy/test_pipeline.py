"""The whole deployment, against stacks that go on by themselves and a target that does as told."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import pytest
from tests.unit.deploy.fakes import (
    FakeClock,
    FakeCloudFormation,
    FakeEcs,
    FakeElbv2,
    FakeLogs,
    FakeTarget,
    Pages,
)

from underpass.config import Config
from underpass.deploy import pipeline
from underpass.deploy import plan as planning
from underpass.deploy.pipeline import Result
from underpass.deploy.plan import StackPlan
from underpass.deploy.reach import Reach, reaches
from underpass.deploy.stacks.changesets import NotExecutableError
from underpass.deploy.stacks.data_loss import DataLossError
from underpass.deploy.stacks.stack import tagged
from underpass.deploy.steps import Event
from underpass.errors import UnderpassError, UsageError

Asked: TypeAlias = dict[str, dict[str, str | None]]
FOUNDATION = {
    "RepositoryUri": "repository",
    "BucketName": "notes-assets",
    "DatabaseInstanceId": "db",
    "DatabaseUserSecretArn": "arn:secret",
    "FileSystemId": "fs-1",
    "WorkBucketName": "notes-work",
    "AppSubnetIds": "subnet-a,subnet-b",
    "VpcId": "vpc-0",
    "Zone1": "us-east-1a",
    "Zone2": "us-east-1b",
}
CAPACITY = {"ClusterName": "cluster", "CapacityProviderName": "provider"}
SERVICE = {"ServiceName": "service"}
PATH = {
    "EndpointServiceId": "vpce-svc-1",
    "EndpointServiceName": "com.amazonaws.vpce.svc-1",
    "NlbFullName": "net/nlb/1",
    "NlbTargetGroupFullName": "targetgroup/nlb/1",
    "AlbFullName": "app/alb/1",
    "AlbTargetGroupFullName": "targetgroup/alb/1",
    "AlbTargetGroupArn": "id-of-AlbTargetGroup",
    "RegistrarFunctionName": "registrar",
}


class Ec2:
    """Two subnets, and the connection of an endpoint once its stack has made it."""

    def __init__(self, cloudformation: FakeCloudFormation, moto: Any) -> None:
        self.cloudformation = cloudformation
        self.state = "pendingAcceptance"
        self.moto = moto
        self.describe_availability_zones = moto.describe_availability_zones
        self.describe_instance_type_offerings = moto.describe_instance_type_offerings

    def describe_subnets(self, SubnetIds: Sequence[str] = (), **asked: Any) -> Any:
        if asked:
            return self.moto.describe_subnets(**asked)
        return {"Subnets": [self._subnet(name) for name in SubnetIds]}

    def _subnet(self, name: str) -> dict[str, str]:
        there = self.moto.describe_availability_zones()["AvailabilityZones"]
        ids = {zone["ZoneName"]: zone["ZoneId"] for zone in there}
        zone = f"us-east-1{name[-1]}"
        return {
            "SubnetId": name,
            "VpcId": "vpc-0",
            "AvailabilityZone": zone,
            "AvailabilityZoneId": ids[zone],
        }

    def get_paginator(self, _: str) -> Pages:
        return Pages("VpcEndpointConnections", self._connections)

    def _connections(self, Filters: Any) -> list[Any]:
        made = any("Endpoint" in stack.physical for stack in self.cloudformation.stacks.values())
        return [{"VpcEndpointId": "vpce-1", "VpcEndpointState": self.state}] if made else []

    def accept_vpc_endpoint_connections(self, ServiceId: str, VpcEndpointIds: list[str]) -> Any:
        assert VpcEndpointIds == ["vpce-1"]
        self.state = "available"
        return {"Unsuccessful": []}


class World:
    """An empty account, a configuration with every part, and what the deployment tells."""

    def __init__(self, client: Callable[[str], Any], folder: Path, **sections: Any) -> None:
        (folder / "static").mkdir(exist_ok=True)
        (folder / "static" / "style.css").write_text("body {}")
        self.config = Config.model_validate(
            {
                "name": "notes",
                "service": {"port": 80, "build": ".", "health_check": "/healthz"},
                "database": {"seed": "seed.sql"},
                "assets": {"source": "static"},
                "consumers": [{"name": "analytics"}],
                "folder": folder,
                **sections,
            }
        )
        endpoint = {"EndpointId": "vpce-1", "Url": "http://notes.internal/"}
        self.cloudformation = FakeCloudFormation(
            ids={"Endpoint": "vpce-1"},
            outputs={
                "notes-foundation": FOUNDATION,
                "notes-path": PATH,
                "notes-capacity": CAPACITY,
                "notes-service": SERVICE,
                "notes-consumer-analytics": endpoint,
                "notes-consumer-billing": endpoint,
            },
        )
        self.ecs = FakeEcs()
        self.image = "ami-1"
        self.ec2 = Ec2(self.cloudformation, client("ec2"))
        self.elbv2 = FakeElbv2(**{"id-of-NlbTargetGroup": [], "id-of-AlbTargetGroup": []})
        self.targets(healthy=2)
        client("s3").create_bucket(Bucket="notes-assets")
        self.target = FakeTarget(
            {
                "cloudformation": self.cloudformation,
                "ec2": self.ec2,
                "ecs": self.ecs,
                "elbv2": self.elbv2,
                "logs": FakeLogs(abc=["no such table"]),
                "s3": client("s3"),
                "ssm": self,
                "sts": client("sts"),
                "rds": client("rds"),
            }
        )
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.allowed: set[str] = set()

    def get_parameter(self, Name: str) -> Any:
        """Answer for SSM which image AWS recommends for hosts."""
        assert Name.startswith("/aws/service/ecs/optimized-ami/")
        return {"Parameter": {"Value": f"{self.image}{'-arm' * ('arm64' in Name)}"}}

    def deploy(self) -> Result:
        return pipeline.deploy(
            self.config,
            self.target,
            self.events.append,
            clock=self.clock,
            answer_timeout_s=60,
            allowed=self.allowed,
        )

    def plan(self, **changes: Any) -> dict[str, StackPlan]:
        """Return what deploying a changed configuration would do, by the stack's name."""
        config = Config.model_validate({**self.config.model_dump(), **changes})
        return {one.name: one for one in planning.plan(config, self.target, self.clock)}

    def deploy_again(self, **changes: Any) -> Result:
        """Deploy a changed configuration, with nothing told so far."""
        values = {**self.config.model_dump(), "folder": self.config.folder, **changes}
        self.config = Config.model_validate(values)
        self.events.clear()
        self.cloudformation.calls.clear()
        return self.deploy()

    def targets(self, healthy: int, **others: str) -> None:
        """Let the ALB have so many healthy targets, and others by address and state."""
        well = [(f"10.0.0.{number}", "healthy") for number in range(healthy)]
        self.elbv2.groups["id-of-AlbTargetGroup"] = well + list(others.items())

    def finished(self) -> list[str]:
        return [event.step for event in self.events if event.kind == "finished"]

    def warnings(self, step: str) -> list[str]:
        return [e.text for e in self.events if (e.step, e.kind) == (step, "warning")]

    def resources(self, stack: str) -> set[str]:
        return set(self.cloudformation.named(stack).template["Resources"])


@pytest.fixture
def world(client: Callable[[str], Any], tmp_path: Path) -> World:
    return World(client, tmp_path)


def test_from_nothing_to_a_path_that_answers(world: World) -> None:
    result = world.deploy()
    assert result.consumers == {
        "analytics": Reach("http://127.0.0.1:8080/", "http://notes.internal/")
    }
    assert result.seconds == world.clock.time
    steps = world.finished()
    assert steps[:2] == ["preflight", "foundation"]
    assert set(steps[2:8]) == {"image", "path", "capacity", "assets", "database", "data"}
    assert set(steps[8:10]) == {"service", "consumer analytics"}
    assert set(steps[10:-1]) == {"tasks", "monitoring", "protection"}
    assert steps[-1] == "answer"
    assert "network analytics us-east-1a us-east-1b" in world.target.done
    cloudformation = world.cloudformation
    assert cloudformation.named("notes-service").parameters["Image"] == "repository@sha256:1"
    assert cloudformation.named("notes-consumer-analytics").parameters == {
        "EndpointServiceName": "com.amazonaws.vpce.svc-1",
        "VpcId": "vpc-1",
        "SubnetIds": "subnet-a,subnet-b",
    }
    assert world.ec2.state == "available"
    given = cloudformation.named("notes-foundation").parameters
    assert given == {"Zone1": "us-east-1a", "Zone2": "us-east-1b", "Protect": "true"}
    watched = cloudformation.named("notes-monitoring").parameters
    assert (watched["Zone1"], watched["Zone2"]) == ("us-east-1a", "us-east-1b")
    assert (watched["DatabaseInstanceId"], watched["AlbFullName"]) == ("db", "app/alb/1")


def test_a_second_run_changes_nothing(world: World) -> None:
    world.deploy()
    world.deploy_again()
    assert not world.cloudformation.calls
    texts = {event.step: event.text for event in world.events if event.kind == "finished"}
    assert texts["data"] == "loaded before"
    assert world.warnings("data") == ["seed.sql changed"]
    assert texts["service"] == "nothing to change"
    assert texts["assets"] == "0 uploaded, 1 unchanged, 0 removed"


def test_what_has_served_is_protected_from_then_on(world: World) -> None:
    world.deploy()
    assert "protection" in world.finished()
    named = world.cloudformation.named
    assert {named(f"notes-{part}").parameters["Protect"] for part in ("foundation", "path")} == {
        "true"
    }
    world.deploy_again(files={"mount": "/data"})
    assert named("notes-foundation").parameters["Protect"] == "true"
    assert "protection" not in world.finished()
    plans = world.plan(files={"mount": "/data"})
    assert {one.action for one in plans.values()} == {"none"}


def test_a_first_release_that_fails_leaves_nothing_protected(world: World) -> None:
    started = world.cloudformation.execute_change_set

    def execute(ChangeSetName: str) -> None:
        stack = world.cloudformation.change_sets[ChangeSetName]["stack"]
        started(ChangeSetName)
        if "notes-service" in stack.id:
            stack.to_come = stack.to_come[:-1]
            for name in ("abd", "abe", "abc"):
                world.ecs.stops(name)

    world.targets(healthy=0)
    world.cloudformation.__dict__["execute_change_set"] = execute
    with pytest.raises(UnderpassError, match="does not start"):
        world.deploy()
    for part in ("foundation", "path"):
        assert world.cloudformation.named(f"notes-{part}").parameters.get("Protect") != "true"


def test_a_release_runs_before_the_service_is_touched(
    client: Callable[[str], Any], tmp_path: Path
) -> None:
    world = World(client, tmp_path)
    world.deploy()
    arns = {"ReleaseTaskDefinitionArn": "arn:task-definition/notes-release:1"}
    world.cloudformation.outputs["notes-release"] = arns
    world.cloudformation.named("notes-foundation").outputs["TaskSecurityGroupId"] = "sg-tasks"
    service = {**world.config.model_dump()["service"], "release": ["migrate"]}
    world.ecs.exit_code = 1
    with pytest.raises(UnderpassError, match="the release failed"):
        world.deploy_again(service=service)
    assert "ReleaseTaskDefinitionArn" not in world.cloudformation.named("notes-service").parameters

    world.ecs.exit_code, world.clock = 0, FakeClock()
    world.deploy_again(service=service)
    done = world.finished()
    assert done.index("release") < done.index("service")
    assert arns.items() <= world.cloudformation.named("notes-service").parameters.items()

    world.deploy_again(service={**service, "release": []})
    assert not any(one.name == "notes-release" for one in tagged(world.cloudformation))


def test_the_hosts_image_is_kept_by_a_release_and_renewed_after_it(world: World) -> None:
    world.deploy()
    capacity = world.cloudformation.named("notes-capacity")
    assert capacity.parameters["InstanceImage"] == "ami-1"
    world.image = "ami-2"
    plans = world.plan(service={"port": 81, "build": "."})
    assert plans["notes-capacity"].action == "update"  # and told before
    world.deploy_again(service={"port": 81, "build": "."})
    assert world.finished()[-2:] == ["answer", "hosts"]
    assert capacity.parameters["InstanceImage"] == "ami-2"
    world.deploy_again()
    assert "hosts" not in world.finished()
    assert not world.cloudformation.calls


def test_a_release_that_fails_rolls_no_host(world: World) -> None:
    world.deploy()
    world.image = "ami-2"
    world.target.__dict__["answers"] = lambda *_: (False, "HTTP 500")
    with pytest.raises(UnderpassError):
        world.deploy_again(service={"port": 81, "build": "."})
    assert world.cloudformation.named("notes-capacity").parameters["InstanceImage"] == "ami-1"


def test_hosts_of_another_architecture_get_an_image_of_theirs_at_once(world: World) -> None:
    world.deploy()
    world.deploy_again(capacity={"instance_type": "t4g.medium"})
    capacity = world.cloudformation.named("notes-capacity")
    assert capacity.parameters["InstanceImage"] == "ami-1-arm"
    assert "hosts" not in world.finished()


def test_an_image_that_is_named_stays(world: World) -> None:
    named = {"instance_image": "ami-0123456789abcdef0"}
    world.deploy()
    world.deploy_again(capacity=named)
    capacity = world.cloudformation.named("notes-capacity")
    assert capacity.parameters["InstanceImage"] == named["instance_image"]
    world.image = "ami-2"
    world.deploy_again(capacity=named)
    assert capacity.parameters["InstanceImage"] == named["instance_image"]
    assert "hosts" not in world.finished()


def test_a_third_zone_comes_and_goes_and_the_first_two_stay(world: World) -> None:
    """What is on its way out is still in the template, and so is its parameter."""
    world.deploy()
    assert world.plan(network={"zones": 3})["notes-foundation"].action == "update"
    world.deploy_again(network={"zones": 3})
    foundation = world.cloudformation.named("notes-foundation")
    three = {f"Zone{number}": f"us-east-1{zone}" for number, zone in enumerate("abc", 1)}
    assert foundation.parameters == {**three, "Protect": "true"}
    world.cloudformation.outputs["notes-foundation"] |= {
        "AppSubnetIds": "subnet-a,subnet-b,subnet-c"
    }
    foundation.outputs |= {"AppSubnetIds": "subnet-a,subnet-b,subnet-c"}
    plan = world.plan(network={"zones": 2})["notes-foundation"]
    assert plan.note == ""
    assert {"AppSubnet3"} < {one.logical_id for one in plan.changes if one.action == "Remove"}
    world.deploy_again(network={"zones": 2})
    assert set(foundation.parameters) == {"Zone1", "Zone2", "Protect"}


def test_other_zones_than_those_that_stand_are_refused_by_plan_and_deployment(world: World) -> None:
    world.deploy()
    elsewhere = {"network": {"zone_ids": ["use1-az5", "use1-az3"]}}
    with pytest.raises(UsageError, match="cannot move to other Availability Zones"):
        world.plan(**elsewhere)
    with pytest.raises(UsageError, match="cannot move to other Availability Zones"):
        world.deploy_again(**elsewhere)


def test_only_what_is_configured_is_done(client: Callable[[str], Any], tmp_path: Path) -> None:
    world = World(client, tmp_path, database=None, assets=None, consumers=())
    assert world.deploy().consumers == {}
    assert world.finished()[:2] == ["preflight", "foundation"]
    assert set(world.finished()[2:5]) == {"image", "path", "capacity"}
    assert world.finished()[5] == "service"
    assert set(world.finished()[6:]) == {"tasks", "monitoring", "protection"}
    assert [event.step for event in world.events if event.kind == "warning"] == ["preflight"]


def test_what_the_target_refuses_changes_nothing(world: World) -> None:
    def refuse(_: Any) -> None:
        raise UsageError("[service] process is empty")

    world.target.__dict__["preflight"] = refuse
    with pytest.raises(UsageError, match="process is empty"):
        world.deploy()
    assert not world.cloudformation.stacks
    assert not world.target.done


def test_a_section_that_is_dropped_goes_after_the_service_has_let_go_of_it(world: World) -> None:
    world.deploy()
    before = world.resources("notes-foundation")
    assert before > {"DatabaseInstance", "AssetsBucket"}
    world.allowed = {"DatabaseInstance", "DatabaseSecret", "DatabaseUserSecret", "AssetsBucket"}
    world.deploy_again(database=None, files={"mount": "/data"})
    assert world.finished()[-2:] == ["answer", "clean-up"]
    assert "DatabaseInstance" not in world.resources("notes-foundation")
    assert world.resources("notes-foundation") > {"FileSystem", "AssetsBucket"}
    assert world.warnings("clean-up") == [
        "DatabaseInstance (id-of-DatabaseInstance) is deleted; its data stay in a cellar"
    ]
    world.deploy_again(assets=None)
    assert world.warnings("clean-up") == [
        "AssetsBucket (id-of-AssetsBucket) stays as it is, with its data, and is yours to delete"
    ]
    world.deploy_again()
    assert "clean-up" not in world.finished()


def test_a_protected_database_that_may_go_is_let_go(world: World) -> None:
    """RDS deletes no instance that is protected, whether it is removed or replaced."""
    world.deploy()
    foundation = world.cloudformation.named("notes-foundation")
    assert foundation.parameters["Protect"] == "true"
    seen: list[tuple[bool, str]] = []
    create = world.cloudformation.create_change_set

    def watched(**asked: Any) -> Any:
        if asked["StackName"] == "notes-foundation":
            made = create(**asked)
            stack = world.cloudformation.change_sets[made["Id"]]
            has = "DatabaseInstance" in stack["template"]["Resources"]
            seen.append((has, stack["parameters"].get("Protect", "")))
            return made
        return create(**asked)

    world.cloudformation.__dict__["create_change_set"] = watched
    world.allowed = {"DatabaseInstance", "DatabaseSecret", "DatabaseUserSecret"}
    world.deploy_again(database=None)
    before_it_goes = seen[: [has for has, _ in seen].index(False)]
    assert {protect for _, protect in before_it_goes} == {"false"}
    (said,) = world.warnings("foundation")
    assert "not protected from deletion for now" in said
    assert "Protect" not in foundation.parameters  # nothing is left that has it


def test_a_consumer_that_cannot_join_stops_no_release(world: World) -> None:
    world.ec2.state = "rejected"
    with pytest.raises(UnderpassError, match="is rejected"):
        world.deploy()
    assert world.cloudformation.named("notes-service").status == "CREATE_COMPLETE"
    assert "service" in world.finished()


def test_the_databases_users_go_with_their_database_and_after_the_service(world: World) -> None:
    world.deploy()
    users = world.cloudformation.named("notes-database")
    assert users.parameters["DatabaseUserSecretArn"] == "arn:secret"
    world.allowed = {"DatabaseInstance", "DatabaseSecret", "DatabaseUserSecret"}
    plan = world.plan(database=None)["notes-database"]
    assert (plan.action, plan.note) == ("delete", "the database is gone")
    planning.refuse([plan], ())  # it holds nothing
    world.deploy_again(database=None)
    assert users.status == "DELETE_COMPLETE"
    assert world.finished()[-1] == "clean-up"
    assert "notes-database" not in world.plan(database=None)


def test_what_is_dropped_stays_until_the_application_answers_without_it(world: World) -> None:
    world.deploy()
    world.allowed = {"DatabaseInstance", "DatabaseSecret", "DatabaseUserSecret"}
    world.target.__dict__["answers"] = lambda *_: (False, "HTTP 500")
    with pytest.raises(UnderpassError, match="HTTP 500"):
        world.deploy_again(database=None)
    assert "DatabaseInstance" in world.resources("notes-foundation")
    del world.target.__dict__["answers"]
    world.deploy_again()
    assert "DatabaseInstance" not in world.resources("notes-foundation")


def test_a_section_that_holds_data_is_not_dropped_unless_that_is_allowed_by_name(
    world: World,
) -> None:
    world.deploy()
    world.allowed = {"DatabaseSecret", "DatabaseUserSecret"}
    with pytest.raises(DataLossError) as caught:
        world.deploy_again(database=None)
    assert caught.value.exit_status == 2
    assert caught.value.why == (
        "notes-foundation: DatabaseInstance, the database "
        "(AWS::RDS::DBInstance, id-of-DatabaseInstance), is removed; a last snapshot is all that stays"
    )
    assert caught.value.try_next.endswith(
        "--allow-replace DatabaseInstance --allow-replace DatabaseSecret "
        "--allow-replace DatabaseUserSecret"
    )
    assert world.cloudformation.calls == []


def test_what_would_replace_the_database_changes_nothing(world: World) -> None:
    world.deploy()
    world.cloudformation.replaces = {"DatabaseInstance": "KmsKeyId"}
    with pytest.raises(DataLossError, match="is replaced by a change of KmsKeyId"):
        world.deploy_again(database={"storage_gb": 40, "seed": "seed.sql"})
    assert world.cloudformation.calls == ["delete_change_set"]
    assert not world.cloudformation.change_sets
    world.allowed = {"DatabaseInstance"}
    world.deploy_again()
    assert "execute_change_set" in world.cloudformation.calls


def test_the_plan_of_what_is_deployed_is_empty_and_leaves_nothing(world: World) -> None:
    world.deploy()
    world.cloudformation.calls.clear()
    plans = world.plan()
    assert {one.action for one in plans.values()} == {"none"}
    assert not world.cloudformation.calls
    assert not world.cloudformation.change_sets


def test_the_plan_tells_each_stack_and_changes_nothing(world: World) -> None:
    world.deploy()
    before = {arn: one.template for arn, one in world.cloudformation.stacks.items()}
    world.cloudformation.calls.clear()
    plans = world.plan(database=None, consumers=[{"name": "billing"}])
    actions = {name: one.action for name, one in plans.items()}
    assert actions == {
        "notes-foundation": "update",
        "notes-path": "none",
        "notes-capacity": "none",
        "notes-database": "delete",
        "notes-service": "update",
        "notes-monitoring": "update",
        "notes-consumer-billing": "create",
        "notes-consumer-analytics": "delete",
    }
    removed = {c.logical_id for c in plans["notes-foundation"].changes if c.action == "Remove"}
    assert removed > {
        "DatabaseInstance",
        "DatabaseSecret",
        "DatabaseUserSecret",
        "DatabaseSubnetGroup",
    }
    with pytest.raises(DataLossError) as caught:
        planning.refuse([*plans.values()], ())
    assert {loss.change.logical_id for loss in caught.value.losses} == {
        "DatabaseInstance",
        "DatabaseSecret",
        "DatabaseUserSecret",
    }
    planning.refuse([*plans.values()], {"DatabaseInstance", "DatabaseSecret", "DatabaseUserSecret"})
    assert {arn: one.template for arn, one in world.cloudformation.stacks.items()} == before
    assert set(world.cloudformation.calls) == {"delete_change_set"}


def test_the_plan_follows_what_a_stack_will_hand_on(world: World) -> None:
    world.deploy()
    asked = recorded(world)
    world.plan(files={"mount": "/data"})
    service = asked["notes-service"]
    assert service["FileSystemId"] == service["AccessPointId"] == planning.LATER  # they are new
    assert service["TaskSecurityGroupId"] == "TaskSecurityGroupId-of-notes-foundation"
    assert service["Image"] is None  # as it is

    world.plan(network={"zones": 3})
    assert asked["notes-service"]["AppSubnetIds"] == planning.LATER  # the list is longer

    world.cloudformation.replaces = {"Vpc": "CidrBlock"}
    plans = world.plan(network={"cidr": "10.30.0.0/16"})
    assert asked["notes-path"]["VpcId"] == planning.LATER  # what it names is made anew
    assert asked["notes-service"]["KeyArn"] == "KeyArn-of-notes-foundation"
    assert plans["notes-path"].action == "update"


def test_the_plan_compares_templates_where_cloudformation_cannot_tell_yet(world: World) -> None:
    world.deploy()
    asked = recorded(world, refusing={"notes-service": "Nope"})
    service = world.plan(files={"mount": "/data"})["notes-service"]
    assert asked["notes-service"]["FileSystemId"] == planning.LATER
    assert service.note.endswith("what it is given is not known yet: Nope")
    assert [change.logical_id for change in service.changes if change.action == "Modify"]
    assert {change.replacement for change in service.changes} == {""}


def test_the_plan_says_who_loses_the_way_in(world: World) -> None:
    world.deploy()
    assert not any(one.admission for one in world.plan().values())
    plans = world.plan(privatelink={"enforce": "off"})
    (said,) = [one.admission for one in plans.values() if one.admission]
    assert said.startswith("PrivateLink is no longer admitted by address")


def test_the_plan_of_a_template_that_is_refused_says_so(world: World) -> None:
    world.deploy()
    recorded(world, refusing={"notes-service": "Nope"})
    with pytest.raises(NotExecutableError, match="Nope"):
        world.plan(service={"port": 81, "build": ".", "health_check": "/healthz"})


def recorded(world: World, refusing: Mapping[str, str] = MappingProxyType({})) -> Asked:
    """Return, as they come, the values change sets of each stack are asked with; None: as it is."""
    answer, asked = world.cloudformation.create_change_set, Asked()

    def create(StackName: str, **request: Any) -> Any:
        asked[StackName] = {
            one["ParameterKey"]: one.get("ParameterValue") for one in request["Parameters"]
        }
        world.cloudformation.refuses = refusing.get(StackName, "")
        return answer(StackName, **request)

    world.cloudformation.__dict__["create_change_set"] = create
    return asked


def test_the_plan_compares_templates_where_a_parameter_is_new(world: World) -> None:
    world.deploy()
    there = world.cloudformation.named("notes-service")
    del there.template["Parameters"]["Image"]
    service = world.plan()["notes-service"]
    assert "a deployment looks Image up" in service.note
    assert not service.changes


def test_the_plan_waits_for_nobody(world: World) -> None:
    world.deploy()
    world.cloudformation.named("notes-service").status = "UPDATE_IN_PROGRESS"
    with pytest.raises(UnderpassError, match="notes-service is UPDATE_IN_PROGRESS"):
        world.plan()


def test_the_image_of_each_sidecar_is_published_and_given_to_the_service(
    client: Callable[[str], Any], tmp_path: Path
) -> None:
    sidecars = [{"name": name, "image": "otel:1"} for name in ("otel", "log-router")]
    service = {"port": 80, "build": ".", "health_check": "/healthz", "sidecars": sidecars}
    world = World(client, tmp_path, service=service)
    world.deploy()
    assert {"image otel", "image log-router"} <= {*world.target.done}
    given = world.cloudformation.named("notes-service").parameters
    assert given["Image"] == "repository@sha256:1"
    assert given["OtelImage"] == "repository@sha256:otel"
    assert given["LogRouterImage"] == "repository@sha256:log-router"


def test_the_plan_of_nothing_deployed_is_the_templates(world: World) -> None:
    plans = world.plan()
    assert {one.action for one in plans.values()} == {"create"}
    assert "DatabaseInstance" in {c.logical_id for c in plans["notes-foundation"].changes}
    assert plans == {one.name: one for one in planning.plan(world.config, None)}
    assert not world.cloudformation.calls


def test_a_consumer_that_is_dropped_loses_its_stack_and_no_others(world: World) -> None:
    consumers = [{"name": "analytics"}, {"name": "billing"}]
    world.deploy_again(consumers=consumers)
    world.cloudformation.has("notes-consumer-other", "CREATE_COMPLETE")  # not of our making
    theirs = world.cloudformation.has("notes-consumer-a-consumer-billing", "CREATE_COMPLETE")
    theirs.tags = [
        {"Key": "underpass:application", "Value": "notes-consumer-a"},
        {"Key": "underpass:consumer", "Value": "billing"},
    ]
    result = world.deploy_again(consumers=consumers[:1])
    assert set(result.consumers) == {"analytics"}
    told = [(e.step, e.text) for e in world.events if e.kind == "finished"]
    assert ("consumer billing", "removed: it is no longer in underpass.toml") in told
    assert world.target.done[-1] == "only analytics"
    there = [
        name for name, one in world.cloudformation.stacks.items() if "DELETE" not in one.status
    ]
    assert sorted(name.split("/")[1] for name in there) == [
        "notes-capacity",
        "notes-consumer-a-consumer-billing",
        "notes-consumer-analytics",
        "notes-consumer-other",
        *("notes-database", "notes-foundation", "notes-monitoring", "notes-path", "notes-service"),
    ]


def test_with_no_task_wanted_no_answer_is_waited_for(
    client: Callable[[str], Any], tmp_path: Path
) -> None:
    service = {"port": 80, "build": ".", "tasks": {"min": 0}}
    world = World(client, tmp_path, service=service)
    world.target.__dict__["answers"] = lambda *_: (False, "HTTP 503")
    world.deploy()
    scaling, answer = world.warnings("preflight")
    assert "nothing scales up" in scaling
    assert answer == "[service] tasks.min is 0: nothing will answer"


def test_a_seed_that_is_refused_ends_it_before_the_service(world: World) -> None:
    def refuse(*_: Any) -> bool:
        raise UnderpassError("seed.sql:3: syntax error")

    world.target.__dict__["load_seed"] = refuse
    with pytest.raises(UnderpassError, match=r"seed\.sql:3"):
        world.deploy()
    assert ("data", "failed") in [(event.step, event.kind) for event in world.events]
    assert "notes-service" not in str(list(world.cloudformation.stacks))


def test_an_application_that_exits_again_and_again_is_told_before_the_stack_gives_up(
    world: World,
) -> None:
    world.targets(healthy=0)
    started = world.cloudformation.execute_change_set

    def execute(ChangeSetName: str) -> None:
        stack = world.cloudformation.change_sets[ChangeSetName]["stack"]
        started(ChangeSetName)
        if "notes-service" in stack.id:
            stack.to_come = stack.to_come[:-1]  # it never ends by itself
            for name in ("abd", "abe", "abc"):
                world.ecs.stops(name)

    world.cloudformation.__dict__["execute_change_set"] = execute
    with pytest.raises(UnderpassError) as caught:
        world.deploy()
    assert caught.value.what == "the application does not start"
    assert caught.value.why.splitlines()[:2] == [
        "no task is healthy",
        "3 tasks failed; the last: task abc stopped: Essential container in task exited (exit code 3)",
    ]
    assert caught.value.why.endswith("| no such table")
    warnings = [event for event in world.events if event.kind == "warning"]
    assert [event.step for event in warnings] == ["service"] * 3
    assert world.clock.time < 120


def test_a_service_stack_that_fails_tells_of_the_tasks_too(world: World) -> None:
    world.cloudformation.fails = {"Service": "Circuit Breaker was triggered"}
    answer = world.cloudformation.describe_stacks

    def describe(StackName: str) -> Any:
        described = answer(StackName)
        if described["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE" and not world.ecs.tasks:
            world.ecs.stops("abc")  # nobody looked while it went fast
        return described

    world.cloudformation.__dict__["describe_stacks"] = describe
    with pytest.raises(UnderpassError) as caught:
        world.deploy()
    assert caught.value.what == "stack notes-service failed: ROLLBACK_COMPLETE"
    assert caught.value.why.splitlines() == [
        "Service (AWS::ECS::Service): Circuit Breaker was triggered",
        "task abc stopped: Essential container in task exited (exit code 3)",
        "the last lines of task abc:",
        "| no such table",
    ]


def test_a_service_stack_that_fails_for_another_reason_tells_just_that(world: World) -> None:
    world.cloudformation.fails = {"Nlb": "you have too many"}
    with pytest.raises(UnderpassError) as caught:
        world.deploy()
    assert caught.value.why == "Nlb (AWS::ElasticLoadBalancingV2::LoadBalancer): you have too many"


def test_a_path_that_does_not_answer_is_told_with_what_is_unwell(world: World) -> None:
    world.target.__dict__["answers"] = lambda *_: (False, "HTTP 503")
    with pytest.raises(UnderpassError) as caught:
        world.deploy()
    assert caught.value.what == "/healthz does not answer consumer analytics"
    assert caught.value.why.splitlines()[:2] == ["HTTP 503", "no task runs"]
    told = [event.text for event in world.events if event.step == "answer"]
    assert told.count("analytics: HTTP 503") == 1


def test_the_tasks_that_the_scaler_adds_are_waited_for(world: World) -> None:
    world.targets(healthy=1)
    looked = world.elbv2.describe_target_health

    def describe(TargetGroupArn: str) -> Any:
        world.targets(healthy=1 + (world.clock.time > 30))
        return looked(TargetGroupArn)

    world.elbv2.__dict__["describe_target_health"] = describe
    world.deploy()
    assert {e.step: e.text for e in world.events if e.kind == "finished"}["tasks"] == "2 healthy"


def test_too_few_tasks_are_told_of(world: World) -> None:
    world.targets(healthy=1)
    with pytest.raises(UnderpassError) as caught:
        world.deploy()
    assert caught.value.what == "1 of 2 tasks are healthy"


def test_a_path_that_answers_after_a_while_is_waited_for(world: World) -> None:
    world.target.__dict__["answers"] = lambda *_: (world.clock.time > 30, "HTTP 503")
    world.deploy()
    assert world.finished()[-1] == "answer"


def test_how_consumers_reach_it_is_known_later_too(world: World) -> None:
    with pytest.raises(UnderpassError, match="no consumer can reach the application"):
        reaches(world.config, world.target)
    result = world.deploy()
    assert reaches(world.config, world.target) == result.consumers
