"""AWS::ECS::TaskDefinition: every change but its tags is a new revision."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)


class TaskDefinition(Resource):
    """A revision of a task definition."""

    type = "AWS::ECS::TaskDefinition"
    service = "ecs"
    honoured = names(
        "ContainerDefinitions Cpu EnableFaultInjection EphemeralStorage ExecutionRoleArn Family IpcMode "
        "Memory NetworkMode PidMode PlacementConstraints ProxyConfiguration RequiresCompatibilities "
        "RuntimePlatform Tags TaskRoleArn Volumes"
    )
    replaces = honoured - {"Tags"}

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Register a revision."""
        family = properties.get("Family") or logical.generated_name(255)
        made = self.call("register_task_definition", properties, Family=family)
        arn = made["taskDefinition"]["taskDefinitionArn"]
        return Physical(arn, {"TaskDefinitionArn": arn})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change tags."""
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Deregister the revision; tasks that run from it go on."""
        self.remove("deregister_task_definition", TaskDefinition=physical.id)
