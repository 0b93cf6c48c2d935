"""EC2, ELB and DNS as far as the registrar sees them, in memory; they record what was called.

One object answers as both boto3 clients. ``faults`` are raised, one a call, by operation; ``before`` is
called ahead of every call, so that a test can change the world in the middle of a run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from underpass.registrar.index import Calls, Memory, Settings, Target, run

ALB = "arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/app/notes/0123456789abcdef"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:111111111111:targetgroup/notes/0123456789abcdef"
OTHER_GROUP = GROUP.replace("/notes/", "/other/")
VPC = "vpc-01234567"
DNS_NAME = "internal-notes-1.us-east-1.elb.amazonaws.com"
DESCRIPTION = f"ELB {ALB.split(':loadbalancer/')[1]}"
ENVIRONMENT = {"LOAD_BALANCER_ARN": ALB, "VPC_ID": VPC, "TARGET_GROUPS": f"{GROUP}=80"}

NOW_S = 1.8e9  # any time of day
TTL_S = 60.0

Targets = Mapping[Target, str]


def refused(code: str, status: int = 400) -> ClientError:
    """Return an error as AWS answers with."""
    told = {"Error": {"Code": code, "Message": "as asked"}}
    return ClientError({**told, "ResponseMetadata": {"HTTPStatusCode": status}}, "Anything")


def throttled() -> ClientError:
    return refused("Throttling")


class Time:
    """A clock that only moves when somebody sleeps or says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def calls(self, seconds: float = 25.0) -> Calls:
        return Calls(seconds, self, self.sleep)


