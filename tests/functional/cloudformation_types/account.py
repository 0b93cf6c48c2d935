"""An account with the twin's CloudFormation, on the bench."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tests.functional.answering import Answering
from tests.functional.cloudformation_types.conftest import Bench

from underpass.twin.api import patch
from underpass.twin.services.cloudformation.engine import Engine
from underpass.twin.services.lambda_ import patches as lambda_

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
NONE: Mapping[str, str] = MappingProxyType({})
SETTLED = ("_COMPLETE", "_FAILED")


class Account:
    """Creates, updates and deletes stacks, and waits for them."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.engine = Engine(bench.region, bench.resource_types)

    def create(
        self, name: str, body: str, tags: Mapping[str, str] = NONE, /, **given: str
    ) -> dict[str, str]:
        self.engine.create_stack(_request(name, body, given) | _tags(tags))
        return self._settled(name, "CREATE_COMPLETE")

    def update(
        self, name: str, body: str, tags: Mapping[str, str] = NONE, /, **given: str
    ) -> dict[str, str]:
        self.engine.update_stack(_request(name, body, given) | _tags(tags))
        return self._settled(name, "UPDATE_COMPLETE")

    def remove(self, name: str) -> None:
        stack_id = self.engine.describe_stacks({"StackName": name})["Stacks"][0]["StackId"]
        self.engine.delete_stack({"StackName": name})
        self._settled(stack_id, "DELETE_COMPLETE")  # what is deleted is found by its id alone

    def resources(self, name: str) -> dict[str, str]:
        """Return physical ids by logical id."""
        found = self.engine.describe_stack_resources({"StackName": name})["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}

    def events(self, name: str, ending: str) -> dict[str, str | None]:
        """Return the reasons of all events whose status ends so, by logical id."""
        found = self.engine.describe_stack_events({"StackName": name})["StackEvents"]
        return {
            event["LogicalResourceId"]: event.get("ResourceStatusReason")
            for event in found
            if event["ResourceStatus"].endswith(ending)
        }

    def _settled(self, name: str, wanted: str) -> dict[str, str]:
        def settled() -> dict[str, Any] | None:
            stack = self.engine.describe_stacks({"StackName": name})["Stacks"][0]
            return stack if stack["StackStatus"].endswith(SETTLED) else None

        what = f"{name} did not settle"
        stack = self.bench.region.feed.wait(settled, timeout_s=60, what=what)
        assert stack["StackStatus"] == wanted, (
            stack["StackStatus"],
            self.events(name, "_FAILED"),
        )
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _request(name: str, body: str, given: dict[str, str]) -> dict[str, Any]:
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    return {
        "StackName": name,
        "TemplateBody": body,
        "Parameters": parameters,
        "Capabilities": CAPABILITIES,
    }


def _tags(tags: Mapping[str, str]) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}


def tasks_run(bench: Bench) -> None:
    """Stand in for the scheduler: every service runs as many tasks as it should."""
    from moto.ecs.models import ecs_backends

    backend = ecs_backends["123456789012"]["us-east-1"]

    def step() -> bool:
        for service in list(backend.services.values()):
            service.running_count = service.desired_count
            for deployment in service.deployments:
                deployment["rolloutState"] = "COMPLETED"
        return False

    bench.meanwhile("ecs", step)


def functions_answer(bench: Bench) -> Answering:
    """Let functions answer for the custom resources they make, in Lambda's stead."""
    patch.apply(lambda_)
    functions = Answering(bench.clients.endpoint_url)
    lambda_.attach(functions)
    return functions
