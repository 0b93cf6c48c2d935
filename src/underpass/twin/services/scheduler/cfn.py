"""EventBridge Scheduler's schedules and their groups."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource_type import Form

PLAIN = (
    Form(
        type="AWS::Scheduler::Schedule",
        service="scheduler",
        honoured="Description EndDate FlexibleTimeWindow GroupName Name ScheduleExpression "
        "ScheduleExpressionTimezone StartDate State Target",
        inert="KmsKeyArn",
        replaces="Name",
        name="Name",
        longest=64,
        create="create_schedule",
        attributes="Arn=ScheduleArn",
        update="update_schedule Name",
        delete="delete_schedule Name GroupName",
    ),
    Form(
        type="AWS::Scheduler::ScheduleGroup",
        service="scheduler",
        honoured="Name Tags",
        replaces="Name",
        name="Name",
        longest=64,
        create="create_schedule_group",
        attributes="Arn=ScheduleGroupArn",
        tagged="Arn",
        delete="delete_schedule_group Name",
    ),
)
