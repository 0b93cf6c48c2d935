"""Stacks of the user's own, and what tasks get of them."""

import pytest
from tests.unit.blueprint.addons import QUEUE, SECTIONS
from tests.unit.blueprint.configs import AXES, CURATED, config
from tests.unit.blueprint.templates import parts

from underpass import blueprint
from underpass.blueprint.addons.outputs import PREFIX
from underpass.config import addons
from underpass.config.model import Config

WITH = config(**SECTIONS)
GIVEN = {"Ref": "AddonSigningToken"}


def test_each_is_a_stack_between_the_foundation_and_the_service() -> None:
    names = [stack.name for stack in blueprint.stacks(WITH)]
    assert names.index("notes-foundation") < names.index("notes-addon-queue")
    assert names.index("notes-addon-queue") < names.index("notes-service")
    (stack,) = (one for one in blueprint.stacks(WITH) if one.name == "notes-addon-queue")
    assert stack.template == QUEUE
    assert stack.used
    assert stack.parameters == {"Name": "notes", "Seconds": "90"}


def test_a_default_is_told_so_that_a_value_that_is_left_out_again_does_not_stay() -> None:
    plain = config(addons=[{"template": "queue.yaml"}], documents={"queue.yaml": QUEUE})
    (stack,) = (one for one in blueprint.stacks(plain) if "-addon-" in one.name)
    assert stack.parameters == {"Name": "notes", "Seconds": "60"}


def test_tasks_get_variables_secrets_and_policies() -> None:
    service = parts(WITH).service.template
    (container,) = service["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    variables = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert variables["QUEUE_URL"] == {"Ref": "AddonQueueUrl"}
    assert variables["TABLE_NAME"] == {"Ref": "AddonTableName"}
    assert container["Secrets"] == [{"Name": "SIGNING_TOKEN", "ValueFrom": GIVEN}]
    role = service["Resources"]["TaskRole"]["Properties"]
    assert role["ManagedPolicyArns"] == [{"Ref": "AddonUsePolicy"}]
    given = {name for name in service["Parameters"] if name.startswith(PREFIX)}
    assert given == {"AddonQueueUrl", "AddonTableName", "AddonSigningToken", "AddonUsePolicy"}


def test_what_starts_a_task_may_read_just_the_secret_and_decrypt_just_that() -> None:
    role = parts(WITH).service.template["Resources"]["ExecutionRole"]["Properties"]
    read, decrypt = role["Policies"][0]["PolicyDocument"]["Statement"][-2:]
    assert (read["Action"], read["Resource"]) == (["secretsmanager:GetSecretValue"], [GIVEN])
    assert decrypt["Action"] == ["kms:Decrypt"]
    assert decrypt["Condition"]["StringEquals"]["kms:EncryptionContext:SecretARN"] == [GIVEN]


def test_a_secret_of_awss_own_key_needs_nothing_to_be_decrypted() -> None:
    plain = {"Type": "AWS::SecretsManager::Secret"}
    document = {"Resources": {"S": plain}, "Outputs": {"Token": {"Value": {"Ref": "S"}}}}
    own = config(addons=[{"template": "ss.yaml"}], documents={"ss.yaml": document})
    role = parts(own).service.template["Resources"]["ExecutionRole"]["Properties"]
    assert "kms:Decrypt" not in str(role)


def test_a_secret_has_its_way_where_there_is_no_internet() -> None:
    without = config(network={"egress": "endpoints"})
    with_it = config(network={"egress": "endpoints"}, **SECTIONS)
    assert "SecretsManagerEndpoint" not in parts(without).foundation.template["Resources"]
    assert "SecretsManagerEndpoint" in parts(with_it).foundation.template["Resources"]


@pytest.mark.parametrize("name", CURATED)
def test_what_a_parameter_is_given_by_its_name_is_an_output_of_the_foundation(name: str) -> None:
    configuration: Config = CURATED[name]
    outputs = parts(configuration).foundation.template["Outputs"]
    assert {*addons.handed(configuration)} - {"Name"} <= outputs.keys()


@pytest.mark.parametrize("name", CURATED)
def test_no_output_of_ours_is_called_like_what_an_add_on_hands_on(name: str) -> None:
    for stack in blueprint.stacks(CURATED[name]):
        if "-addon-" not in stack.name:
            assert not any(key.startswith(PREFIX) for key in stack.template.get("Outputs", {}))


def test_it_is_in_the_matrix() -> None:
    assert AXES["addons"]["queue"] is SECTIONS


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [({}, True), ({"KeyArn": "arn:aws:kms:us-east-1:1:key/other"}, False)],
)
def test_the_key_is_used_through_the_services_of_what_is_given_it(
    parameters: dict[str, str], *, expected: bool
) -> None:
    asking = config(
        addons=[{"template": "queue.yaml", "parameters": parameters}],
        documents={"queue.yaml": QUEUE},
    )
    policy = parts(asking).foundation.template["Resources"]["Key"]["Properties"]["KeyPolicy"]
    used = {statement["Sid"] for statement in policy["Statement"]}
    assert ({"Queues", "Tables", "TablesGrants", "Secret"} <= used) is expected
