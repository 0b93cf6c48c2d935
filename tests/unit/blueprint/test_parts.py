"""Facts of single parts that AWS, or the application, would notice."""

import json
from typing import Any

import pytest
from tests.unit.blueprint.configs import CURATED, EVERYTHING, config
from tests.unit.blueprint.templates import asked, by_part, parts, resource, resources

from underpass.blueprint import stacks
from underpass.blueprint.capacity.instances import RECOMMENDED, architecture
from underpass.blueprint.path.privatelink import allowed_principals

OWN = "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"


def container(**sections: Any) -> dict[str, Any]:
    definition = resource(by_part(config(**sections))[1], "TaskDefinition")
    (only,) = definition["ContainerDefinitions"]
    assert isinstance(only, dict)
    return only


def test_the_task_gets_what_the_design_promises() -> None:
    got = container(**EVERYTHING, service={"environment": {"LOG_LEVEL": "info"}})
    assert {pair["Name"]: pair["Value"] for pair in got["Environment"]} == {
        "ASSETS_BUCKET": {"Ref": "BucketName"},
        "AWS_REGION": {"Ref": "AWS::Region"},
        "FILES_PATH": "/data",
        "LOG_LEVEL": "info",
    }
    arn = {"Secret": {"Ref": "DatabaseUserSecretArn"}}
    assert {pair["Name"]: pair["ValueFrom"] for pair in got["Secrets"]} == {
        f"DATABASE_{name}": {"Fn::Sub": [f"${{Secret}}:{key}::", arn]}
        for name, key in (
            ("HOST", "host"),
            ("PORT", "port"),
            ("NAME", "dbname"),
            ("USERNAME", "username"),
            ("PASSWORD", "password"),
        )
    }


def test_the_task_gets_nothing_of_what_is_left_out() -> None:
    got = container(service={"writable": []})
    assert [pair["Name"] for pair in got["Environment"]] == ["AWS_REGION"]
    assert {"Secrets", "MountPoints", "HealthCheck"}.isdisjoint(got)
    service = by_part(config(service={"writable": []}))[1]
    assert "Policies" not in resource(service, "TaskRole")
    assert "Volumes" not in resource(service, "TaskDefinition")


def test_the_password_is_nowhere_in_a_template() -> None:
    foundation, service, _ = by_part(CURATED["nat-ec2-everything"])
    database = resource(foundation, "DatabaseInstance")
    reference = "{{{{resolve:secretsmanager:${{DatabaseSecret}}:SecretString:{}}}}}"
    assert database["MasterUsername"] == {"Fn::Sub": reference.format("username")}
    assert database["MasterUserPassword"] == {"Fn::Sub": reference.format("password")}
    assert "password" not in json.dumps(
        resource(service, "TaskDefinition")["ContainerDefinitions"][0]["Environment"]
    )


def test_tls_ends_at_the_alb() -> None:
    _, service, (consumer,) = by_part(CURATED["tls"])
    alb, nlb = resource(service, "AlbListener"), resource(service, "NlbListener")
    assert (alb["Protocol"], alb["Port"]) == ("HTTPS", 443)
    assert alb["Certificates"]
    assert (nlb["Protocol"], nlb["Port"]) == ("TCP", 443)
    assert consumer.template["Outputs"]["Url"]["Value"] == "https://notes.internal/"


def test_the_registrar_fills_an_empty_target_group() -> None:
    service = by_part(
        config(tls={"certificate": "arn:aws:acm:us-east-1:111111111111:certificate/a"})
    )[1]
    group = resource(service, "NlbTargetGroup")
    assert (group["TargetType"], group["Protocol"]) == ("ip", "TCP")
    assert "Targets" not in group
    variables = resource(service, "RegistrarFunction")["Environment"]["Variables"]
    assert variables == {
        "DNS_NAME": {"Fn::GetAtt": ["Alb", "DNSName"]},
        "DRAIN_RETIRED": "true",
        "LOAD_BALANCER_ARN": {"Ref": "Alb"},
        "VPC_ID": {"Ref": "VpcId"},
        "TARGET_GROUPS": {"Fn::Join": ["=", [{"Ref": "NlbTargetGroup"}, "443"]]},
    }


def test_an_alb_type_target_group_waits_for_the_listener_and_has_no_attributes() -> None:
    service = by_part(CURATED["alb-targets-tls"])[1]
    group = resource(service, "NlbTargetGroup")
    assert group["Targets"] == [{"Id": {"Ref": "Alb"}, "Port": 443}]
    assert group["Port"] == resource(service, "AlbListener")["Port"]
    assert group["HealthCheckProtocol"] == "HTTPS"
    assert "TargetGroupAttributes" not in group
    assert service.template["Resources"]["NlbTargetGroup"]["DependsOn"] == "AlbListener"
    assert not resources(parts(CURATED["alb-targets-tls"]).path, "Lambda::Function")
    assert "RegistrarFunctionName" not in service.template["Outputs"]


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [
        *(
            (name, "X86_64")
            for name in ("t3.medium", "g4dn.xlarge", "m7i-flex.large", "u-3tb1.56xlarge")
        ),
        *(
            (name, "ARM64")
            for name in ("t4g.micro", "m7gd.large", "c7gn.large", "im4gn.large", "a1.large")
        ),
        *((name, "ARM64") for name in ("g5g.xlarge", "x8g.large")),
    ],
)
def test_architecture_follows_the_instance_type(instance_type: str, expected: str) -> None:
    chosen = config(capacity={"instance_type": instance_type})
    assert architecture(chosen) == expected
    image = parts(chosen).capacity.template["Metadata"][RECOMMENDED]
    assert ("/arm64/" in image) == (expected == "ARM64")


