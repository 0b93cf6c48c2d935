"""Workers, and the task before a release: the application's image, roles and variables, and no balancer."""

from typing import Any

from tests.unit.blueprint.configs import EVERYTHING, config
from tests.unit.blueprint.templates import asked, monitoring, outputs, parts, resource, resources

MAIL = {"name": "mail-out", "command": ["python", "-m", "mail"]}
RELEASE = {"release": ["python", "-m", "migrate"]}
SHARED = {"Image", "Environment", "Secrets", "MountPoints", "LinuxParameters"}


def container(stack: Any, title: str) -> dict[str, Any]:
    (only,) = resource(stack, f"{title}TaskDefinition")["ContainerDefinitions"]
    return dict(only)


def shared(definition: dict[str, Any]) -> dict[str, Any]:
    return {key: definition.get(key) for key in SHARED}


def test_a_worker_runs_the_same_image_with_the_same_variables_secrets_and_files() -> None:
    service = parts(config(**EVERYTHING, workers=[MAIL])).service
    worker, web = container(service, "WorkerMailOut"), container(service, "")
    assert shared(worker) == shared(web)
    assert worker["Command"] == MAIL["command"]
    assert "PortMappings" not in worker
    whole, own = (
        resource(service, "WorkerMailOutTaskDefinition"),
        resource(service, "TaskDefinition"),
    )
    assert (whole["Family"], own["Family"]) == ("notes_mail-out", "notes")
    assert whole["TaskRoleArn"] == own["TaskRoleArn"]
    assert worker["LogConfiguration"]["Options"]["awslogs-stream-prefix"] == "mail-out"


def test_nobody_connects_to_a_worker_and_a_bad_revision_goes_back() -> None:
    tasks = resource(parts(config(workers=[MAIL])).service, "WorkerMailOutService")
    assert {"LoadBalancers", "HealthCheckGracePeriodSeconds"}.isdisjoint(tasks)
    assert tasks["DesiredCount"] == 1
    deployment = tasks["DeploymentConfiguration"]
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_a_worker_says_what_is_its_own() -> None:
    own = {
        "cpu": 512,
        "memory": 1024,
        "environment": {"QUEUE": "mail", "LEVEL": "debug"},
        "stop_timeout": 60,
        "health_command": ["true"],
    }
    service = {"environment": {"LEVEL": "info", "A": "b"}}
    found = parts(config(service=service, workers=[MAIL | own])).service
    whole, worker = (
        resource(found, "WorkerMailOutTaskDefinition"),
        container(found, "WorkerMailOut"),
    )
    assert (whole["Cpu"], whole["Memory"]) == ("512", "1024")
    variables = {pair["Name"]: pair["Value"] for pair in worker["Environment"]}
    assert variables["LEVEL"] == "debug"
    assert {"QUEUE", "A", "AWS_REGION"} <= variables.keys()
    assert worker["StopTimeout"] == 60
    assert worker["HealthCheck"]["Command"] == ["CMD", "true"]
    assert "HealthCheck" not in container(found, "")


def test_where_there_may_be_more_of_a_worker_the_scaler_says_how_many() -> None:
    some = MAIL | {"tasks": {"min": 1, "max": 4}, "scaling": {"cpu": 70}}
    service = parts(config(workers=[some])).service
    assert "DesiredCount" not in resource(service, "WorkerMailOutService")
    target = resource(service, "WorkerMailOutScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert target["ResourceId"] == {
        "Fn::Sub": "service/${ClusterName}/${WorkerMailOutService.Name}"
    }
    policy = resource(service, "WorkerMailOutScalingOnCpu")
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 70


def test_each_worker_has_alarms_of_its_own() -> None:
    one = config(workers=[MAIL])
    alarms = resources(monitoring(one), "CloudWatch::Alarm")
    assert {"WorkerMailOutShortfall", "WorkerMailOutMemory"} <= alarms.keys()
    dimensions = alarms["WorkerMailOutMemory"]["Dimensions"]
    name = {"Name": "ServiceName", "Value": {"Ref": "WorkerMailOutServiceName"}}
    assert name in dimensions
    assert outputs(parts(one).service)["WorkerMailOutServiceName"] == {
        "Fn::GetAtt": ["WorkerMailOutService", "Name"]
    }


def test_without_insights_nothing_measures_how_many_run() -> None:
    quiet = config(workers=[MAIL], capacity={"container_insights": "off"})
    assert "WorkerMailOutShortfall" not in resources(monitoring(quiet), "CloudWatch::Alarm")


def test_the_release_runs_as_the_service_does_and_is_known_before_it() -> None:
    found = parts(config(**EVERYTHING, service=RELEASE))
    assert found.release
    ran = container(found.release, "Release")
    assert shared(ran) == shared(container(found.service, ""))
    assert ran["Command"] == RELEASE["release"]
    roles = ("TaskRole", "ExecutionRole")
    for role in roles[:1]:
        assert resource(found.release, role) == resource(found.service, role)
    # The service is another one when what ran before it is.
    label = container(found.service, "")["DockerLabels"]["underpass.release"]
    assert label == {"Ref": "ReleaseTaskDefinitionArn"}
    assert outputs(found.release) == {"ReleaseTaskDefinitionArn": {"Ref": "ReleaseTaskDefinition"}}
    assert "ReleaseTaskDefinitionArn" in asked(found.service)


def test_without_a_release_there_is_no_stack_of_it() -> None:
    found = parts(config())
    assert found.release is None
    assert "ReleaseTaskDefinitionArn" not in asked(found.service)
