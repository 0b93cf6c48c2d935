"""What happens to services: functions run in a region of the test's own (``inside.run_inside``)."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from tests.twin.ecs.region import ZONES, Place

SLEEP = ("{python}", "-c", "import time; print('up', flush=True); time.sleep(1e6)")
INIT = {"linuxParameters": {"initProcessEnabled": True}}
# Without a check two tasks that are seen running at once complete a deployment, in ECS as well.
CHECK = {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3}
CHECKED = {**INIT, "healthCheck": CHECK}
ASK = """
import json, os, time, urllib.request
def ask(url):
    return json.load(urllib.request.urlopen(url, timeout=5))
uri = os.environ["ECS_CONTAINER_METADATA_URI_V4"]
print(json.dumps({"task": ask(uri + "/task"), "container": ask(uri), "environment": dict(os.environ)}))
role = "http://169.254.170.2" + os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
print(json.dumps(ask(role)))
time.sleep(1e6)
"""


def interfaces(place: Place) -> list[dict[str, Any]]:
    found = place.ec2.describe_network_interfaces()["NetworkInterfaces"]
    return [one for one in found if ":attachment/" in one["Description"]]


def processes() -> int:
    """Return how many processes of tasks there are."""
    texts = [path.read_bytes() for path in _readable("/proc", "[0-9]*/cmdline")]
    return sum(b"sleep" in text for text in texts)


def _readable(folder: str, pattern: str) -> Iterator[Path]:
    for path in Path(folder).glob(pattern):
        with contextlib.suppress(OSError):
            path.read_bytes()
            yield path


def a_service_runs_and_goes() -> dict[str, Any]:
    place = Place()
    secrets, ssm = place.region.clients("secretsmanager"), place.region.clients("ssm")
    arn = secrets.create_secret(
        Name="db", SecretString=json.dumps({"password": "s3cret", "port": 5432})
    )["ARN"]
    ssm.put_parameter(Name="/app/level", Value="debug", Type="String")
    container = {
        **INIT,
        "environment": [{"name": "PLAIN", "value": "yes"}],
        "secrets": [
            {"name": "PASSWORD", "valueFrom": f"{arn}:password::"},
            {"name": "PORT", "valueFrom": f"{arn}:port::"},
            {"name": "WHOLE", "valueFrom": arn},
            {"name": "LEVEL", "valueFrom": "/app/level"},
        ],
    }
    image = place.image("{python}", "-c", ASK)
    role = assumable(place, "app", "ecs-tasks.amazonaws.com")
    place.serve(place.define(image, container=container, taskRoleArn=role), 4)
    service = place.until(place.steady)
    tasks = place.tasks()
    first = tasks[0]
    said = place.until(lambda: place.log(first) if len(place.log(first)) == 2 else None)
    line = place.services.enter(first["taskArn"].rpartition("/")[2][:12])
    beside = subprocess.run(
        [*line, "sh", "-c", "echo $PASSWORD"], capture_output=True, text=True, check=True
    )
    attached = {one["NetworkInterfaceId"]: one for one in interfaces(place)}
    details = [{d["name"]: d["value"] for d in task["attachments"][0]["details"]} for task in tasks]
    ran = processes()
    place.ecs.update_service(cluster="app", service="app", desiredCount=1)
    place.until(lambda: len(place.tasks()) == 1 and len(interfaces(place)) == 1)
    place.ecs.delete_service(cluster="app", service="app", force=True)
    draining = place.service()["status"]
    place.until(lambda: place.service()["status"] == "INACTIVE")
    return {
        "zones": sorted(task["availabilityZone"] for task in tasks),
        "statuses": sorted({(task["lastStatus"], task["launchType"]) for task in tasks}),
        "started by": {task["startedBy"] for task in tasks} == {service["deployments"][0]["id"]},
        "addresses": all(
            attached[one["networkInterfaceId"]]["PrivateIpAddress"] == one["privateIPv4Address"]
            and attached[one["networkInterfaceId"]]["SubnetId"] == one["subnetId"]
            for one in details
        ),
        "descriptions": [one["Description"] for one in attached.values()],
        "events": [event["message"] for event in service["events"]],
        "said": [json.loads(text) for text in said],
        "task": json.loads(json.dumps(first, default=str)),
        "beside": beside.stdout.strip(),
        "processes": [ran > 0, processes()],
        "draining": draining,
        "left": [interfaces(place), place.ecs.list_services(cluster="app")["serviceArns"]],
    }


def assumable(place: Place, name: str, service: str) -> str:
    """Make a role that a service may assume, and return its ARN."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
    }
    made = place.region.clients("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [statement]})
    )
    return str(made["Role"]["Arn"])


