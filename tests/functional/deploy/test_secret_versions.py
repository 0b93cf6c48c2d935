"""Tasks of a new value: the word that changes when a secret of an add-on does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.blueprint.addons import SECTIONS
from tests.unit.blueprint.configs import config
from tests.unit.blueprint.templates import parts, resource

from underpass.blueprint.service.secrets import BESIDE, VERSIONS
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


def test_what_a_sidecar_reads_has_a_word_of_its_own(client: Callable[[str], Any]) -> None:
    make, put = client("secretsmanager").create_secret, client("secretsmanager").put_secret_value
    app = make(Name="app", SecretString="first")
    beside = make(Name="beside", SecretString="first")["ARN"]
    sidecar = {
        "name": "otel",
        "image": "otel:1",
        "secrets": {"OLD": f"{app['ARN']}:::{app['VersionId']}", "KEY": beside},
    }
    one = config(service={"secrets": {"A": app["ARN"]}, "sidecars": [sidecar]})

    before = secret_versions.current(client, one, {})
    assert {*before} == {VERSIONS, BESIDE}
    put(SecretId=beside, SecretString="second")
    after = secret_versions.current(client, one, {})
    assert (after[VERSIONS], after[BESIDE] != before[BESIDE]) == (before[VERSIONS], True)
    # Read in two versions: the one that is named stays, the current one does not.
    put(SecretId=app["ARN"], SecretString="second")
    last = secret_versions.current(client, one, {})
    assert (last[BESIDE], last[VERSIONS] != after[VERSIONS]) == (after[BESIDE], True)


def test_a_secret_read_in_two_versions_is_looked_at_in_both(client: Callable[[str], Any]) -> None:
    made = client("secretsmanager").create_secret(Name="app", SecretString="first")
    secrets = {"A": made["ARN"], "B": f"{made['ARN']}:::{made['VersionId']}"}
    one = config(service={"secrets": secrets})
    before = secret_versions.current(client, one, {})
    client("secretsmanager").put_secret_value(SecretId=made["ARN"], SecretString="second")
    assert secret_versions.current(client, one, {}) != before


def test_an_addon_without_a_secret_has_no_such_word(client: Callable[[str], Any]) -> None:
    assert secret_versions.current(client, config(), {}) == {}
