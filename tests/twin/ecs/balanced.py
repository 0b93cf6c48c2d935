"""What happens to a service behind a load balancer, with a health table the experiment writes itself."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.twin.ecs.region import Place
from tests.twin.ecs.services import INIT, SLEEP, _stopped

from underpass.twin.api import patch
from underpass.twin.region.topics import Topic
from underpass.twin.services.elbv2 import listeners, target_groups
from underpass.twin.services.elbv2 import patches as elbv2
from underpass.twin.services.elbv2.health import (
    FAILED,
    HEALTHY,
    CheckKey,
    Health,
    HealthTable,
    TargetKey,
)

GRACE_S = 2


class Balanced:
    """A service of two tasks whose targets are as healthy as ``verdicts`` says, or else healthy."""

    def __init__(self, desired: int = 2) -> None:
        self.health = HealthTable()
        patch.apply(elbv2, listeners, target_groups)
        target_groups.attach(self.health)
        self.place = Place()
        self.elb = self.place.region.clients("elbv2")
        self.verdicts: dict[str, Health] = {}
        self.otherwise: Health = HEALTHY
        balancer = self.elb.create_load_balancer(
            Name="app", Subnets=self.place.subnets, Scheme="internal"
        )
        group = self.elb.create_target_group(
            Name="app", Protocol="HTTP", Port=8000, VpcId=self.place.vpc, TargetType="ip"
        )
        self.group = group["TargetGroups"][0]["TargetGroupArn"]
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "40"}  # two seconds here
        self.elb.modify_target_group_attributes(TargetGroupArn=self.group, Attributes=[delay])
        self.elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )
        threading.Thread(target=self.check, daemon=True).start()
        self.image = self.place.image(*SLEEP)
        self.place.serve(
            self.place.define(self.image, container=INIT),
            desired,
            loadBalancers=[
                {"targetGroupArn": self.group, "containerName": "app", "containerPort": 8000}
            ],
            healthCheckGracePeriodSeconds=GRACE_S,
        )

    def targets(self) -> dict[str, str]:
        found = self.elb.describe_target_health(TargetGroupArn=self.group)[
            "TargetHealthDescriptions"
        ]
        return {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in found}

    def check(self) -> None:
        """Check targets as the balancers do, on the experiment's word."""
        while True:
            checks = [
                CheckKey(TargetKey(self.group, address, 8000), address, "eni-1")
                for address in self.targets()
            ]
            self.health.keep(checks, {})
            for one in checks:  # nobody is connected to any of them
                self.health.quiet(one.target, time.monotonic())
            news = [
                self.health.put(one, self.verdicts.get(one.address, self.otherwise))
                for one in checks
            ]
            if any(news):
                self.place.region.feed.publish(Topic.HEALTH)
            time.sleep(0.05)


def address(task: dict[str, Any]) -> str:
    details = {one["name"]: one["value"] for a in task["attachments"] for one in a["details"]}
    return str(details.get("privateIPv4Address", ""))


def tasks_are_registered_and_drained() -> dict[str, Any]:
    balanced = Balanced()
    place = balanced.place
    place.until(place.steady)
    tasks = place.tasks()
    registered = sorted(balanced.targets()) == sorted(address(task) for task in tasks)
    place.ecs.update_service(cluster="app", service="app", forceNewDeployment=True)
    seen: list[tuple[str, str]] = []
    least: list[int] = []

    def gone() -> bool:
        targets = balanced.targets()
        least.append(sum(state == "healthy" for state in targets.values()))
        found = place.ecs.describe_tasks(cluster="app", tasks=[task["taskArn"] for task in tasks])[
            "tasks"
        ]
        seen.extend((task["lastStatus"], targets.get(address(task), "none")) for task in found)
        return all(task["lastStatus"] == "STOPPED" for task in found)

    place.until(gone)
    place.until(place.steady)
    return {
        "registered": registered,
        "seen": sorted(set(seen)),
        "least healthy": min(least),
        "events": [event["message"].split(" (target")[0] for event in place.service()["events"]],
    }


def unhealthy_targets_are_replaced() -> dict[str, Any]:
    balanced = Balanced()
    place = balanced.place
    place.until(place.steady)
    sick, well = place.tasks()
    balanced.verdicts[address(sick)] = FAILED
    place.until(lambda: len(place.tasks()) == 3)
    together = place.service()["runningCount"] >= 1 and _stopped(place, sick["taskArn"]) is None
    stopped = place.until(lambda: _stopped(place, sick["taskArn"]))
    place.until(lambda: len(place.tasks()) == 2)
    kept = well["taskArn"] in {task["taskArn"] for task in place.tasks()}
    # A new task that is never healthy goes only after its grace period.
    balanced.verdicts = {address(task): HEALTHY for task in place.tasks()}
    balanced.otherwise = FAILED
    place.ecs.update_service(
        cluster="app",
        service="app",
        forceNewDeployment=True,
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    )
    new = place.until(
        lambda: [t for t in place.tasks() if address(t) not in {"", *balanced.verdicts}] or None
    )
    first = place.until(lambda: _stopped(place, new[0]["taskArn"]))
    place.until(place.steady, timeout_s=40)
    return {
        "replacement first": together,
        "why": [stopped["stopCode"], stopped["stoppedReason"].split(" (target")[0]],
        "kept": kept,
        "lived": (first["stoppingAt"] - first["startedAt"]).total_seconds(),
        "rolled back": {address(task) for task in place.tasks()} <= set(balanced.verdicts),
        "targets": sorted(balanced.targets().values()),
    }
