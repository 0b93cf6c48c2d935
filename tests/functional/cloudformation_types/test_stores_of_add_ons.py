"""What add-ons are made of and underpass itself is not: tables and parameters."""

from __future__ import annotations

from typing import Any

import pytest
from tests.functional.cloudformation_types.account import Account
from tests.functional.cloudformation_types.conftest import Bench
from tests.unit.blueprint.addons import QUEUE, TWO
from tests.unit.blueprint.configs import config

from underpass.blueprint import stacks
from underpass.twin.services.cloudformation.resource_type import ProvisionError

BY = {"AttributeName": "By", "AttributeType": "S"}
TABLE: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
}


def test_a_table_holds_items_and_keeps_them_while_it_changes(bench: Bench) -> None:
    made = bench.create("DynamoDB::Table", **TABLE)
    dynamodb = bench.clients("dynamodb")
    dynamodb.put_item(TableName=made.id, Item={"Id": {"S": "1"}})
    assert made.attributes["Arn"].endswith(f":table/{made.id}")
    more = {
        "AttributeDefinitions": [*TABLE["AttributeDefinitions"], BY],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-by",
                "KeySchema": [{"AttributeName": "By", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        "TimeToLiveSpecification": {"AttributeName": "Until", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "Tags": [{"Key": "Team", "Value": "notes"}],
    }
    changed = bench.update("DynamoDB::Table", made, TABLE, TABLE | more)
    assert "/stream/" in changed.attributes["StreamArn"]
    found = dynamodb.describe_table(TableName=made.id)["Table"]
    assert [one["IndexName"] for one in found["GlobalSecondaryIndexes"]] == ["by-by"]
    lives = dynamodb.describe_time_to_live(TableName=made.id)["TimeToLiveDescription"]
    assert lives["TimeToLiveStatus"] == "ENABLED"
    assert dynamodb.scan(TableName=made.id)["Count"] == 1
    bench.update("DynamoDB::Table", changed, TABLE | more, TABLE)
    found = dynamodb.describe_table(TableName=made.id)["Table"]
    assert not found.get("GlobalSecondaryIndexes")
    assert dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"] == []


def test_a_tables_local_indexes_stay(bench: Bench) -> None:
    made = bench.create("DynamoDB::Table", **TABLE)
    with pytest.raises(ProvisionError, match="made with their table"):
        bench.update("DynamoDB::Table", made, TABLE, TABLE | {"LocalSecondaryIndexes": [{}]})


def test_add_ons_come_and_go_with_the_twins_cloudformation(bench: Bench) -> None:
    account = Account(bench)
    key = bench.create("KMS::Key").attributes["Arn"]
    first, second = (one for one in stacks(config(**TWO)) if "-addon-" in one.name)
    made = account.create(first.name, first.body(), KeyArn=key, **first.parameters)
    assert made.keys() == QUEUE["Outputs"].keys()
    told = account.create(second.name, second.body(), QueueUrl=made["QueueUrl"])
    value = bench.clients("ssm").get_parameter(Name=told["ParameterName"])["Parameter"]["Value"]
    assert value == made["QueueUrl"]
    secret = bench.clients("secretsmanager").get_secret_value(SecretId=made["SigningToken"])
    assert len(secret["SecretString"]) == 40
    policy = bench.clients("iam").get_policy(PolicyArn=made["UsePolicy"])["Policy"]
    assert policy["Arn"] == made["UsePolicy"]
    account.remove(second.name)
    account.remove(first.name)
    assert bench.clients("dynamodb").list_tables()["TableNames"] == [made["TableName"]]  # kept


def test_a_parameter_has_another_value_under_the_same_name(bench: Bench) -> None:
    first = {"Type": "String", "Value": "one", "Tags": {"Team": "notes"}}
    made = bench.create("SSM::Parameter", **first)
    ssm = bench.clients("ssm")
    assert made.attributes == {"Type": "String", "Value": "one"}
    after = bench.update("SSM::Parameter", made, first, {"Type": "String", "Value": "two"})
    assert (after.id, after.attributes["Value"]) == (made.id, "two")
    assert ssm.get_parameter(Name=made.id)["Parameter"]["Value"] == "two"
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=made.id)["TagList"]
    assert tags == []


def test_a_parameter_is_never_a_secret(bench: Bench) -> None:
    (told,) = bench.resource_type("SSM::Parameter").problems({"Type": "SecureString"})
    assert "AWS::SecretsManager::Secret" in told
