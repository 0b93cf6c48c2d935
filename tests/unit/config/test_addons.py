"""What the rules say of add-ons, and what their outputs become."""

from typing import Any

import pytest
from tests.unit.blueprint.addons import QUEUE, SECTIONS
from tests.unit.blueprint.configs import config

from underpass.config import addons, rules
from underpass.config.model import Config
from underpass.config.problems import dotted

QUEUE_ALONE = {"Queue": {"Type": "AWS::SQS::Queue"}}


def one(**sections: Any) -> Config:
    """Return a configuration with an add-on of a queue, and these sections of its template."""
    documents = {"a.yaml": {"Resources": QUEUE_ALONE, **sections}}
    return config(addons=[{"template": "a.yaml", "name": "one"}], documents=documents)


def told(configuration: Config) -> list[str]:
    return [
        f"{dotted(fault.keys[0])}: {fault.message}; {fault.suggestion}"
        for fault in rules.check(configuration)
    ]


@pytest.mark.parametrize(
    ("network", "advised"),
    [
        ({"egress": "nat"}, []),
        ({"egress": "endpoints"}, ["dynamodb", "sqs"]),
        ({"egress": "endpoints", "endpoints": ["sqs"]}, ["dynamodb"]),
        ({"egress": "endpoints", "endpoints": ["sqs", "dynamodb"]}, []),
    ],
)
def test_services_without_a_way_to_them_are_told(network: Any, advised: list[str]) -> None:
    found = rules.advise(config(network=network, **SECTIONS))
    expected = [f'add "{name}" to [network] endpoints' for name in advised]
    assert [one.suggestion for one in found] == expected
    assert {dotted(one.keys[0]) for one in found} <= {"addons[0].template"}


def test_a_bucket_that_the_endpoint_lets_nobody_into_is_told() -> None:
    bucket = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}
    network: dict[str, Any] = {"egress": "endpoints"}
    sections = {"addons": [{"template": "bb.yaml"}], "documents": {"bb.yaml": bucket}}
    (told_of,) = rules.advise(config(network=network, **sections))
    assert "BucketName" in told_of.suggestion
    assert rules.advise(config(network={**network, "buckets": ["notes-1"]}, **sections)) == ()


def test_outputs_are_variables_secrets_and_policies_by_what_they_refer_to() -> None:
    found = addons.outputs(config(**SECTIONS))
    assert [(one.name, one.kind, one.variable) for one in found] == [
        ("QueueUrl", "variable", "QUEUE_URL"),
        ("TableName", "variable", "TABLE_NAME"),
        ("SigningToken", "secret", "SIGNING_TOKEN"),
        ("UsePolicy", "policy", ""),
    ]
    assert [one.own_key for one in found] == [False, False, True, False]


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::GetAtt": ["Token", "Id"]},
        {"Fn::Sub": "${Token}"},
        {"Fn::If": ["A", {"Ref": "Token"}, ""]},
    ],
)
def test_only_a_plain_reference_is_a_secret(value: Any) -> None:
    outputs = {"Token": {"Value": value}}
    document = {"Resources": QUEUE["Resources"], "Outputs": outputs}
    found = addons.outputs(config(addons=[{"template": "q.json"}], documents={"q.json": document}))
    assert [one.kind for one in found] == ["variable"]


@pytest.mark.parametrize(
    ("output", "variable"),
    [
        ("QueueUrl", "QUEUE_URL"),
        ("DLQArn", "DLQ_ARN"),
        ("S3Bucket2Name", "S3_BUCKET2_NAME"),
        ("x", "X"),
        ("UPPER", "UPPER"),
        ("aURLOfIt", "A_URL_OF_IT"),
    ],
)
def test_an_outputs_variable(output: str, variable: str) -> None:
    assert addons.variable(output) == variable


def test_an_add_on_of_all_that_is_usual_is_accepted() -> None:
    assert told(config(**SECTIONS)) == []


