"""The jobs' task definitions and schedules, and who is told of a run that fails."""

from __future__ import annotations

from typing import Any

from tests.unit.blueprint.configs import EVERYTHING, JOBS, config
from tests.unit.blueprint.templates import monitoring, parts, resource, resources

JOB = JOBS[0]


def service(**sections: Any) -> Any:
    return parts(config(**sections)).service


def test_without_jobs_there_is_nothing_of_them() -> None:
    for stack in (service(**EVERYTHING), monitoring(config(**EVERYTHING))):
        assert not [name for name in stack.template["Resources"] if name.startswith("Job")]


def test_a_job_is_a_task_of_the_services_image_and_roles_with_a_command_of_its_own() -> None:
    stack = service(**EVERYTHING, jobs=JOBS, service={"environment": {"LEVEL": "info", "A": "b"}})
    own, job = resource(stack, "TaskDefinition"), resource(stack, "JobTidyUpTaskDefinition")
    differ = {"Family", "Cpu", "Memory", "ContainerDefinitions"}
    assert {key: own[key] for key in own.keys() - differ} == {
        key: job[key] for key in job.keys() - differ
    }
    assert (job["Family"], job["Cpu"], job["Memory"]) == ("notes_tidy-up", "512", "1024")
    (container,) = job["ContainerDefinitions"]
    (serving,) = own["ContainerDefinitions"]
    assert (container["Name"], container["Command"]) == ("tidy-up", ["tidy"])
    assert container["Image"] == serving["Image"]
    assert container["Secrets"] == serving["Secrets"]
    assert "PortMappings" not in container
    assert "HealthCheck" not in container
    assert container["LogConfiguration"]["Options"]["awslogs-stream-prefix"] == "tidy-up"
    variables = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert (variables["LEVEL"], variables["A"]) == (
        "warning",
        "b",
    )  # its own instead of the service's


def test_a_schedule_starts_the_release_that_serves() -> None:
    stack = service(jobs=JOBS)
    found = resources(stack, "Scheduler::Schedule")
    assert {*found} == {"JobReportSchedule", "JobTidyUpSchedule"}
    schedule = found["JobTidyUpSchedule"]
    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    ecs, serving = schedule["Target"]["EcsParameters"], resource(stack, "Service")
    assert ecs["TaskDefinitionArn"] == {"Ref": "JobTidyUpTaskDefinition"}  # this revision, no other
    assert ecs["CapacityProviderStrategy"] == serving["CapacityProviderStrategy"]
    assert ecs["NetworkConfiguration"] == serving["NetworkConfiguration"]
    # Not before the service is steady: what prepares a release has been done by then.
    assert stack.template["Resources"]["JobTidyUpSchedule"]["DependsOn"] == "Service"


def test_two_jobs_share_a_role_and_a_group_and_nothing_else() -> None:
    stack = service(jobs=JOBS)
    one, other = resources(stack, "Scheduler::Schedule").values()
    assert one["Target"]["RoleArn"] == other["Target"]["RoleArn"]
    assert one["GroupName"] == other["GroupName"] == {"Ref": "JobGroup"}
    first, second = (each["Target"]["EcsParameters"] for each in (one, other))
    assert first["TaskDefinitionArn"] != second["TaskDefinitionArn"]
    assert first["Group"] != second["Group"]


def test_a_failed_run_is_told_in_a_line_for_people() -> None:
    rule = resource(monitoring(config(jobs=JOBS)), "JobFailures")
    detail = rule["EventPattern"]["detail"]
    assert rule["EventPattern"]["detail-type"] == ["ECS Task State Change"]
    assert (detail["group"], detail["lastStatus"]) == (["report", "tidy-up"], ["STOPPED"])
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Ref": "TopicArn"}
    told = target["InputTransformer"]
    assert told["InputTemplate"].startswith(
        '"The job <job> of notes failed at <at>, exit code <code>'
    )
    for name in told["InputPathsMap"]:
        assert f"<{name}>" in told["InputTemplate"]


def test_what_no_event_tells_raises_an_alarm() -> None:
    found = resources(monitoring(config(jobs=JOBS)), "CloudWatch::Alarm")
    dropped, lost = found["JobStarts"], found["JobNotices"]
    assert dropped["Dimensions"] == [{"Name": "ScheduleGroup", "Value": {"Ref": "JobGroupName"}}]
    assert lost["Dimensions"] == [{"Name": "RuleName", "Value": {"Ref": "JobFailures"}}]
    assert {one["TreatMissingData"] for one in (dropped, lost)} == {"notBreaching"}
