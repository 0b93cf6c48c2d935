"""A world of things in memory, their type, and a CloudFormation that runs them without threads."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from botocore.exceptions import ClientError

from underpass.twin.region.aws import Clients
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.cloudformation.engine import Engine
from underpass.twin.services.cloudformation.execution.schedule import Spawn, at_once
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
    ResourceType,
)

THING = "Fake::World::Thing"
numbers = itertools.count()


class World:
    """What exists, by physical id, and what was done, in order; refuses what a real service would."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Any]] = {}
        self.standing: dict[str, str] = {}  # what is found by its name: physical ids
        self.calls: list[tuple[str, str]] = []
        self.fails: Callable[[str, str], Exception | None] = lambda _verb, _logical_id: None

    def called(self, verb: str, logical_id: str) -> None:
        self.calls.append((verb, logical_id))
        error = self.fails(verb, logical_id)
        if error:
            raise error

    def fail(self, *calls: tuple[str, str], error: Exception | None = None) -> None:
        """Let these (verb, logical id) fail from now on, and nothing else."""
        reason = error or ProvisionError("no such luck")
        self.fails = lambda verb, logical_id: reason if (verb, logical_id) in calls else None

    def check_uses(self, properties: Properties) -> None:
        for used in properties.get("Uses", ()):
            if used not in self.things:
                raise ProvisionError(f"uses {used}, which does not exist")

    def by_name(self) -> dict[str, dict[str, Any]]:
        """What exists, by logical id; None of them twice."""
        found = {thing["LogicalId"]: thing for thing in self.things.values()}
        assert len(found) == len(self.things), "something old was left behind"
        return found


class Thing(ResourceType):
    """Size is changed in place, Name only by replacement, Tags by nothing."""

    type = THING
    honoured = frozenset({"Name", "Size", "Uses", "Secret"})
    replaces = frozenset({"Name"})

    def __init__(self, region: Region, world: World) -> None:
        super().__init__(region)
        self.world = world

    def identifier(self) -> str:
        return "Name"

    def existing(self, properties: Properties) -> Physical | None:
        found = self.world.standing.get(properties["Name"])
        return self._physical(found) if found else None

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        self.world.called("create", logical.logical_id)
        self.world.check_uses(properties)
        physical_id = logical.generated_name()
        if physical_id in self.world.things:
            raise ProvisionError(f"{physical_id} already exists")
        self.world.things[physical_id] = {"LogicalId": logical.logical_id, **properties}
        return self._physical(physical_id)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        self.world.called("update", logical.logical_id)
        self.world.check_uses(new)
        assert physical.id in self.world.things
        self.world.things[physical.id] = {"LogicalId": logical.logical_id, **new}
        return self._physical(physical.id)

    def delete(self, physical: Physical, properties: Properties) -> None:
        self.world.called("delete", self.world.things[physical.id]["LogicalId"])
        users = [
            other
            for other, thing in self.world.things.items()
            if physical.id in thing.get("Uses", ())
        ]
        if users:
            raise ProvisionError(f"{physical.id} is in use by {users}")
        del self.world.things[physical.id]

    def _physical(self, physical_id: str) -> Physical:
        size = self.world.things[physical_id].get("Size", 0)
        return Physical(physical_id, {"Arn": f"arn:{physical_id}", "Size": size})