@pytest.mark.parametrize(
    ("template", "name", "expected"),
    [
        (
            "My Queue.yaml",
            None,
            'addons[0].template: "My Queue" cannot be part of a stack\'s name; add name = "my-queue"',
        ),
        (
            "9.yaml",
            None,
            'addons[0].template: "9" cannot be part of a stack\'s name; add name = "addon-1"',
        ),
        ("My Queue.yaml", "queue", ""),
    ],
)
def test_its_name_is_part_of_a_stacks(template: str, name: str | None, expected: str) -> None:
    assert told(config(addons=[{"template": template, "name": name}])) == (
        [expected] * bool(expected)
    )


def test_two_of_one_name() -> None:
    two = config(addons=[{"template": "a.yaml", "name": "bb"}, {"template": "x/bb.yaml"}])
    assert told(two) == [
        'addons[1].template: there is an add-on "bb" already; add name = "bb-2"',
    ]


def test_a_nested_stack_is_refused() -> None:
    nested = one(Resources={"Inner": {"Type": "AWS::CloudFormation::Stack"}})
    assert [line.partition(":")[0] for line in told(nested)] == ["addons[0].template"]
    assert "Inner in a.yaml is a stack within the stack" in told(nested)[0]


def test_parameters_that_nothing_fills_are_named_with_what_may_be_written() -> None:
    (wrong,) = told(
        one(Parameters={"VpcID": {"Type": "String"}, "Days": {"Type": "Number", "Default": 1}})
    )
    assert "the parameter VpcID of a.yaml has no value" in wrong
    assert "call it VpcId to have the foundation's" in wrong
    (wrong,) = told(one(Parameters={"Days": {"Type": "Number"}}))
    assert 'add parameters = { Days = "..." }, or a Default to the template' in wrong
    assert "VpcId, VpcCidr, AppSubnetIds" in wrong
    assert told(one(Parameters={"AppSubnetIds": {"Type": "List<AWS::EC2::Subnet::Id>"}})) == []


def test_a_stores_outputs_are_there_with_the_store() -> None:
    asks = {"Parameters": {"DatabaseEndpoint": {"Type": "String"}}}
    assert len(told(one(**asks))) == 1
    with_database = one(**asks).model_copy(update={"database": config(database={}).database})
    assert told(with_database) == []


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"Dais": "4"}, "addons[0].parameters.Dais: is no parameter of a.yaml; did you mean Days?"),
        ({"Other": "4"}, "addons[0].parameters.Other: is no parameter of a.yaml; leave it out"),
        (
            {"Days": "40"},
            (
                "addons[0].parameters.Days: a.yaml does not take it: Parameter 'Days' must be a number not "
                "greater than 14; "
            ),
        ),
        ({"Days": "4"}, ""),
    ],
)
def test_values_are_those_of_parameters_there_are(parameters: Any, expected: str) -> None:
    days = {"Parameters": {"Days": {"Type": "Number", "MaxValue": 14, "Default": 1}}}
    document = {"Resources": QUEUE_ALONE, **days}
    found = told(
        config(
            addons=[{"template": "a.yaml", "name": "one", "parameters": parameters}],
            documents={"a.yaml": document},
        )
    )
    assert found == [expected] * bool(expected)


def _chain(*order: str) -> Config:
    makes = {"Resources": QUEUE_ALONE, "Outputs": {"Url": {"Value": {"Ref": "Queue"}}}}
    takes = {"Resources": QUEUE_ALONE, "Parameters": {"Url": {"Type": "String"}}}
    return config(
        addons=[{"template": f"{name}.yaml"} for name in order],
        documents={"makes.yaml": makes, "takes.yaml": takes},
    )


def test_one_is_given_what_one_before_it_has() -> None:
    assert told(_chain("makes", "takes")) == []
    (wrong,) = told(_chain("takes", "makes"))
    assert wrong == (
        "addons[0].template: the parameter Url of takes.yaml has no value yet: it is an output of add-on "
        "makes; move makes before it"
    )


