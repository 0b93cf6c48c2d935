"""The whole way: a consumer with the provider's own addresses, endpoint, NLB, ALB, tasks."""

from __future__ import annotations

from typing import Any

from tests.twin.inside import run_inside

from underpass.twin.region.worker import failures


class Path:
    """A provider and a consumer, connected."""

    def __init__(self, *, enforce: str = "on", admits: str = "10.20.0.0/16") -> None:
        from tests.twin.elbv2.small_region import CIDR, SmallRegion

        self.region = region = SmallRegion()
        self.vpc, self.subnets = region.vpc()
        self.nlb_group = region.group(self.vpc, "nlb", (80, admits))
        alb_group = region.group(self.vpc, "alb", (80, self.nlb_group), (80, CIDR))
        self.task_group = region.group(self.vpc, "tasks", (8000, alb_group))
        self.alb = region.load_balancer("alb", "application", self.subnets, alb_group)
        self.nlb = region.load_balancer("nlb", "network", self.subnets, self.nlb_group)
        region.elb.set_security_groups(
            LoadBalancerArn=self.nlb,
            SecurityGroups=[self.nlb_group],
            EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic=enforce,
        )
        self.tasks = region.target_group("tasks", self.vpc, "HTTP", 8000)
        self.albs = region.target_group("albs", self.vpc, "TCP", 80)
        region.listen(self.alb, "HTTP", 80, self.tasks)
        region.listen(self.nlb, "TCP", 80, self.albs)
        self.addresses = {
            name: region.task(name, subnet, self.task_group)
            for name, subnet in zip(("a", "b"), self.subnets, strict=True)
        }
        region.register(self.tasks, *self.addresses.values())
        region.await_active(self.alb)
        region.await_active(self.nlb)
        self.alb_addresses = tuple(region.nodes(self.alb).values())
        region.register(self.albs, *self.alb_addresses)
        region.await_state(self.tasks, "healthy", *self.addresses.values())
        region.await_state(self.albs, "healthy", *self.alb_addresses)
        self._consume(CIDR)

    def _consume(self, cidr: str) -> None:
        region = self.region
        self.service = region.ec2.create_vpc_endpoint_service_configuration(
            NetworkLoadBalancerArns=[self.nlb], AcceptanceRequired=True
        )["ServiceConfiguration"]
        region.ec2.modify_vpc_endpoint_service_permissions(
            ServiceId=self.service["ServiceId"],
            AddAllowedPrincipals=["arn:aws:iam::123456789012:root"],
        )
        self.consumer, subnets = region.vpc()
        group = region.group(self.consumer, "endpoint", (80, cidr))
        self.client, _ = region.interface(subnets[0], region.group(self.consumer, "client"))
        self.endpoint = region.ec2.create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=self.consumer,
            ServiceName=self.service["ServiceName"],
            SubnetIds=subnets,
            SecurityGroupIds=[group],
        )["VpcEndpoint"]
        interfaces = region.ec2.describe_network_interfaces(
            NetworkInterfaceIds=self.endpoint["NetworkInterfaceIds"]
        )["NetworkInterfaces"]
        for one in interfaces:
            region.fabric.wait_up(one["NetworkInterfaceId"])
        self.forwards = [one["PrivateIpAddress"] for one in interfaces]
        self.name = self.endpoint["DnsEntries"][0]["DnsName"]

    def accept(self) -> None:
        """Accept the connection and wait until it is available."""
        self.region.ec2.accept_vpc_endpoint_connections(
            ServiceId=self.service["ServiceId"], VpcEndpointIds=[self.endpoint["VpcEndpointId"]]
        )
        self.await_state("available")

    def await_state(self, state: str) -> None:
        """Wait until the endpoint has a state."""

        def reached() -> bool:
            described = self.region.ec2.describe_vpc_endpoints()["VpcEndpoints"]
            return bool(described[0]["State"] == state)

        self.region.wait(reached, f"the endpoint is not {state}")

    def await_status(self, status: int) -> None:
        """Wait until requests are answered with ``status``; 0 is not at all."""
        self.region.wait(
            lambda: self.ask(timeout_s=0.3)["status"] == status, f"never answered {status}"
        )

    def ask(self, **more: Any) -> dict[str, Any]:
        """Ask through the first of the endpoint's interfaces."""
        return self.region.get(self.client, f"http://{self.forwards[0]}/", **more)


