"""Container instances: what the ECS agent on each instance of an Auto Scaling group reports of it.

An instance registers with the cluster its user data names (``ECS_CLUSTER``), or with the one its group's
capacity provider belongs to, and is deregistered when it is gone.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from underpass.twin.region.topics import Topic
from underpass.twin.services.ecs.model import Host
from underpass.twin.services.ecs.platform import Platform

LOOK_AGAIN_S = (
    10.0  # even when neither groups nor clusters changed: an instance may have been stopped
)
KEPT_FOR_SYSTEM = 0.05  # of an instance's memory, which the kernel keeps from the agent
_CLUSTER = re.compile(r"ECS_CLUSTER=[\"']?([\w-]+)")


class Instances:
    """Registers instances, and tells the table which there are."""

    topics: ClassVar[tuple[Topic, ...]] = (Topic.AUTOSCALING, Topic.EC2, Topic.ECS)

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._clients = platform.region.clients
        self._kinds: dict[str, Mapping[str, Any]] = {}
        self._named: dict[str, str] = {}  # instance id -> cluster named in its user data
        self._seen: object = None
        self._looked_at = 0.0

    def reconcile(self) -> None:
        """Register and deregister instances until the clusters know those that run."""
        version = self._platform.table.clusters_version
        groups = self._clients("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        if not groups and not self._platform.table.hosts():
            return
        members = [
            (group["AutoScalingGroupARN"], one["InstanceId"])
            for group in groups
            for one in group["Instances"]
        ]
        seen, now = (version, members), time.monotonic()
        if seen != self._seen or now - self._looked_at > LOOK_AGAIN_S:
            self._look(groups)
            self._seen, self._looked_at = seen, now

    def _look(self, groups: Sequence[Mapping[str, Any]]) -> None:
        running = self._running(
            [one["InstanceId"] for group in groups for one in group["Instances"]]
        )
        providers = self._providers()
        group_of = {one["InstanceId"]: group for group in groups for one in group["Instances"]}
        hosts = []
        for cluster_arn, registered in self._registered().items():
            for instance_id, record in registered.items():
                if instance_id in running:
                    provider = _provider(providers, group_of[instance_id])
                    hosts.append(self._host(cluster_arn, record, running[instance_id], provider[1]))
                else:
                    self._clients("ecs").deregister_container_instance(
                        cluster=cluster_arn,
                        containerInstance=record["containerInstanceArn"],
                        force=True,
                    )
        known = {host.instance_id for host in hosts}
        for instance_id, instance in running.items():
            if instance_id not in known:
                provider = _provider(providers, group_of[instance_id])
                cluster = self._cluster(instance_id) or provider[0]
                if cluster:
                    hosts.append(self._register(cluster, instance, provider[1]))
        if self._platform.table.set_hosts(hosts):
            self._platform.region.feed.publish(Topic.INSTANCES)

    def _running(self, instance_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        if not instance_ids:
            return {}
        pages = self._clients("ec2").describe_instances(InstanceIds=list(instance_ids))[
            "Reservations"
        ]
        return {
            one["InstanceId"]: one
            for reservation in pages
            for one in reservation["Instances"]
            if one["State"]["Name"] == "running"
        }

    def _providers(self) -> dict[str, tuple[str, str]]:
        """Return (cluster, capacity provider) by the ARN or the name of the Auto Scaling group.

        A capacity provider may name its group either way.
        """
        ecs = self._clients("ecs")
        arns = ecs.list_clusters()["clusterArns"]
        clusters = ecs.describe_clusters(clusters=arns)["clusters"] if arns else []
        found = {}
        for cluster in clusters:
            names = [
                name
                for name in cluster.get("capacityProviders", ())
                if not name.startswith("FARGATE")
            ]
            if not names or cluster["status"] != "ACTIVE":
                continue
            providers = ecs.describe_capacity_providers(capacityProviders=names)[
                "capacityProviders"
            ]
            for provider in providers:
                arn = provider["autoScalingGroupProvider"]["autoScalingGroupArn"]
                found[arn] = (cluster["clusterName"], provider["name"])
        return found

    def _registered(self) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Return each cluster's container instances by instance id."""
        ecs = self._clients("ecs")
        found: dict[str, dict[str, Mapping[str, Any]]] = {}
        for cluster in ecs.list_clusters()["clusterArns"]:
            arns = ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
            found[cluster] = {}
            if arns:
                described = ecs.describe_container_instances(
                    cluster=cluster, containerInstances=arns
                )
                found[cluster] = {
                    one["ec2InstanceId"]: one for one in described["containerInstances"]
                }
        return found

    def _cluster(self, instance_id: str) -> str:
        """Return the cluster an instance's user data names; empty if it names none."""
        if instance_id not in self._named:
            answer = self._clients("ec2").describe_instance_attribute(
                InstanceId=instance_id, Attribute="userData"
            )
            text = base64.b64decode(answer.get("UserData", {}).get("Value", "") or "")
            match = _CLUSTER.search(text.decode(errors="replace"))
            self._named[instance_id] = match[1] if match else ""
        return self._named[instance_id]

    def _register(self, cluster: str, instance: Mapping[str, Any], provider: str) -> Host:
        document = json.dumps({"instanceId": instance["InstanceId"]})
        record = self._clients("ecs").register_container_instance(
            cluster=cluster, instanceIdentityDocument=document
        )["containerInstance"]
        arn = record["containerInstanceArn"]
        cluster_arn = arn.replace(":container-instance/", ":cluster/").rpartition("/")[0]
        return self._host(cluster_arn, record, instance, provider)

    def _host(
        self,
        cluster_arn: str,
        record: Mapping[str, Any],
        instance: Mapping[str, Any],
        provider: str,
    ) -> Host:
        kind = self._kind(instance["InstanceType"])
        return Host(
            arn=record["containerInstanceArn"],
            instance_id=instance["InstanceId"],
            cluster_arn=cluster_arn,
            zone=instance["Placement"]["AvailabilityZone"],
            cpu=kind["VCpuInfo"]["DefaultVCpus"] * 1024,
            memory_mib=int(kind["MemoryInfo"]["SizeInMiB"] * (1 - KEPT_FOR_SYSTEM)),
            interfaces=kind["NetworkInfo"]["MaximumNetworkInterfaces"] - 1,  # one is its own
            draining=record["status"] == "DRAINING",
            group=provider,
        )

    def _kind(self, name: str) -> Mapping[str, Any]:
        """Return an instance type as EC2 describes it."""
        if name not in self._kinds:
            found = self._clients("ec2").describe_instance_types(InstanceTypes=[name])
            self._kinds[name] = found["InstanceTypes"][0]
        return self._kinds[name]


def _provider(
    providers: Mapping[str, tuple[str, str]], group: Mapping[str, Any]
) -> tuple[str, str]:
    names = (group["AutoScalingGroupARN"], group["AutoScalingGroupName"])
    return next((providers[name] for name in names if name in providers), ("", ""))
