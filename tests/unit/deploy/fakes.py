"""In-memory stand-ins for what a deployment talks to."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from underpass.blueprint.stack import Stack
from underpass.deploy.clock import Clock, Stopped
from underpass.deploy.steps import Event, Step

PAGE = 3  # so that a few items make several pages


class FakeClock(Clock):
    """Time that passes only in waits, and then at once."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        if self._stopping.is_set():
            raise Stopped
        self.pauses.append(seconds)
        self.time += seconds


class Told:
    """Keeps the events of a step."""

    def __init__(self, name: str = "service") -> None:
        self.events: list[Event] = []
        self.clock = FakeClock()
        self.step = Step(name, self.events.append, self.clock)

    def texts(self, kind: str = "progress") -> list[str]:
        return [event.text for event in self.events if event.kind == kind]


def stack(name: str = "notes-service", **resources: str) -> Stack:
    """Return a stack with resources of the types given by logical id."""
    template = {"Resources": {key: {"Type": kind} for key, kind in resources.items()}}
    return Stack(name, template)


def refused(message: str, code: str = "ValidationError") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class Pages:
    """A boto3 paginator over a function that returns everything."""

    def __init__(self, key: str, every: Callable[..., list[Any]]) -> None:
        self.key = key
        self.every = every

    def paginate(self, **arguments: Any) -> Iterable[dict[str, Any]]:
        found = self.every(**arguments)
        for start in range(0, max(len(found), 1), PAGE):
            yield {self.key: found[start : start + PAGE]}


STACKS = "arn:aws:cloudformation:us-east-1:111111111111:stack"


@dataclass
class FakeStack:
    id: str
    status: str
    template: Any = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    to_come: list[tuple[str, str, str, str]] = field(default_factory=list)
    physical: dict[str, tuple[str, str]] = field(default_factory=dict)