def test_fargate_has_no_instances() -> None:
    service = by_part(CURATED["nat-fargate-everything"])[1]
    assert "InstanceImage" not in service.template["Parameters"]
    assert not resources(service, "AutoScaling::AutoScalingGroup")
    assert resource(service, "Service")["CapacityProviderStrategy"] == [
        {"CapacityProvider": "FARGATE", "Weight": 1}
    ]
    assert "PlacementStrategies" not in resource(service, "Service")
    assert resource(service, "TaskDefinition")["RuntimePlatform"]["CpuArchitecture"] == "X86_64"


@pytest.mark.parametrize(
    ("allow", "consumers", "expected"),
    [
        ((), (), (OWN,)),
        ((), ({"name": "here"},), (OWN,)),
        (("*",), (), ("*",)),
        (
            ("arn:aws:iam::222222222222:root",),
            ({"name": "here"}, {"name": "there", "account": "333333333333"}),
            ("arn:aws:iam::222222222222:root", OWN, OWN.replace("${AWS::AccountId}", "3" * 12)),
        ),
    ],
)
def test_who_may_ask_for_an_endpoint(
    allow: tuple[str, ...], consumers: tuple[dict[str, str], ...], expected: tuple[str, ...]
) -> None:
    chosen = config(privatelink={"allow": allow}, consumers=consumers)
    assert allowed_principals(chosen) == expected


def test_one_mount_target_per_zone() -> None:
    foundation = by_part(CURATED["three-zones"])[0]
    targets = resources(foundation, "EFS::MountTarget").values()
    subnets = [target["SubnetId"]["Ref"] for target in targets]
    assert subnets == ["DataSubnet1", "DataSubnet2", "DataSubnet3"]


def test_an_update_of_the_launch_template_reaches_the_group() -> None:
    group = resource(by_part(config())[1], "AutoScalingGroup")
    assert group["LaunchTemplate"]["Version"] == {
        "Fn::GetAtt": ["LaunchTemplate", "LatestVersionNumber"]
    }


def test_a_new_launch_template_replaces_the_instances_one_after_the_other() -> None:
    group = parts(config()).capacity.template["Resources"]["AutoScalingGroup"]
    preferences = group["UpdatePolicy"]["AutoScalingInstanceRefresh"]["Preferences"]
    # A new one comes before an old one goes: the difference must leave room for one.
    assert preferences["MinHealthyPercentage"] == 100 < preferences["MaxHealthyPercentage"]


def test_no_update_of_a_stack_chooses_the_hosts_image() -> None:
    """A parameter that CloudFormation looks up would roll the hosts whenever AWS publishes an image."""
    for stack in stacks(config()):
        for parameter in stack.template.get("Parameters", {}).values():
            assert "SSM" not in parameter["Type"]
    assert "InstanceImage" not in parts(config()).service.template["Parameters"]
    capacity = parts(config()).capacity
    assert capacity.template["Parameters"]["InstanceImage"]["Type"] == "AWS::EC2::Image::Id"
    assert asked(capacity) >= {"InstanceImage"}
    lifetime_s = resource(capacity, "AutoScalingGroup")["MaxInstanceLifetime"]
    assert lifetime_s == 14 * 24 * 3600


def test_an_image_that_is_named_stays() -> None:
    named = parts(config(capacity={"instance_image": "ami-0123456789abcdef0"})).capacity
    assert named.parameters == {"InstanceImage": "ami-0123456789abcdef0"}
    assert not parts(config(capacity={"provider": "fargate"})).capacity.parameters


def test_the_launch_template_lets_nobody_log_in_and_its_disk_goes_with_it() -> None:
    data = resource(by_part(config())[1], "LaunchTemplate")["LaunchTemplateData"]
    assert "KeyName" not in data
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert data["BlockDeviceMappings"][0]["Ebs"] == {
        "VolumeType": "gp3",
        "VolumeSize": 30,
        "Encrypted": True,
        "DeleteOnTermination": True,
    }


def test_fargate_has_no_instances_and_places_by_itself() -> None:
    service = by_part(config(capacity={"provider": "fargate"}))[1]
    kinds = {one["Type"] for one in service.template["Resources"].values()}
    assert kinds.isdisjoint({"AWS::EC2::LaunchTemplate", "AWS::AutoScaling::AutoScalingGroup"})
    properties = resource(service, "Service")
    assert properties["PlatformVersion"] == "LATEST"
    assert "PlacementStrategies" not in properties
    definition = resource(service, "TaskDefinition")
    assert definition["RequiresCompatibilities"] == ["FARGATE"]
    assert definition["RuntimePlatform"]["CpuArchitecture"] == "X86_64"


@pytest.mark.parametrize("exec_", [True, False])
def test_a_shell_in_a_task_only_where_it_is_asked_for(exec_: bool) -> None:
    service = by_part(config(service={"exec": exec_}))[1]
    assert resource(service, "Service")["EnableExecuteCommand"] is exec_
    assert ("Configuration" in resource(service, "Cluster")) is exec_
    assert ("ssmmessages:OpenDataChannel" in json.dumps(resource(service, "TaskRole"))) is exec_
