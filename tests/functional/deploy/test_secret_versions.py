"""Tasks of a new value: the word that changes when a secret of an add-on does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.blueprint.addons import SECTIONS
from tests.unit.blueprint.configs import config
from tests.unit.blueprint.templates import parts, resource

from underpass.blueprint.service.secrets import VERSIONS
from underpass.deploy import secret_versions


def test_an_addons_secret_with_another_value_starts_new_tasks(client: Callable[[str], Any]) -> None:
    one = config(**SECTIONS)
    made = client("secretsmanager").create_secret(Name="token", SecretString="first")["ARN"]
    handed = {"AddonSigningToken": made, "AddonQueueUrl": "https://queue"}
    before = secret_versions.current(client, one, handed)
    assert secret_versions.current(client, one, handed) == before
    client("secretsmanager").put_secret_value(SecretId=made, SecretString="second")
    assert secret_versions.current(client, one, handed) != before

    service = parts(one).service
    (container,) = resource(service, "TaskDefinition")["ContainerDefinitions"]
    assert container["DockerLabels"]["underpass.secrets"] == {"Ref": VERSIONS}
    assert VERSIONS in service.template["Parameters"]


def test_an_addon_without_a_secret_has_no_such_word(client: Callable[[str], Any]) -> None:
    assert secret_versions.current(client, config(), {}) == {}