class Role(ResourceType):
    """Something that needs capabilities."""

    type = "AWS::IAM::Role"
    honoured = frozenset({"RoleName"})

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        return Physical(logical.generated_name())

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Nothing is kept."""


class Services:
    """The few answers the engine asks of other services."""

    account = "123456789012"

    def __init__(self) -> None:
        self.parameters = {"/ami": "ami-1"}
        self.secrets = {"db": json.dumps({"password": "hunter2"})}
        self.bodies: dict[tuple[str, str], bytes] = {}
        self.roles: dict[str, Any] = {}

    def __call__(self, _service: str) -> "Services":
        return self

    def describe_availability_zones(self) -> dict[str, Any]:
        return {"AvailabilityZones": [{"ZoneName": "us-east-1b"}, {"ZoneName": "us-east-1a"}]}

    def get_parameter(self, Name: str, WithDecryption: bool) -> dict[str, Any]:
        if Name not in self.parameters:
            raise self._missing("ParameterNotFound", "GetParameter", Name)
        return {"Parameter": {"Type": "String", "Value": self.parameters[Name]}}

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:
        if SecretId not in self.secrets:
            raise self._missing("ResourceNotFoundException", "GetSecretValue", "no such secret")
        return {"SecretString": self.secrets[SecretId]}

    def get_role(self, RoleName: str) -> dict[str, Any]:
        if RoleName not in self.roles:
            raise self._missing("NoSuchEntity", "GetRole", RoleName)
        arn = f"arn:aws:iam::123456789012:role/{RoleName}"
        return {"Role": {"Arn": arn, "AssumeRolePolicyDocument": self.roles[RoleName]}}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        import io

        return {"Body": io.BytesIO(self.bodies[Bucket, Key])}

    def _missing(self, code: str, operation: str, what: str) -> ClientError:
        return ClientError({"Error": {"Code": code, "Message": what}}, operation)


class Cloud:
    """An engine over a world, and what tests do with it all the time."""

    def __init__(self, spawn: Spawn = at_once) -> None:
        self.world = World()
        self.services = Services()
        self.region = Region(
            "us-east-1", cast(Clients, self.services), ChangeFeed(), Path("/nowhere")
        )
        resource_types = {THING: Thing(self.region, self.world), Role.type: Role(self.region)}
        self.engine = Engine(self.region, resource_types, spawn)

    def plan(self, template: Any, stack: str = "s", **request: Any) -> dict[str, Any]:
        """Make a change set and return its description."""
        found = self.engine._store.find(stack)
        made = self.engine.create_change_set(
            {
                "StackName": stack,
                "ChangeSetName": f"c{next(numbers)}",
                "ChangeSetType": "UPDATE"
                if found and found.status != "REVIEW_IN_PROGRESS"
                else "CREATE",
                "TemplateBody": template if isinstance(template, str) else json.dumps(template),
                **request,
            }
        )
        return self.engine.describe_change_set(
            {"ChangeSetName": made["Id"], "IncludePropertyValues": True}
        )

    def deploy(self, template: Any, stack: str = "s", **request: Any) -> str:
        """Make a change set, execute it, and return the stack's status."""
        planned = self.plan(template, stack, **request)
        assert planned["Status"] == "CREATE_COMPLETE", planned["StatusReason"]
        self.engine.execute_change_set({"ChangeSetName": planned["ChangeSetId"]})
        return self.status(stack)

    def delete(self, stack: str = "s", **request: Any) -> str:
        stack_id = self.stack(stack)["StackId"]
        self.engine.delete_stack({"StackName": stack, **request})
        return self.status(stack_id)

    def stack(self, stack: str = "s") -> dict[str, Any]:
        found: dict[str, Any] = self.engine.describe_stacks({"StackName": stack})["Stacks"][0]
        return found

    def status(self, stack: str = "s") -> str:
        return str(self.stack(stack)["StackStatus"])

    def settled(self, logical_id: str, status: str, stack: str = "s") -> None:
        """Wait until the last event of a resource, or of the stack ("-"), is of this status."""

        def reached() -> bool:
            return self.statuses(logical_id, stack)[-1:] == [status]

        self.region.feed.wait(reached, timeout_s=10, what=f"{logical_id} is never {status}")

    def events(self, stack: str = "s") -> list[tuple[str, str, str]]:
        """All events, the oldest first, as (logical id, status, reason); the stack is "-"."""
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self.engine.describe_stack_events({"StackName": stack, **token})
            found += page["StackEvents"]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        return [
            (
                "-" if event["ResourceType"].endswith("::Stack") else event["LogicalResourceId"],
                event["ResourceStatus"],
                event.get("ResourceStatusReason", ""),
            )
            for event in reversed(found)
        ]

    def statuses(self, logical_id: str, stack: str = "s") -> list[str]:
        return [status for name, status, _ in self.events(stack) if name == logical_id]

    def reason(self, logical_id: str, status: str, stack: str = "s") -> str:
        return [
            reason
            for name, found, reason in self.events(stack)
            if (name, found) == (logical_id, status)
        ][-1]


def template(resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """A template of things: the values are properties, or whole resources when they have a Type."""
    return {
        "Resources": {
            name: fields if "Type" in fields else {"Type": THING, "Properties": fields}
            for name, fields in resources.items()
        },
        **sections,
    }


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}