def _from_consumer_to_task() -> dict[str, Any]:
    path = Path()
    region = path.region
    waiting = path.ask(timeout_s=0.4)["status"]
    unnamed = region.region.names.lookup(path.consumer, path.name)
    path.accept()
    observed = [region.names_seen(path.client, f"http://{door}/") for door in path.forwards]
    first = path.ask()
    strangers = {
        address: region.get(path.client, f"http://{address}{port}/", timeout_s=0.3)["curl"]
        for address in (
            *path.addresses.values(),
            *path.alb_addresses,
            *region.nodes(path.nlb).values(),
        )
        for port in (":8000", ":80", ":22")
        if address not in path.forwards
    }
    named = region.region.names.lookup(path.consumer, path.name)
    region.ec2.reject_vpc_endpoint_connections(
        ServiceId=path.service["ServiceId"], VpcEndpointIds=[path.endpoint["VpcEndpointId"]]
    )
    path.await_status(0)
    return {
        "waiting": waiting,
        "unnamed": unnamed,
        "seen": observed,
        "first": first,
        "doors": path.forwards,
        "named": named,
        "nlb": list(region.nodes(path.nlb).values()),
        "alb": list(path.alb_addresses),
        "strangers": strangers,
    }


def test_a_consumer_reaches_tasks_in_both_zones_and_nothing_else() -> None:
    told = run_inside(_from_consumer_to_task)
    assert told["waiting"] == 0, "not before it was accepted"
    assert told["unnamed"] == []
    assert told["named"] == told["doors"]
    for counts in told["seen"]:
        assert set(counts) == {"a", "b"}, counts
    headers = told["first"]["headers"]
    assert told["first"]["peer"] in told["alb"], "the task sees the ALB"
    assert headers["x-forwarded-for"] in told["nlb"], "the ALB sees the NLB, never the consumer"
    assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("http", "80")
    assert set(told["strangers"].values()) <= {7, 28}, "refused or no answer"


def _enforcement() -> list[int]:
    path = Path(enforce="on", admits="10.99.0.0/16")
    path.accept()
    observed = [path.ask(timeout_s=0.5)["status"]]
    for enforce, status in (("off", 200), ("on", 0)):
        path.region.elb.set_security_groups(
            LoadBalancerArn=path.nlb,
            SecurityGroups=[path.nlb_group],
            EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic=enforce,
        )
        path.await_status(status)
    path.region.ec2.authorize_security_group_ingress(
        GroupId=path.nlb_group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 80,
                "ToPort": 80,
                "IpRanges": [{"CidrIp": "10.20.0.0/16"}],
            }
        ],
    )
    path.await_status(200)
    return observed


def test_inbound_rules_meet_the_consumer_only_when_enforced() -> None:
    assert run_inside(_enforcement) == [0]


def _everything_goes() -> dict[str, Any]:
    path = Path()
    path.accept()
    region = path.region
    region.ec2.delete_vpc_endpoints(VpcEndpointIds=[path.endpoint["VpcEndpointId"]])
    region.ec2.delete_vpc_endpoint_service_configurations(ServiceIds=[path.service["ServiceId"]])
    for balancer in (path.nlb, path.alb):
        region.elb.delete_load_balancer(LoadBalancerArn=balancer)

    def left() -> list[str]:
        found = region.ec2.describe_network_interfaces()["NetworkInterfaces"]
        return [
            one["Description"]
            for one in found
            if one["Description"].startswith(("ELB", "VPC Endpoint"))
        ]

    region.wait(lambda: not left(), f"interfaces are left: {left()}")
    region.wait(lambda: not region.fabric._links._links, "links are left")
    names = region.region.names
    region.wait(lambda: not names.lookup(path.consumer, path.name), "the name is left")
    return {"errors": [one.error for one in failures() if one.in_a_row]}


def test_what_is_deleted_leaves_nothing() -> None:
    assert run_inside(_everything_goes) == {"errors": []}