def an_exit_is_told_and_repaired() -> dict[str, Any]:
    place = Place()
    script = "echo begin; echo last words >&2; sleep 0.3; exit 3"
    place.serve(place.define(place.image("sh", "-c", script)), 1)
    place.until(lambda: len(place.tasks("STOPPED")) > 2)
    stopped = min(place.tasks("STOPPED"), key=lambda task: str(task["createdAt"]))
    events = [event["message"] for event in place.service()["events"]]
    place.ecs.update_service(cluster="app", service="app", desiredCount=0)
    return {
        "status": stopped["lastStatus"],
        "reason": stopped["stoppedReason"],
        "code": stopped["stopCode"],
        "exit": stopped["containers"][0]["exitCode"],
        "log": place.log(stopped),
        "events": events,
    }


def what_cannot_start() -> dict[str, Any]:
    place = Place()
    good = place.image(*SLEEP)
    why = {}
    cases: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
        "image": ("123.dkr/app:none", {}, {}),
        "program": (place.image("nonesuch"), {}, {}),
        "secret": (
            good,
            {
                "secrets": [
                    {"name": "A", "valueFrom": "arn:aws:secretsmanager:us-east-1:1:secret:x"}
                ]
            },
            {},
        ),
        "key": (good, {"secrets": [{"name": "A", "valueFrom": _secret(place) + ":nokey::"}]}, {}),
        "log group": (
            good,
            {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/none"}}},
            {},
        ),
        "file system": (
            good,
            {"mountPoints": [{"sourceVolume": "files", "containerPath": "/data"}]},
            {"volumes": [{"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-none"}}]},
        ),
        "role": (good, {}, {"taskRoleArn": "arn:aws:iam::123456789012:role/none"}),
        "trust": (good, {}, {"executionRoleArn": assumable(place, "f", "lambda.amazonaws.com")}),
    }
    for name, (image, container, more) in cases.items():
        definition = place.define(image, container=container, **more)
        made = place.ecs.run_task(
            cluster="app",
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration=place.network,
        )["tasks"][0]
        task = place.until(partial(_stopped, place, made["taskArn"]))
        why[name] = [task["stopCode"], task["stoppedReason"]]
    return {"why": why, "interfaces left": interfaces(place)}


def _secret(place: Place) -> str:
    made = place.region.clients("secretsmanager").create_secret(Name="plain", SecretString="{}")
    return str(made["ARN"])


def _stopped(place: Place, arn: str) -> dict[str, Any] | None:
    task = place.ecs.describe_tasks(cluster="app", tasks=[arn])["tasks"][0]
    return dict(task) if task["lastStatus"] == "STOPPED" else None


