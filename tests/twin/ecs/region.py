"""A region with nothing but the API and ECS: networks are bare namespaces, file systems are folders."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tests.twin.api import serve

from underpass.errors import UnderpassError
from underpass.twin.api import patch
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed, Reconciler
from underpass.twin.services.autoscaling import patches as autoscaling
from underpass.twin.services.ec2 import patches as ec2
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.ecr import bundles
from underpass.twin.services.ecs import actions, table
from underpass.twin.services.ecs import patches as ecs
from underpass.twin.services.ecs.controller import Services
from underpass.twin.services.ecs.instances import Instances
from underpass.twin.services.ecs.metadata import Metadata
from underpass.twin.services.ecs.platform import Platform
from underpass.twin.services.logs.awslogs import Logs

T = TypeVar("T")
ZONES = ("us-east-1a", "us-east-1b")
GROUP = "/underpass/app/service"


class BareNetworks(Fabric):
    """A namespace per interface, with nothing in it."""

    def __init__(self) -> None:
        """Leave out what a real fabric is made of."""

    def wait_up(self, name: str, timeout_s: float = 20) -> None:
        Path(self.path(name)).touch()
        subprocess.run(["unshare", f"--net={self.path(name)}", "true"], check=True)


class Folders:
    """File systems as folders of the state."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def directory(
        self, file_system_id: str, access_point_id: str, root: str, interface_id: str
    ) -> tuple[Path, str]:
        folder = self.state / file_system_id
        if not folder.is_dir():
            raise UnderpassError(f"there is no file system {file_system_id}")
        return folder, ""


class Place:
    """The region, with a VPC of two zones and a cluster."""

    def __init__(self) -> None:
        subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
        self.state = Path(tempfile.mkdtemp(dir="/run"))
        self.state.chmod(0o755)
        feed = ChangeFeed()
        self.region = Region("us-east-1", serve(feed), feed, self.state, Path("/run/underpass"))
        self.table = table.Table()
        # without ec2's moto draws addresses at random, some of them twice
        patch.apply(ec2, autoscaling, ecs, actions)
        table.attach(self.table)
        logs = Logs(lambda: self.region.clients("logs"))
        self.platform = Platform(
            self.region, BareNetworks(), Folders(self.state), self.table, logs, Metadata()
        )
        self.services = Services(self.platform)
        self.instances = Instances(self.platform)
        self.ecs, self.ec2 = self.region.clients("ecs"), self.region.clients("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(
                VpcId=self.vpc, CidrBlock=f"10.20.{n}.0/24", AvailabilityZone=zone
            )["Subnet"]["SubnetId"]
            for n, zone in enumerate(ZONES)
        ]
        conf = self.region.resolv_conf(self.vpc)
        conf.parent.mkdir(parents=True, exist_ok=True)
        conf.write_text("nameserver 10.0.0.2\n")
        self.region.clients("logs").create_log_group(logGroupName=GROUP)
        self.ecs.create_cluster(clusterName="app")
        self.services.start()
        for name, controller in (("services", self.services), ("instances", self.instances)):
            Reconciler(name, controller.reconcile, settle_s=0.01).start(feed, controller.topics)

    def until(self, condition: Callable[[], T | None], timeout_s: float = 40) -> T:
        try:
            return self.region.feed.wait(condition, timeout_s=timeout_s, what="", recheck_s=0.1)
        except TimeoutError:
            raise AssertionError(self.story()) from None

    def story(self) -> str:
        found = self.ecs.describe_services(cluster="app", services=["app"])["services"]
        events = [event["message"] for service in found for event in service["events"]]
        tasks = [(t.id[:6], t.phase, t.zone, t.stopped_reason) for t in self.table.tasks()]
        return f"not in time; events: {events}; tasks: {tasks}"

    def image(self, *process: str, files: Mapping[str, str] | None = None) -> str:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (files or {}).items():
                (Path(folder) / name).write_text(text)
            return bundles.publish(self.state, "123.dkr/app", Path(folder), process)

    def define(self, image: str, **more: Any) -> str:
        container = {
            "name": "app",
            "image": image,
            "portMappings": [{"containerPort": 8000}],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": GROUP,
                    "awslogs-region": "us-east-1",
                    "awslogs-stream-prefix": "app",
                },
            },
            **more.pop("container", {}),
        }
        defaults = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]}
        return str(
            self.ecs.register_task_definition(
                family="app",
                cpu="256",
                memory="512",
                containerDefinitions=[container],
                **{**defaults, **more},
            )["taskDefinition"]["taskDefinitionArn"]
        )

    @property
    def network(self) -> dict[str, Any]:
        return {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": []}}

    def serve(self, definition: str, desired: int = 2, **more: Any) -> None:
        wanted = {
            "cluster": "app",
            "serviceName": "app",
            "taskDefinition": definition,
            "desiredCount": desired,
            "launchType": "FARGATE",
            "networkConfiguration": self.network,
            **more,
        }
        self.ecs.create_service(**{name: value for name, value in wanted.items() if value})

    def group(self, desired: int, most: int, user_data: str = "") -> None:
        image = self.ec2.describe_images()["Images"][0]["ImageId"]
        data = {"ImageId": image, "InstanceType": "t3.medium"}
        if user_data:
            data["UserData"] = base64.b64encode(user_data.encode()).decode()
        self.ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData=data)
        self.region.clients("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName="group",
            MinSize=1,
            MaxSize=most,
            DesiredCapacity=desired,
            VPCZoneIdentifier=",".join(self.subnets),
            LaunchTemplate={"LaunchTemplateName": "template", "Version": "$Latest"},
            NewInstancesProtectedFromScaleIn=False,
        )

    def capacity_provider(self) -> None:
        scaling = self.region.clients("autoscaling")
        group = scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]
        self.ecs.create_capacity_provider(
            name="cp",
            autoScalingGroupProvider={
                "autoScalingGroupArn": group["AutoScalingGroupARN"],
                "managedScaling": {"status": "ENABLED"},
            },
        )
        self.ecs.put_cluster_capacity_providers(
            cluster="app", capacityProviders=["cp"], defaultCapacityProviderStrategy=[]
        )

    def container_instances(self) -> list[dict[str, Any]]:
        arns = self.ecs.list_container_instances(cluster="app")["containerInstanceArns"]
        if not arns:
            return []
        found = self.ecs.describe_container_instances(cluster="app", containerInstances=arns)
        return list(found["containerInstances"])

    def service(self) -> dict[str, Any]:
        return dict(self.ecs.describe_services(cluster="app", services=["app"])["services"][0])

    def steady(self) -> dict[str, Any] | None:
        service = self.service()
        rollout = service["deployments"][0]["rolloutState"]
        whole = service["runningCount"] == service["desiredCount"]
        return service if whole and rollout == "COMPLETED" else None

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(cluster="app", desiredStatus=status)["taskArns"]
        return list(self.ecs.describe_tasks(cluster="app", tasks=arns)["tasks"]) if arns else []

    def log(self, task: Mapping[str, Any]) -> list[str]:
        stream = f"app/app/{task['taskArn'].rpartition('/')[2]}"
        events = self.region.clients("logs").get_log_events(
            logGroupName=GROUP, logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in events["events"]]
