"""The registrar's own description of EC2 against botocore's, of which it is a part."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from underpass.registrar import index

CALL = "DescribeNetworkInterfaces"
ANSWER = b"""<?xml version="1.0" encoding="UTF-8"?>
<DescribeNetworkInterfacesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>b1</requestId>
  <networkInterfaceSet>
    <item>
      <networkInterfaceId>eni-1</networkInterfaceId><description>ELB app/notes/1</description>
      <requesterId>amazon-elb</requesterId><requesterManaged>true</requesterManaged>
      <status>in-use</status><privateIpAddress>10.20.0.5</privateIpAddress>
      <privateIpAddressesSet>
        <item><privateIpAddress>10.20.0.5</privateIpAddress></item>
        <item><privateIpAddress>10.20.0.6</privateIpAddress></item>
      </privateIpAddressesSet>
    </item>
    <item>
      <networkInterfaceId>eni-2</networkInterfaceId><description/>
      <requesterManaged>false</requesterManaged><privateIpAddressesSet/>
    </item>
  </networkInterfaceSet>
  <nextToken>more</nextToken>
</DescribeNetworkInterfacesResponse>"""
REFUSAL = (
    b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Slow.</Message></Error></Errors>"
    b"<RequestID>r</RequestID></Response>"
)
ASKED = {
    "Filters": [
        {"Name": "vpc-id", "Values": ["vpc-1"]},
        {"Name": "description", "Values": ["ELB app/notes/1", "ELB app/notes/2"]},
    ],
    "MaxResults": 1000,
    "NextToken": "more",
}


@pytest.fixture(scope="module")
def whole() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("ec2", "service-2"), "ec2")


@pytest.fixture
def ours() -> ServiceModel:
    return ServiceModel(index.ec2_api(), "ec2")


def sent(model: ServiceModel) -> dict[str, Any]:
    request = create_serializer(model.resolved_protocol).serialize_to_request(
        dict(ASKED), model.operation_model(CALL)
    )
    return {key: request[key] for key in ("url_path", "method", "body", "headers")}


def understood(model: ServiceModel, body: bytes, status: int) -> Any:
    response = {"body": body, "headers": {}, "status_code": status}
    output = model.operation_model(CALL).output_shape
    return create_parser(model.resolved_protocol).parse(response, output)


def test_the_request_is_the_same_on_the_wire(whole: ServiceModel, ours: ServiceModel) -> None:
    assert sent(ours) == sent(whole)
    assert sent(ours)["body"]["Filter.2.Value.2"] == "ELB app/notes/2"


@pytest.mark.parametrize(("body", "status"), [(ANSWER, 200), (REFUSAL, 503)])
def test_an_answer_is_understood_the_same(
    whole: ServiceModel, ours: ServiceModel, body: bytes, status: int
) -> None:
    assert understood(ours, body, status) == understood(whole, body, status)


def test_it_is_signed_and_sent_to_the_same_service(whole: ServiceModel, ours: ServiceModel) -> None:
    for name in ("api_version", "endpoint_prefix", "service_id", "signature_version"):
        assert getattr(ours, name) == getattr(whole, name)
    assert whole.signing_name == ours.signing_name == "ec2"


def test_every_member_is_of_the_kind_and_name_it_has_in_ec2(
    whole: ServiceModel, ours: ServiceModel
) -> None:
    def compare(part: Any, full: Any) -> int:
        assert (part.type_name, part.serialization) == (full.type_name, full.serialization)
        if part.type_name == "list":
            return compare(part.member, full.member)
        members = part.members if part.type_name == "structure" else {}
        return 1 + sum(compare(one, full.members[name]) for name, one in members.items())

    mine, theirs = ours.operation_model(CALL), whole.operation_model(CALL)
    assert compare(mine.output_shape, theirs.output_shape) > 10
    for name in mine.input_shape.members:
        assert name in theirs.input_shape.members