def one_off_tasks() -> dict[str, Any]:
    place = Place()
    (place.state / "fs-1").mkdir()
    definition = place.define(
        place.image(*SLEEP),
        container={**INIT, "mountPoints": [{"sourceVolume": "files", "containerPath": "/data"}]},
        volumes=[{"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
    )
    override = {
        "name": "app",
        "command": ["sh", "-c", "echo $WHO > /data/who; echo written"],
        "environment": [{"name": "WHO", "value": "me"}],
    }
    run = {
        "cluster": "app",
        "taskDefinition": definition,
        "launchType": "FARGATE",
        "networkConfiguration": place.network,
    }
    once = place.ecs.run_task(**run, overrides={"containerOverrides": [override]}, startedBy="test")
    done = place.until(lambda: _stopped(place, once["tasks"][0]["taskArn"]))
    long = place.ecs.run_task(**run, tags=[{"key": "a", "value": "b"}])["tasks"][0]["taskArn"]
    place.until(lambda: _running(place, long))
    place.ecs.stop_task(cluster="app", task=long, reason="enough")
    ended = place.until(lambda: _stopped(place, long))
    tags = place.ecs.describe_tasks(cluster="app", tasks=[long], include=["TAGS"])["tasks"][0][
        "tags"
    ]
    missing = place.ecs.describe_tasks(cluster="app", tasks=["0" * 32])
    return {
        "exit": done["containers"][0]["exitCode"],
        "started by": done["startedBy"],
        "log": place.log(done),
        "file": (place.state / "fs-1" / "who").read_text(),
        "ended": [ended["stopCode"], ended["stoppedReason"], ended["containers"][0]["exitCode"]],
        "tags": tags,
        "missing": [missing["tasks"], [one["reason"] for one in missing["failures"]]],
        "found by family": len(
            place.ecs.list_tasks(cluster="app", family="app", desiredStatus="STOPPED")["taskArns"]
        ),
        "left": len(interfaces(place)),
    }


def commands_of_definitions() -> dict[str, Any]:
    """Start what a definition's command says from an image whose own process is another."""
    place = Place()
    image = place.image("sh", "-c", "echo the image", files={"worker.py": "print('the worker')"})
    said = {}
    for name, command in {"none": [], "python": ["python", "-m", "worker"]}.items():
        definition = place.define(image, container={"command": command} if command else {})
        made = place.ecs.run_task(
            cluster="app",
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration=place.network,
        )["tasks"][0]
        said[name] = place.log(place.until(partial(_stopped, place, made["taskArn"])))
    return said


def _running(place: Place, arn: str) -> bool:
    task = place.ecs.describe_tasks(cluster="app", tasks=[arn])["tasks"][0]
    return bool(task["lastStatus"] == "RUNNING")


BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def deployments_roll_and_roll_back() -> dict[str, Any]:
    place = Place()
    good = place.define(place.image(*SLEEP), container=INIT)
    place.serve(good, deploymentConfiguration=BREAKER)
    first = place.until(place.steady)["deployments"][0]["id"]
    before = {task["taskArn"] for task in place.tasks()}
    least: list[int] = []
    newer = place.define(place.image(*SLEEP, "2"), container=INIT)
    place.ecs.update_service(cluster="app", service="app", taskDefinition=newer)
    under_way = place.service()["deployments"]

    def rolled() -> bool:
        least.append(place.service()["runningCount"])
        return bool(place.steady())

    place.until(rolled)
    after = {task["taskArn"] for task in place.tasks()}
    second = place.service()["deployments"][0]["id"]
    bad = place.define(place.image("sh", "-c", "exit 1"), container=CHECKED)
    place.ecs.update_service(cluster="app", service="app", taskDefinition=bad)
    failed_id = place.service()["deployments"][0]["id"]
    place.until(lambda: place.service()["taskDefinition"] == newer)
    place.until(place.steady)
    back = place.service()
    place.ecs.update_service(cluster="app", service="app", forceNewDeployment=True)
    place.until(place.steady)
    return {
        "under way": [(one["status"], one.get("rolloutState")) for one in under_way],
        "replaced": before.isdisjoint(after) and len(after) == 2,
        "least running": min(least),
        "ids differ": len({first, second, failed_id}) == 3,
        "back": back["deployments"][0]["id"] == second,
        "same tasks": {task["taskArn"] for task in place.tasks()}.isdisjoint(after),
        "events": [
            event["message"].replace(failed_id, "FAILED").replace(second, "SECOND")
            for event in back["events"]
        ],
    }


def a_first_deployment_that_fails() -> dict[str, Any]:
    place = Place()
    bad = place.define(place.image("sh", "-c", "exit 1"), container=CHECKED)
    place.serve(bad, deploymentConfiguration=BREAKER)
    place.until(lambda: place.service()["deployments"][0]["rolloutState"] == "FAILED")
    time.sleep(1)
    primary = place.service()["deployments"][0]
    return {
        "failed": primary["failedTasks"],
        "reason": primary["rolloutStateReason"],
        "tasks": len(place.tasks()),
    }


def a_scalable_target_holds_its_service() -> dict[str, Any]:
    place = Place()
    place.serve(place.define(place.image(*SLEEP)), 1)
    place.until(place.steady)
    scaling = place.region.clients("application-autoscaling")
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/app/app",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    counts = []
    for least, most in ((3, 6), (2, 6), (1, 2)):
        scaling.register_scalable_target(**target, MinCapacity=least, MaxCapacity=most)
        counts.append(place.service()["desiredCount"])
        place.until(place.steady)
        counts.append(len(place.tasks()))
    place.ecs.update_service(cluster="app", service="app", desiredCount=0)
    return {"counts": counts}


def health_checks_decide() -> dict[str, Any]:
    """A container is healthy while /tmp/well is there; the health check runs inside the sandbox."""
    place = Place()
    script = "touch /tmp/well; echo up; while :; do sleep 0.1; done"
    check = {
        "command": ["CMD-SHELL", "test -e /tmp/well"],
        "interval": 10,
        "retries": 2,
        "timeout": 5,
    }
    place.serve(
        place.define(place.image("sh", "-c", script), container={**INIT, "healthCheck": check}), 1
    )
    place.until(place.steady)
    healthy = place.tasks()[0]
    line = place.services.enter(healthy["taskArn"].rpartition("/")[2])
    subprocess.run([*line, "rm", "/tmp/well"], check=True)
    sick = place.until(lambda: _stopped(place, healthy["taskArn"]), timeout_s=40)
    place.until(lambda: place.tasks() and place.tasks()[0]["healthStatus"] == "HEALTHY")
    return {
        "health": [healthy["healthStatus"], sick["healthStatus"]],
        "why": [sick["stopCode"], sick["stoppedReason"]],
        "events": [event["message"] for event in place.service()["events"]],
    }


def instances_hold_tasks() -> dict[str, Any]:
    place = Place()
    place.group(desired=2, most=3)
    place.capacity_provider()
    definition = place.define(place.image(*SLEEP), container=INIT, requiresCompatibilities=["EC2"])
    more: dict[str, Any] = {
        "launchType": None,
        "capacityProviderStrategy": [{"capacityProvider": "cp", "weight": 1}],
    }
    place.serve(definition, 4, **more)
    place.until(place.steady)
    tasks = place.tasks()
    full = place.container_instances()
    # A fifth task needs a third instance, and a seventh one finds no room at all.
    place.ecs.update_service(cluster="app", service="app", desiredCount=7)
    place.until(lambda: len(place.container_instances()) == 3)
    place.until(lambda: place.service()["runningCount"] == 6)
    short = place.service()
    place.ecs.update_service(cluster="app", service="app", desiredCount=4)
    place.until(
        lambda: place.service()["runningCount"] == 4 and not place.service()["pendingCount"]
    )
    hosts = {one["containerInstanceArn"]: one for one in place.container_instances()}
    victim = hosts[place.tasks()[0]["containerInstanceArn"]]["ec2InstanceId"]
    place.ec2.terminate_instances(InstanceIds=[victim])
    gone = place.until(
        lambda: [t for t in place.tasks("STOPPED") if t.get("stopCode") == "TerminationNotice"]
    )
    place.until(lambda: len(place.tasks()) == 4 and place.service()["runningCount"] == 4)
    now = [one["ec2InstanceId"] for one in place.container_instances()]
    return {
        "zones": Counter(task["availabilityZone"] for task in tasks),
        "instances": [
            {
                "running": one["runningTasksCount"],
                "left": {r["name"]: r["integerValue"] for r in one["remainingResources"]},
                "zone": next(a["value"] for a in one["attributes"] if "zone" in a["name"]),
            }
            for one in full
        ],
        "on": {task["containerInstanceArn"] for task in tasks}
        == {one["containerInstanceArn"] for one in full},
        "short": [short["runningCount"], short["pendingCount"]],
        "events": [event["message"] for event in short["events"]],
        "reason": gone[0]["stoppedReason"],
        "replaced": [victim not in now, len(now)],
    }


def without_instances() -> dict[str, Any]:
    place = Place()
    definition = place.define(place.image(*SLEEP), container=INIT, requiresCompatibilities=["EC2"])
    place.serve(definition, 1, launchType="EC2")
    place.until(lambda: any("unable to place" in e["message"] for e in place.service()["events"]))
    waiting = place.tasks()[0]
    service = place.service()
    place.group(
        desired=1, most=1, user_data="#!/bin/sh\necho ECS_CLUSTER=app >> /etc/ecs/ecs.config\n"
    )
    place.until(place.steady)
    return {
        "status": waiting["lastStatus"],
        "counts": [service["runningCount"], service["pendingCount"]],
        "event": next(e["message"] for e in service["events"] if "unable" in e["message"]),
    }


def groups_spread() -> dict[str, Any]:
    place = Place()
    place.group(desired=4, most=6)
    scaling = place.region.clients("autoscaling")

    def zones() -> dict[str, int]:
        group = scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]
        return dict(Counter(one["AvailabilityZone"] for one in group["Instances"]))

    found = {"four": zones()}
    for count in (5, 2):
        scaling.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=count)
        found[str(count)] = zones()
    first = scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]["Instances"][0]
    place.ec2.terminate_instances(InstanceIds=[first["InstanceId"]])
    found["replaced"] = zones()
    instances = [
        one for r in place.ec2.describe_instances()["Reservations"] for one in r["Instances"]
    ]
    running = [one for one in instances if one["State"]["Name"] == "running"]
    found["subnets"] = {ZONES[place.subnets.index(one["SubnetId"])]: 1 for one in running}
    scaling.delete_auto_scaling_group(AutoScalingGroupName="group", ForceDelete=True)
    return found


