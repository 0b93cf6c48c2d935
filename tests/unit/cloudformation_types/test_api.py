"""CloudFormation's properties as the parameters of an action, by botocore's own models."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from underpass.twin.services.cloudformation import service_calls
from underpass.twin.services.cloudformation.resource_type import ProvisionError


def client(service: str) -> Any:
    session = boto3.session.Session("x", "x", region_name="us-east-1")
    return session.client(service, endpoint_url="http://127.0.0.1:1")


CLIENTS = {service: client(service) for service in ("ec2", "ecs", "iam", "elbv2", "lambda")}


def shape(service: str, action: str) -> Any:
    return CLIENTS[service].meta.service_model.operation_model(action).input_shape


def test_a_task_definition_as_cloudformation_writes_it() -> None:
    container = {
        "Name": "app",
        "Essential": "true",
        "PortMappings": [{"ContainerPort": "8000"}],
        "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "/a"}},
    }
    volume = {"Name": "data", "EFSVolumeConfiguration": {"FilesystemId": "fs-1"}}
    written = {
        "Family": "app",
        "Cpu": 256,
        "ContainerDefinitions": [container],
        "Volumes": [volume],
    }
    assert service_calls.fit(written, shape("ecs", "RegisterTaskDefinition"), "") == {
        "family": "app",
        "cpu": "256",
        "containerDefinitions": [
            {
                "name": "app",
                "essential": True,
                "portMappings": [{"containerPort": 8000}],
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/a"}},
            }
        ],
        "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
    }


def test_a_document_becomes_text_and_tags_become_a_map() -> None:
    document = {"Statement": [{"Effect": "Allow"}]}
    role = service_calls.fit({"AssumeRolePolicyDocument": document}, shape("iam", "CreateRole"), "")
    assert json.loads(role["AssumeRolePolicyDocument"]) == document
    tags = [{"Key": "a", "Value": "b"}]
    assert service_calls.fit({"Tags": tags}, shape("lambda", "CreateFunction"), "") == {
        "Tags": {"a": "b"}
    }


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"ContainerDefinitions": [{"Nmae": "app"}]}, r"#/ContainerDefinitions/0: .*\[Nmae\]"),
        ({"ContainerDefinitions": ["app"]}, "/ContainerDefinitions/0: expected an object"),
        ({"ContainerDefinitions": [{"Essential": "yes"}]}, "Essential: 'yes' is not .*boolean"),
        ({"ContainerDefinitions": [{"Cpu": "many"}]}, "Cpu: 'many' is not of type integer"),
        ({"ContainerDefinitions": [{"Cpu": {}}]}, "Cpu: {} is not of type integer"),
    ],
)
def test_what_does_not_fit_is_named_with_its_path(written: Any, told: str) -> None:
    with pytest.raises(ProvisionError, match=told):
        service_calls.fit(written, shape("ecs", "RegisterTaskDefinition"), "")


def values(of: Any, depth: int = 4) -> st.SearchStrategy[Any]:
    """Draw what an action takes, in the service's own form."""
    kind = of.type_name
    if kind == "structure":
        members = of.members if depth else {}
        return st.fixed_dictionaries(
            {}, optional={name: values(inner, depth - 1) for name, inner in members.items()}
        )
    if kind == "list":
        return st.lists(values(of.member, depth), max_size=2)
    if kind == "map":
        return st.dictionaries(st.text(min_size=1, max_size=5), values(of.value, depth), max_size=2)
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "boolean": st.booleans(),
        "integer": st.integers(),
        "long": st.integers(),
        "float": st.floats(allow_nan=False),
        "double": st.floats(allow_nan=False),
    }
    return drawn.get(kind, st.text(max_size=5))


def as_written(value: Any, of: Any) -> Any:
    """Write a service's value as a template might: capitals, and text for numbers and booleans."""
    kind = of.type_name
    if kind == "structure":
        return {k[0].upper() + k[1:]: as_written(v, of.members[k]) for k, v in value.items()}
    if kind == "list":
        return [as_written(item, of.member) for item in value]
    if kind == "map":
        return {key: as_written(inner, of.value) for key, inner in value.items()}
    return str(value).lower() if kind == "boolean" else str(value)


SHAPES = [
    shape(service, action)
    for service, action in (
        ("ecs", "RegisterTaskDefinition"),
        ("ecs", "CreateService"),
        ("elbv2", "CreateRule"),
        ("ec2", "CreateLaunchTemplate"),
    )
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data(), of=st.sampled_from(SHAPES))
def test_whatever_an_action_takes_comes_back_from_how_a_template_writes_it(
    data: st.DataObject, of: Any
) -> None:
    value = data.draw(values(of))
    assert service_calls.fit(as_written(value, of), of, "") == value
    assert service_calls.fit(value, of, "") == value


def test_a_call_takes_the_properties_it_knows_and_what_is_named_wins() -> None:
    ec2 = CLIENTS["ec2"]
    with Stubber(ec2) as stub:
        stub.add_response("create_vpc", {}, {"CidrBlock": "10.0.0.0/16"})
        written = {"CidrBlock": "10.9.0.0/16", "EnableDnsSupport": True, "InstanceTenancy": "x"}
        service_calls.call(
            ec2, "create_vpc", written, CidrBlock="10.0.0.0/16", InstanceTenancy=None
        )
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "gone", "in_use"),
    [
        ("InvalidVpcID.NotFound", True, False),
        ("NoSuchEntity", True, False),
        ("DependencyViolation", False, True),
        ("UnauthorizedOperation", False, False),
    ],
)
def test_a_refusal_tells_its_code_and_what_it_means(code: str, *, gone: bool, in_use: bool) -> None:
    ec2 = CLIENTS["ec2"]
    with Stubber(ec2) as stub:
        stub.add_client_error("delete_vpc", code, "no")
        with pytest.raises(
            service_calls.RefusedError, match=rf"no \(Service: EC2, .*Code: {code}\)"
        ) as told:
            service_calls.call(ec2, "delete_vpc", VpcId="vpc-1")
    assert (told.value.gone, told.value.in_use) == (gone, in_use)


def test_what_a_batch_could_not_do_is_an_error() -> None:
    ec2 = CLIENTS["ec2"]
    failed = {"ResourceId": "vpce-1", "Error": {"Code": "InUse", "Message": "busy"}}
    with Stubber(ec2) as stub:
        stub.add_response("delete_vpc_endpoints", {"Unsuccessful": [failed]})
        with pytest.raises(service_calls.RefusedError, match="busy"):
            service_calls.call(ec2, "delete_vpc_endpoints", VpcEndpointIds=["vpce-1"])
