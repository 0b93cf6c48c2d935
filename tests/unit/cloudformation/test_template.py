import json

import pytest

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.template import parse

ONE = {"A": {"Type": "AWS::S3::Bucket"}}

YAML = """
AWSTemplateFormatVersion: 2010-09-09
Description: short tags
Conditions:
  Big: !And [!Condition Other, !Not [!Equals [!Ref Size, small]]]
  Other: !Equals [a, a]
Parameters:
  Size: {Type: String, Default: small}
Resources:
  A:
    Type: X::Y::Z
    DependsOn: B
    DeletionPolicy: Retain
    Properties:
      Plain: !GetAtt B.Endpoint.Address
      List: !GetAtt [B, Arn]
      Text: !Sub "${B}-x"
      Pair: !Sub ["${V}", {V: !Ref B}]
      Choice: !If [Big, !Ref AWS::NoValue, 012]
      Day: 2026-11-22
      Joined: !Join [",", !Split ["-", a-b]]
  B:
    Type: X::Y::Z
"""


def test_yaml_short_tags_become_functions() -> None:
    template = parse(YAML)
    properties = template.resources["A"].properties
    assert properties["Plain"] == {"Fn::GetAtt": ["B", "Endpoint.Address"]}
    assert properties["List"] == {"Fn::GetAtt": ["B", "Arn"]}
    assert properties["Text"] == {"Fn::Sub": "${B}-x"}
    assert properties["Pair"] == {"Fn::Sub": ["${V}", {"V": {"Ref": "B"}}]}
    assert properties["Choice"] == {"Fn::If": ["Big", {"Ref": "AWS::NoValue"}, 10]}
    assert properties["Day"] == "2026-11-22"
    assert properties["Joined"] == {"Fn::Join": [",", {"Fn::Split": ["-", "a-b"]}]}
    assert template.conditions["Big"] == {
        "Fn::And": [
            {"Condition": "Other"},
            {"Fn::Not": [{"Fn::Equals": [{"Ref": "Size"}, "small"]}]},
        ]
    }
    assert template.resources["A"].depends_on == ("B",)
    assert template.resources["A"].deletion_policy == "Retain"
    assert template.body == YAML


def test_yaml_and_json_of_the_same_template_are_equal() -> None:
    document = {
        "Resources": {"A": {"Type": "X::Y::Z", "Properties": {"N": 1, "T": ["a", True, None]}}}
    }
    import yaml

    assert parse(json.dumps(document)).resources == parse(yaml.safe_dump(document)).resources


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "JSON not well-formed. (line 1, column 2)"),
        ("a: [", "YAML not well-formed. (line 1, column 5)"),
        ("Resources:\n  A: {Type: X}\n  A: {Type: Y}", "(line 3, column 3): duplicate key 'A'"),
        ("just text", "unsupported structure"),
        ("", "unsupported structure"),
        ("{" * 9000, "JSON not well-formed"),
        ("[" * 9000 + "]" * 9000, "nested too deeply"),
        ("{}", "At least one Resources member must be defined"),
        ({"Resources": []}, "Resources must be an object"),
        ({"Resources": ONE, "AWSTemplateFormatVersion": "2011"}, "2011 is not a supported value"),
        (
            {"Resources": ONE, "Transform": "AWS::Serverless"},
            "Invalid template property or properties [Transform]",
        ),
        ({"Resources": {"A-b": {"Type": "X"}}}, "Resource name A-b is non alphanumeric"),
        ({"Resources": {"A": "x"}}, "[/Resources/A] resource definition is malformed"),
        (
            {"Resources": {"A": {}}},
            "[/Resources/A] Every Resources object must contain a Type member",
        ),
        ({"Resources": {"A": {"Type": "X", "Propertys": {}}}}, "unsupported property Propertys"),
        ({"Resources": {"A": {"Type": "X", "DependsOn": {"Ref": "B"}}}}, "DependsOn must be"),
        ({"Resources": {"A": {"Type": "X", "DependsOn": 3}}}, "DependsOn must be"),
        (
            {"Resources": {"A": {"Type": "X", "DeletionPolicy": "Keep"}}},
            "Unrecognized DeletionPolicy Keep",
        ),
        ({"Resources": {"A": {"Type": "X", "Properties": []}}}, "Properties must be an object"),
        ({"Resources": ONE, "Outputs": {"O": {}}}, "Every Outputs member must contain a Value"),
        (
            {"Resources": ONE, "Outputs": {"O": {"Value": "", "Export": {}}}},
            "Export must contain a Name",
        ),
        (
            {"Resources": ONE, "Parameters": {"P": {}}},
            "Every Parameters object must contain a Type",
        ),
        (
            {"Resources": ONE, "Parameters": {"P": {"Type": "Strin"}}},
            "Unrecognized parameter type: Strin (P)",
        ),
        (
            {"Resources": ONE, "Parameters": {"P": {"Type": "List<List<String>>"}}},
            "Unrecognized parameter type",
        ),
        (
            {"Resources": ONE, "Parameters": {"P": {"Type": "String", "Defualt": ""}}},
            "property Defualt",
        ),
        (
            {"Resources": ONE, "Parameters": {"P": {"Type": "String", "MinLength": "x"}}},
            "must be a number",
        ),
    ],
)
def test_what_is_malformed_is_refused_by_name(body: object, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        parse(body if isinstance(body, str) else json.dumps(body))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "type_",
    [
        "String",
        "Number",
        "CommaDelimitedList",
        "List<Number>",
        "List<String>",
        "AWS::EC2::VPC::Id",
        "List<AWS::EC2::Subnet::Id>",
        "AWS::SSM::Parameter::Name",
        "AWS::SSM::Parameter::Value<String>",
        "AWS::SSM::Parameter::Value<List<String>>",
        "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
    ],
)
def test_every_parameter_type_of_aws_is_known(type_: str) -> None:
    body = json.dumps({"Resources": ONE, "Parameters": {"P": {"Type": type_}}})
    assert parse(body).parameters["P"].type == type_