def what_is_refused() -> dict[str, str]:
    """Return the error of each request that AWS, or the twin, does not take."""
    place = Place()
    good = place.define(place.image(*SLEEP))
    bridge = place.define(
        place.image(*SLEEP), networkMode="bridge", requiresCompatibilities=["EC2"]
    )
    retired = place.define(place.image(*SLEEP))
    place.ecs.deregister_task_definition(taskDefinition=retired)
    group = place.region.clients("elbv2").create_target_group(
        Name="instances", Protocol="HTTP", Port=8000, VpcId=place.vpc, TargetType="instance"
    )["TargetGroups"][0]["TargetGroupArn"]
    balancer = {"targetGroupArn": group, "containerName": "app", "containerPort": 8000}
    public = {
        "awsvpcConfiguration": {**place.network["awsvpcConfiguration"], "assignPublicIp": "ENABLED"}
    }
    place.serve(good, 1)
    service = {"cluster": "app", "service": "app"}
    once = {"cluster": "app", "taskDefinition": good, "launchType": "FARGATE"}
    calls: dict[str, tuple[Any, dict[str, Any]]] = {
        "the same twice": (place.serve, {"definition": good}),
        "bridge": (place.serve, {"definition": bridge, "serviceName": "b", "launchType": "EC2"}),
        "retired": (place.serve, {"definition": retired, "serviceName": "b"}),
        "daemon": (
            place.serve,
            {"definition": good, "serviceName": "b", "schedulingStrategy": "DAEMON"},
        ),
        "public": (
            place.serve,
            {"definition": good, "serviceName": "b", "networkConfiguration": public},
        ),
        "no network": (
            place.serve,
            {"definition": good, "serviceName": "b", "networkConfiguration": None},
        ),
        "instances": (
            place.serve,
            {"definition": good, "serviceName": "b", "loadBalancers": [balancer]},
        ),
        "provider": (
            place.serve,
            {
                "definition": good,
                "serviceName": "b",
                "launchType": None,
                "capacityProviderStrategy": [{"capacityProvider": "none"}],
            },
        ),
        "cluster": (place.ecs.describe_tasks, {"cluster": "none", "tasks": ["x"]}),
        "no such service": (place.ecs.update_service, {"cluster": "app", "service": "none"}),
        "no such task": (place.ecs.stop_task, {"cluster": "app", "task": "0" * 32}),
        "above zero": (place.ecs.delete_service, service),
        "too many": (
            place.ecs.run_task,
            {**once, "networkConfiguration": place.network, "count": 11},
        ),
        "start task": (
            place.ecs.start_task,
            {"cluster": "app", "taskDefinition": good, "containerInstances": ["x"]},
        ),
    }
    said = {}
    for name, (call, arguments) in calls.items():
        try:
            call(**arguments)
        except ClientError as error:
            said[name] = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    place.ecs.delete_service(**service, force=True)
    try:
        place.ecs.update_service(**service, desiredCount=2)
    except ClientError as error:
        said["deleted"] = error.response["Error"]["Code"]
    return said