class FakeCloudFormation:
    """Stacks whose operations go on by one event each time somebody asks for events.

    ``fails`` names the resource that fails to be made, with the reason; ``outputs`` and ``ids`` what
    stacks end up with; ``refuses`` why change sets are not executable; ``replaces`` the resources whose
    modification makes a new one, with the property that causes it.
    """

    def __init__(self, **more: Any) -> None:
        self.stacks: dict[str, FakeStack] = {}
        self.change_sets: dict[str, dict[str, Any]] = {}
        self.fails: dict[str, str] = {}
        self.outputs: dict[str, dict[str, str]] = {}
        self.ids: dict[str, str] = {}
        self.refuses = ""
        self.replaces: dict[str, str] = {}
        self.calls: list[str] = []
        self.exceptions = SimpleNamespace(ClientError=ClientError)
        self.__dict__.update(more)

    # what a deployment calls

    def get_paginator(self, _: str) -> "Pages":
        there = [name for name, one in self.stacks.items() if one.status != "DELETE_COMPLETE"]
        return Pages("Stacks", lambda: [self.describe_stacks(name)["Stacks"][0] for name in there])

    def get_template(self, StackName: str) -> Any:
        return {"TemplateBody": self._find(StackName).template}

    def describe_stacks(self, StackName: str) -> Any:
        found = self._find(StackName)
        if found.status.startswith("DELETE_IN"):
            self._advance(found)
            if StackName != found.id and found.status == "DELETE_COMPLETE":
                raise refused(f"Stack with id {StackName} does not exist")
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in found.outputs.items()]
        declared = found.template.get("Parameters", {}).items()
        parameters = {k: one["Default"] for k, one in declared if "Default" in one}
        described = {
            "StackName": found.id.split("/")[1],
            "StackId": found.id,
            "StackStatus": found.status,
            "Outputs": outputs,
            "Tags": found.tags,
            "Parameters": [
                {"ParameterKey": k, "ParameterValue": v}
                for k, v in {**parameters, **found.parameters}.items()
            ],
        }
        return {"Stacks": [described]}

    def describe_stack_events(self, StackName: str, NextToken: str = "0") -> Any:
        found = self._find(StackName)
        if NextToken == "0":
            self._advance(found)
        start = int(NextToken)
        page: dict[str, Any] = {"StackEvents": found.events[::-1][start : start + PAGE]}
        if start + PAGE < len(found.events):
            page["NextToken"] = str(start + PAGE)
        return page

    def describe_stack_resources(self, StackName: str) -> Any:
        return {
            "StackResources": [
                {
                    "LogicalResourceId": logical,
                    "PhysicalResourceId": physical,
                    "ResourceType": kind,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                for logical, (physical, kind) in self._find(StackName).physical.items()
            ]
        }

    def create_change_set(self, StackName: str, ChangeSetName: str, **asked: Any) -> Any:
        if asked["ChangeSetType"] == "CREATE":
            if any(
                s.id.split("/")[1] == StackName and s.status != "DELETE_COMPLETE"
                for s in self.stacks.values()
            ):
                raise refused(f"Stack [{StackName}] already exists")  # fmt: skip
            arn = f"{STACKS}/{StackName}/{len(self.stacks)}"
            self.stacks[arn] = FakeStack(arn, "REVIEW_IN_PROGRESS")
        found = self._find(StackName)
        template = json.loads(asked["TemplateBody"])
        parameters = {
            p["ParameterKey"]: found.parameters[p["ParameterKey"]]
            if p.get("UsePreviousValue")
            else p["ParameterValue"]
            for p in asked["Parameters"]
            if not p.get("UsePreviousValue")
            or p["ParameterKey"] in found.parameters  # or its default
        }
        arn = f"arn:changeset/{ChangeSetName}"
        same = found.template == template and found.parameters == parameters
        nothing = "The submitted information didn't contain changes." * same
        wanted = template.get("Parameters", {})
        if missing := [n for n in wanted if "Default" not in wanted[n] and n not in parameters]:
            raise refused(f"Parameters: {missing} must have values")
        reason = self.refuses or nothing
        self.change_sets[arn] = {
            "stack": found,
            "template": template,
            "parameters": parameters,
            "tags": asked["Tags"],
            "reason": reason,
            "asked": 0,
        }
        return {"Id": arn, "StackId": found.id}

    def describe_change_set(self, ChangeSetName: str, NextToken: str = "0") -> Any:
        found = self.change_sets[ChangeSetName]
        found["asked"] += 1
        changes = self._changes(found["stack"], found["template"])
        start = int(NextToken)
        failed = bool(found["reason"])
        status = "FAILED" if failed else "CREATE_COMPLETE"
        page: dict[str, Any] = {
            "Status": "CREATE_IN_PROGRESS" if found["asked"] == 1 else status,
            "ExecutionStatus": "UNAVAILABLE" if failed else "AVAILABLE",
            "StatusReason": found["reason"],
            "Changes": changes[start : start + PAGE],
        }
        if start + PAGE < len(changes):
            page["NextToken"] = str(start + PAGE)
        return page

    def _changes(self, stack: FakeStack, template: Any) -> list[dict[str, Any]]:
        """Return what a change set tells of every resource, also of one that stays as it is."""
        before, after = stack.template.get("Resources", {}), template["Resources"]
        told = []
        for key in {**after, **before}:
            resource = after.get(key) or before[key]
            action = "Add" if key not in before else "Modify" if key in after else "Remove"
            change = {
                "Action": action,
                "LogicalResourceId": key,
                "ResourceType": resource["Type"],
                "PhysicalResourceId": stack.physical.get(key, ("",))[0],
            }
            if action == "Remove":
                change["PolicyAction"] = resource.get("DeletionPolicy", "Delete")
            if action == "Modify":
                cause = self.replaces.get(key)
                target = {"Attribute": "Properties", "Name": cause, "RequiresRecreation": "Always"}
                change["Details"] = [{"Target": target, "Evaluation": "Static"}] * bool(cause)
                change["Replacement"] = str(bool(cause))
                policy = resource.get("UpdateReplacePolicy", "Delete")
                change["PolicyAction"] = f"ReplaceAnd{policy}" if cause else ""
            told.append({"Type": "Resource", "ResourceChange": change})
        return told

    def delete_change_set(self, ChangeSetName: str) -> None:
        self.calls.append("delete_change_set")
        del self.change_sets[ChangeSetName]

    def execute_change_set(self, ChangeSetName: str) -> None:
        self.calls.append("execute_change_set")
        change_set = self.change_sets.pop(ChangeSetName)
        found: FakeStack = change_set["stack"]
        verb = "CREATE" if found.status == "REVIEW_IN_PROGRESS" else "UPDATE"
        name = found.id.split("/")[1]
        before = set(found.template.get("Resources", {}))
        found.template, found.parameters = change_set["template"], change_set["parameters"]
        resources = found.template["Resources"]
        for key in before - set(resources):
            found.physical.pop(key, None)
        found.tags = change_set["tags"]
        handed = {key: f"{key}-of-{name}" for key in found.template.get("Outputs", {})}
        found.outputs = handed | self.outputs.get(name, {})
        self._stack_event(found, f"{verb}_IN_PROGRESS")
        coming = []
        broken = [key for key in resources if key in self.fails]
        for key, resource in resources.items():
            coming.append((key, resource["Type"], f"{verb}_IN_PROGRESS", ""))
            end = ("FAILED", self.fails[key]) if key in broken else ("COMPLETE", "")
            coming.append((key, resource["Type"], f"{verb}_{end[0]}", end[1]))
        rollback = "ROLLBACK" if verb == "CREATE" else "UPDATE_ROLLBACK"
        after = f"{rollback}_COMPLETE" if broken else f"{verb}_COMPLETE"
        found.to_come = [*coming, (name, "AWS::CloudFormation::Stack", after, "")]

    def delete_stack(self, StackName: str) -> None:
        self.calls.append("delete_stack")
        found = self._find(StackName)
        self._stack_event(found, "DELETE_IN_PROGRESS")
        name = found.id.split("/")[1]
        found.to_come = [(name, "AWS::CloudFormation::Stack", "DELETE_COMPLETE", "")]

    # what a test arranges

    def has(self, name: str, status: str, **outputs: str) -> FakeStack:
        """Add a stack that is there already."""
        arn = f"{STACKS}/{name}/{len(self.stacks)}"
        self.stacks[arn] = FakeStack(arn, status, outputs=outputs)
        self._event(self.stacks[arn], name, "AWS::CloudFormation::Stack", status, "")
        return self.stacks[arn]

    def named(self, name: str) -> FakeStack:
        return self._find(name)

    def _find(self, name: str) -> FakeStack:
        if name in self.stacks:
            return self.stacks[name]
        for found in self.stacks.values():
            if found.id.split("/")[1] == name and found.status != "DELETE_COMPLETE":
                return found
        raise refused(f"Stack with id {name} does not exist")

    def _advance(self, found: FakeStack) -> None:
        if found.to_come:
            logical, kind, status, reason = found.to_come.pop(0)
            self._event(found, logical, kind, status, reason)

    def _stack_event(self, found: FakeStack, status: str) -> None:
        self._event(found, found.id.split("/")[1], "AWS::CloudFormation::Stack", status, "")

    def _event(self, found: FakeStack, logical: str, kind: str, status: str, reason: str) -> None:
        physical = self.ids.get(logical, f"id-of-{logical}")
        if kind == "AWS::CloudFormation::Stack":
            found.status = status
        else:
            found.physical[logical] = (physical, kind)
        event = {
            "EventId": f"{found.id}#{len(found.events)}",
            "LogicalResourceId": logical,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "ResourceStatus": status,
        }
        found.events.append({**event, "ResourceStatusReason": reason} if reason else event)


class FakeTarget:
    """A target whose clients are given, and whose own parts do nothing."""

    name = "twin"
    self_contained = True
    snapshots = "its data stay in a cellar"

    def __init__(self, clients: Mapping[str, Any]) -> None:
        self.clients = dict(clients)
        self.done: list[str] = []

    def client(self, service: str, consumer: Any = None) -> Any:
        return self.clients[service]

    def everywhere(self, service: str) -> Any:
        return [self.clients[service]]

    def preflight(self, config: Any) -> None:
        self.done.append("preflight")

    def publish_image(self, config: Any, repository_uri: str) -> str:
        self.done.append("image")
        return f"{repository_uri}@sha256:1"

    def publish_sidecar(self, config: Any, sidecar: Any, repository_uri: str) -> str:
        self.done.append(f"image {sidecar.name}")
        return f"{repository_uri}@sha256:{sidecar.name}"

    def load_seed(self, instance_id: str, secret_arn: str, seed: Any) -> Any:
        now = "seed" not in self.done
        self.done.append("seed")
        return SimpleNamespace(now=now, note="" if now else "seed.sql changed")

    def stand_in_network(self, config: Any) -> Any:
        return config.network

    def stand_in_service(self, config: Any, *, make: bool) -> Any:
        return config.service, ()

    def stand_ins(self, config: Any) -> Any:
        return config

    def consumer_network(self, consumer: Any, zones: Any) -> Any:
        self.done.append(f"network {consumer.name} {' '.join(zones)}")
        return SimpleNamespace(vpc_id="vpc-1", subnet_ids=("subnet-a", "subnet-b"))

    def dismiss_consumers(self, config: Any) -> None:
        self.done.append(f"only {' '.join(one.name for one in config.consumers)}")

    def answers(self, consumer: Any, path: str) -> tuple[bool, str]:
        return True, "HTTP 200"

    def consumer_url(self, consumer: Any) -> str:
        return "http://127.0.0.1:8080/"


class FakeEcs:
    """A cluster's tasks, as a test puts them there; one of RunTask ends with its code at the next look."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.exceptions = SimpleNamespace(ClusterNotFoundException=KeyError)
        self.exit_code: int | None = 0
        self.refusal = ""
        self.stopped: list[str] = []

    def run_task(self, taskDefinition: str, startedBy: str, **asked: Any) -> Any:
        if self.refusal:
            return {"tasks": [], "failures": [{"reason": self.refusal}]}
        where = asked["networkConfiguration"]["awsvpcConfiguration"]
        assert where["assignPublicIp"] == "DISABLED"
        self.begins(f"once-{len(self.tasks)}", taskDefinition, startedBy)
        return {"tasks": self.tasks[-1:], "failures": []}

    def begins(self, name: str, definition: str, by: str) -> None:
        """Have a one-off task run."""
        running = {"desiredStatus": "RUNNING", "lastStatus": "PENDING"}
        self.stops(name, group="family:x", startedBy=by, **running, taskDefinitionArn=definition)

    def list_tasks(self, cluster: str, startedBy: str, desiredStatus: str) -> Any:
        wanted = {"startedBy": startedBy, "desiredStatus": desiredStatus}
        found = [task for task in self.tasks if wanted.items() <= task.items()]
        return {"taskArns": [task["taskArn"] for task in found]}

    def stop_task(self, cluster: str, task: str, reason: str) -> None:
        self.stopped.append(task)

    def get_paginator(self, _: str) -> Pages:
        return Pages("taskArns", self._arns)

    def _arns(self, cluster: str, desiredStatus: str) -> list[str]:
        return [task["taskArn"] for task in self.tasks if task["desiredStatus"] == desiredStatus]

    def describe_tasks(self, cluster: str, tasks: list[str]) -> Any:
        assert 0 < len(tasks) <= 100  # what ECS takes
        found = [task for task in self.tasks if task["taskArn"] in tasks]
        seen = [dict(task) for task in found]
        for task in found:
            if task.get("startedBy") and task["lastStatus"] != "STOPPED":
                ended = {"desiredStatus": "STOPPED", "lastStatus": "STOPPED"}
                task |= {**ended, "containers": [{"exitCode": self.exit_code}]}
        return {"tasks": seen}

    def list_services(self, cluster: str) -> Any:
        return {"serviceArns": ["arn:service"]}

    def describe_services(self, cluster: str, services: list[str]) -> Any:
        events = [{"message": f"message {number}"} for number in range(5, 0, -1)]
        return {"services": [{"events": events}]}

    def runs(self, name: str, address: str) -> None:
        """Add a task that runs."""
        interface = {"details": [{"name": "privateIPv4Address", "value": address}]}
        running = {"desiredStatus": "RUNNING", "lastStatus": "RUNNING"}
        self.stops(name, **running, attachments=[interface])

    def stops(
        self,
        name: str,
        code: str = "EssentialContainerExited",
        family: str = "notes",
        group: str = "service:notes",
        **more: Any,
    ) -> None:
        """Add a task that has stopped."""
        task = {
            "taskArn": f"arn:aws:ecs:task/notes/{name}",
            "taskDefinitionArn": f"arn:aws:ecs:task-definition/{family}:1",
            "group": group,
            "desiredStatus": "STOPPED",
            "lastStatus": "STOPPED",
            "stopCode": code,
            "stoppedReason": "Essential container in task exited",
            "containers": [{"exitCode": 3}],
        }
        self.tasks.append({**task, **more})


class FakeLogs:
    """Log streams by task, each a list of lines."""

    def __init__(self, **tasks: list[str]) -> None:
        self.tasks = tasks
        self.exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def get_log_events(
        self, logStreamName: str, limit: int = 10_000, nextToken: str = "0", **_: Any
    ) -> Any:
        lines = self.tasks[logStreamName.rsplit("/", 1)[-1]][-limit:]
        events = [{"message": line + "\n"} for line in lines[int(nextToken) :]]
        return {"events": events, "nextForwardToken": str(len(lines))}


class FakeElbv2:
    """Target groups by ARN, each a list of (address, state)."""

    def __init__(self, **groups: list[tuple[str, str]]) -> None:
        self.groups = groups
        self.exceptions = SimpleNamespace(TargetGroupNotFoundException=KeyError)

    def describe_target_health(self, TargetGroupArn: str) -> Any:
        return {
            "TargetHealthDescriptions": [
                {
                    "Target": {"Id": address, "Port": 80, "AvailabilityZone": "us-east-1a"},
                    "TargetHealth": {"State": state, "Description": f"it is {state}"},
                }
                for address, state in self.groups[TargetGroupArn]
            ]
        }
