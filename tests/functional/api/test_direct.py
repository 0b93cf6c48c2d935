"""What a call inside the region is answered: the same as over HTTP, in every protocol."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.region.aws import Clients
from underpass.twin.region.reconcile import ChangeFeed

ROLE = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture(scope="module")
def both() -> tuple[Clients, Clients]:
    """Return clients that ask directly, and clients that ask over HTTP, of the same API."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    application = Api(ChangeFeed(), moto_application())
    Listener(application, bound).start()
    direct = Clients(url, "us-east-1")
    direct.attach(application)
    _populate(direct)
    return direct, Clients(url, "us-east-1")


def _populate(clients: Clients) -> None:
    ec2, elb = clients("ec2"), clients("elbv2")
    vpc = ec2.create_vpc(
        CidrBlock="10.0.0.0/16",
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "<&>"}]}],
    )["Vpc"]["VpcId"]
    zones = ("us-east-1a", "us-east-1b")
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{at}.0/24", AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        for at, zone in enumerate(zones)
    ]
    group = ec2.create_security_group(GroupName="a", Description="b", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 80,
                "ToPort": 81,
                "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "c"}],
                "UserIdGroupPairs": [{"GroupId": group}],
            }
        ],
    )
    ec2.create_network_interface(SubnetId=subnets[0], Groups=[group])
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)
    ec2.create_vpc_endpoint(
        VpcId=vpc, VpcEndpointType="Interface", ServiceName="x.y", SubnetIds=subnets
    )
    balancer = elb.create_load_balancer(Name="a", Subnets=subnets, SecurityGroups=[group])[
        "LoadBalancers"
    ][0]["LoadBalancerArn"]
    target = elb.create_target_group(Name="b", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
    arn = target["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": arn}]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.0.0.9", "Port": 8000}])
    clients("iam").create_role(RoleName="a", AssumeRolePolicyDocument=ROLE)
    clients("sns").create_topic(Name="a")
    clients("sqs").create_queue(QueueName="a")
    clients("ecs").create_cluster(clusterName="a")
    clients("s3").create_bucket(Bucket="a-bucket")
    clients("s3").put_object(Bucket="a-bucket", Key="b/c d", Body=b"e")
    clients("efs").create_file_system(CreationToken="a")
    clients("route53").create_hosted_zone(Name="a.example", CallerReference="b")
    clients("rds").create_db_subnet_group(
        DBSubnetGroupName="a", DBSubnetGroupDescription="b", SubnetIds=subnets
    )
    clients("rds").create_db_instance(
        DBInstanceIdentifier="a",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        MasterUsername="b",
        MasterUserPassword="cdefghij",
        AllocatedStorage=20,
        DBSubnetGroupName="a",
    )
    clients("cloudwatch").put_metric_alarm(
        AlarmName="a",
        MetricName="b",
        Namespace="c",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.5,
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
    )


def _targets(clients: Clients) -> Any:
    elb = clients("elbv2")
    arn = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    return elb.describe_target_group_attributes(TargetGroupArn=arn)


def _listeners(clients: Clients) -> Any:
    elb = clients("elbv2")
    arn = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    return elb.describe_listeners(LoadBalancerArn=arn)


def _read(clients: Clients) -> bytes:
    body: bytes = clients("s3").get_object(Bucket="a-bucket", Key="b/c d")["Body"].read()
    return body


def _described(name: str, clients: Clients) -> Any:
    return getattr(clients("ec2"), f"describe_{name}")()


READS: dict[str, Callable[[Clients], Any]] = {
    **{
        f"ec2 {name}": functools.partial(_described, name)
        for name in (
            *("vpcs", "subnets", "route_tables", "security_groups", "network_interfaces"),
            *("internet_gateways", "nat_gateways", "addresses", "vpc_endpoints", "instances"),
            *("availability_zones", "network_acls", "managed_prefix_lists", "launch_templates"),
        )
    },
    "load balancers": lambda c: c("elbv2").describe_load_balancers(),
    "target groups": lambda c: c("elbv2").describe_target_groups(),
    "target group attributes": _targets,
    "listeners": _listeners,
    "roles": lambda c: c("iam").list_roles(),
    "a role": lambda c: c("iam").get_role(RoleName="a"),
    "topics": lambda c: c("sns").list_topics(),
    "queues": lambda c: c("sqs").list_queues(),
    "clusters": lambda c: c("ecs").describe_clusters(clusters=["a"]),
    "buckets": lambda c: c("s3").list_objects_v2(Bucket="a-bucket"),
    "an object": _read,
    "file systems": lambda c: c("efs").describe_file_systems(),
    "zones": lambda c: c("route53").list_hosted_zones(),
    "databases": lambda c: c("rds").describe_db_instances(),
    "alarms": lambda c: c("cloudwatch").describe_alarms(),
    "groups": lambda c: c("autoscaling").describe_auto_scaling_groups(),
    "caller": lambda c: c("sts").get_caller_identity(),
    "parameters": lambda c: c("ssm").describe_parameters(),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_call_inside_is_answered_as_one_over_http(
    both: tuple[Clients, Clients], read: Callable[[Clients], Any]
) -> None:
    direct, over_http = (read(clients) for clients in both)
    for answer in (direct, over_http):
        if isinstance(answer, dict):
            assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    assert _settled(direct) == _settled(over_http)


def _settled(answer: Any) -> Any:
    """Leave out what tells the time of the call."""
    if isinstance(answer, dict):
        clocks = {"Timestamp", "LatestRestorableTime"}
        return {key: _settled(one) for key, one in answer.items() if key not in clocks}
    return [_settled(one) for one in answer] if isinstance(answer, list) else answer


@pytest.mark.parametrize(
    "refused",
    [
        lambda c: c("ec2").describe_vpcs(VpcIds=["vpc-0"]),
        lambda c: c("elbv2").describe_load_balancers(Names=["none"]),
        lambda c: c("iam").get_role(RoleName="none"),
        lambda c: c("ecs").list_services(cluster="none"),
        lambda c: c("s3").get_object(Bucket="a-bucket", Key="none"),
        lambda c: c("route53").get_hosted_zone(Id="none"),
    ],
)
def test_a_refusal_inside_is_the_same(
    both: tuple[Clients, Clients], refused: Callable[[Clients], Any]
) -> None:
    told = []
    for clients in both:
        with pytest.raises(ClientError) as error:
            refused(clients)
        told.append(error.value.response["Error"])
    assert told[0] == told[1]