class Aws:
    """One VPC with an ALB's interfaces and others, target groups, and a DNS name."""

    def __init__(
        self,
        addresses: Iterable[str] = (),
        groups: Mapping[str, Targets] | None = None,
        listeners: Iterable[int] = (80, 443),
    ) -> None:
        self.interfaces: dict[str, dict[str, Any]] = {}
        self.groups = {arn: dict(held) for arn, held in (groups or {GROUP: {}}).items()}
        self.listeners = list(listeners)
        self.page_size = 2
        self.hidden: set[str] = set()  # addresses that a stale listing misses
        self.named: set[str] | None = None  # None: DNS is down
        self.all_answers = True
        self.faults: dict[str, list[Exception]] = defaultdict(list)
        self.before: Callable[[str, Mapping[str, Any]], None] = lambda *_: None
        self.called: list[str] = []
        self._count = 0
        for address in addresses:
            self.add(address)

    # The world

    def add(self, address: str, description: str = DESCRIPTION, **more: Any) -> str:
        """Make an interface and return its id; a node's of ELB's own unless ``more`` says otherwise."""
        self._count += 1
        interface_id = f"eni-{self._count:08x}"
        self.interfaces[interface_id] = {
            "NetworkInterfaceId": interface_id,
            "Description": description,
            "VpcId": VPC,
            "RequesterId": "amazon-elb",
            "RequesterManaged": True,
            "Status": "in-use",
            "PrivateIpAddress": address,
            "PrivateIpAddresses": [{"PrivateIpAddress": address}],
        } | more
        return interface_id

    def remove(self, address: str) -> None:
        for interface_id, interface in list(self.interfaces.items()):
            if interface["PrivateIpAddress"] == address:
                del self.interfaces[interface_id]

    def serving(self, arn: str = GROUP) -> set[str]:
        """Return the targets that are not on their way out."""
        return {
            f"{target.address}:{target.port}"
            for target, state in self.groups[arn].items()
            if state != "draining"
        }

    def resolve(self, name: str) -> frozenset[str]:
        self.called.append("resolve")
        assert name.removeprefix("all.") == DNS_NAME
        if self.named is None or (name != DNS_NAME and not self.all_answers):
            raise OSError(f"{name} has no answer")
        answer = sorted(self.named)
        return frozenset(answer if name != DNS_NAME else answer[:8])

    # As the clients answer

    def describe_network_interfaces(
        self, *, Filters: list[dict[str, Any]], MaxResults: int, NextToken: str = ""
    ) -> dict[str, Any]:
        self._called("describe_network_interfaces", {"Filters": Filters})
        assert 5 <= MaxResults <= 1000
        assert all(len(item["Values"]) <= 200 for item in Filters)
        asked = {item["Name"]: set(item["Values"]) for item in Filters}
        keys = {
            "vpc-id": "VpcId",
            "description": "Description",
            "addresses.private-ip-address": "PrivateIpAddress",
        }
        # A token says where the last page ended, so that what goes meanwhile hides nothing that stays.
        rest = [
            dict(interface)
            for interface in self.interfaces.values()
            if all(interface[keys[name]] in values for name, values in asked.items())
            and interface["NetworkInterfaceId"] > NextToken
            and not ("description" in asked and interface["PrivateIpAddress"] in self.hidden)
        ]
        page = rest[: self.page_size]
        more = {"NextToken": page[-1]["NetworkInterfaceId"]} if len(rest) > len(page) else {}
        return {"NetworkInterfaces": page, **more}

    def describe_listeners(self, *, LoadBalancerArn: str, PageSize: int) -> dict[str, Any]:
        self._called("describe_listeners", {})
        assert LoadBalancerArn == ALB
        assert 1 <= PageSize <= 400
        return {"Listeners": [{"Port": port} for port in self.listeners]}

    def describe_target_health(self, *, TargetGroupArn: str) -> dict[str, Any]:
        self._called("describe_target_health", {"TargetGroupArn": TargetGroupArn})
        return {
            "TargetHealthDescriptions": [
                {
                    "Target": {
                        "Id": target.address,
                        "Port": target.port,
                        "AvailabilityZone": target.zone or "us-east-1a",
                    },
                    "TargetHealth": {"State": state},
                }
                for target, state in self._group(TargetGroupArn).items()
            ]
        }

    def register_targets(self, *, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        asked = self._change("register_targets", TargetGroupArn, Targets)
        self._group(TargetGroupArn).update(dict.fromkeys(asked, "initial"))

    def deregister_targets(self, *, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        asked = self._change("deregister_targets", TargetGroupArn, Targets)
        held = self._group(TargetGroupArn)
        held.update(dict.fromkeys((target for target in asked if target in held), "draining"))

    def _change(self, operation: str, arn: str, targets: list[dict[str, Any]]) -> list[Target]:
        asked = [Target(one["Id"], one["Port"], one.get("AvailabilityZone", "")) for one in targets]
        self._called(operation, {"TargetGroupArn": arn, "Targets": asked})
        assert 1 <= len(asked) <= 100
        assert max(Counter(asked).values()) == 1
        return asked

    def _group(self, arn: str) -> dict[Target, str]:
        if arn not in self.groups:
            raise refused("TargetGroupNotFound")
        return self.groups[arn]

    def _called(self, operation: str, arguments: Mapping[str, Any]) -> None:
        self.called.append(operation)
        self.before(operation, arguments)
        arn = arguments.get("TargetGroupArn", "")
        for key in (operation, f"{operation} {arn}"):
            if self.faults[key]:
                raise self.faults[key].pop(0)


def once(
    aws: Aws,
    *,
    memory: Memory | None = None,
    time: Time | None = None,
    at_s: float = NOW_S,
    dry_run: bool = False,
    **environment: str,
) -> dict[str, Any]:
    """Run once against the fakes, at a time of day, with ENVIRONMENT and what is given beside it."""
    settings = Settings.read({**ENVIRONMENT, **environment})
    return run(
        settings,
        aws,
        aws,
        calls=(time or Time()).calls(),
        resolve=aws.resolve,
        memory=Memory() if memory is None else memory,
        clock=lambda: at_s,
        dry_run=dry_run,
    )


def looked_before(*numbers: int, ago_s: float = TTL_S) -> Memory:
    """Return the memory of a look, a while ago, at which EC2 did not list these addresses either."""
    return Memory(unlisted={f"10.0.0.{number}": NOW_S - ago_s for number in numbers})