def test_a_variable_there_is_already_is_refused_at_both_lines() -> None:
    clash = one(Outputs={"QueueUrl": {"Value": {"Ref": "Queue"}}})
    service = clash.service.model_copy(update={"environment": {"QUEUE_URL": "x"}})
    found = told(clash.model_copy(update={"service": service}))
    assert found == [
        (
            "addons[0].template: its output QueueUrl would be the variable QUEUE_URL, which "
            "environment names too; call the output something else"
        ),
        (
            "service.environment.QUEUE_URL: is also what output QueueUrl of add-on one becomes; leave it "
            "out, or call the output something else"
        ),
    ]


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("AwsRegion", "which underpass sets itself, from the region"),
        ("AwsSecretAccessKey", "and that beginning is AWS's own"),
        ("EcsThing", "and that beginning is AWS's own"),
    ],
)
def test_a_variable_that_is_ours_or_awss_is_refused(output: str, why: str) -> None:
    (wrong,) = told(one(Outputs={output: {"Value": "x"}}))
    assert why in wrong


def test_two_outputs_of_one_name_are_refused_also_policies() -> None:
    policy = {
        "Resources": {"P": {"Type": "AWS::IAM::ManagedPolicy"}},
        "Outputs": {"P": {"Value": {"Ref": "P"}}},
    }
    two = config(
        addons=[{"template": "aa.yaml"}, {"template": "bb.yaml"}],
        documents={"aa.yaml": policy, "bb.yaml": policy},
    )
    assert told(two) == [
        "addons[1].template: its output P is called like that of add-on aa; call the output something else"
    ]


def test_an_output_that_may_not_be_there_is_refused() -> None:
    (wrong,) = told(
        one(
            Conditions={"Never": {"Fn::Equals": ["a", "b"]}},
            Outputs={"Url": {"Value": {"Ref": "Queue"}, "Condition": "Never"}},
        )
    )
    assert "has a condition" in wrong


@pytest.mark.parametrize(("named", "refused"), [(19, False), (20, True), (0, False)])
def test_the_policies_of_addons_count_among_a_roles(named: int, refused: bool) -> None:
    policies = [f"arn:aws:iam::111111111111:policy/p{number}" for number in range(named)]
    made = {
        "Resources": {"Policy": {"Type": "AWS::IAM::ManagedPolicy"}},
        "Outputs": {"UsePolicy": {"Value": {"Ref": "Policy"}}},
    }
    found = config(
        service={"policies": policies},
        addons=[{"template": "aa.yaml"}],
        documents={"aa.yaml": made},
    )
    assert any("are 21, those of add-ons among them" in one for one in told(found)) == refused


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"Ref": "Quue"},
            'refers to "Quue", which is no resource or parameter of it; did you mean Queue?',
        ),
        ({"Fn::Sub": "${Other.Arn}-${AWS::Region}-${!Own}"}, 'refers to "Other"'),
        ({"Fn::If": ["Never", {"Ref": "Quue"}, {"Ref": "Queue"}]}, 'refers to "Quue"'),
        ({"Fn::If": ["Never", {"Ref": "Queue"}, {"Ref": "Quue"}]}, 'refers to "Quue"'),
        ({"Fn::GetAtt": "Queue"}, "is not right"),
    ],
)
def test_what_a_template_refers_to_is_there(value: Any, expected: str) -> None:
    never = {"Never": {"Fn::Equals": ["a", "b"]}}
    (wrong,) = told(one(Conditions=never, Outputs={"Url": {"Value": value}}))
    assert wrong.startswith("addons[0].template: the output Url of a.yaml ")
    assert expected in wrong
    using = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": value}}}
    (wrong,) = told(one(Conditions=never, Resources={**QUEUE_ALONE, **using}))
    assert wrong.startswith("addons[0].template: Topic of a.yaml ")
    assert expected in wrong
