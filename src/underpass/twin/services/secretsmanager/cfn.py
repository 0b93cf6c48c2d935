"""Secrets, and what makes a secret a database's: the attachment that adds where the database is."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from underpass.twin.services.cloudformation import service_calls
from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
    Tagging,
    changed,
)
from underpass.twin.services.cloudformation.service_calls import RefusedError

SECRETS = partial(
    Form,
    service="secretsmanager",
    tagging=Tagging(resource="SecretId"),
    gone="InvalidRequestException",  # of a secret that is scheduled for deletion already
)
WHERE = ("engine", "host", "port", "dbname", "dbInstanceIdentifier", "dbClusterIdentifier")

PLAIN = (
    SECRETS(  # the function is tried at once, or does its work at once
        type="AWS::SecretsManager::RotationSchedule",
        honoured="RotateImmediatelyOnUpdate RotationLambdaARN RotationRules SecretId",
        replaces="SecretId",
        renamed={"RotateImmediatelyOnUpdate": "RotateImmediately"},
        defaults={"RotateImmediately": True},
        create="rotate_secret",
        ref="{SecretId}",
        attributes="Id=Ref",
        update="rotate_secret SecretId",
        delete="cancel_rotate_secret SecretId",
    ),
    SECRETS(
        type="AWS::SecretsManager::ResourcePolicy",
        honoured="ResourcePolicy SecretId",
        replaces="SecretId",
        create="put_resource_policy",
        ref="{SecretId}",
        attributes="Id=Ref",
        update="put_resource_policy SecretId",
        delete="delete_resource_policy SecretId",
    ),
)


class Secret(Resource):
    """A secret, given or generated. Deleted secrets can be restored for 30 days, as in AWS."""

    form = SECRETS(
        type="AWS::SecretsManager::Secret",
        honoured="Description GenerateSecretString KmsKeyId Name SecretString Tags",
        inert="ReplicaRegions Type",
        replaces="Name",
        name="Name",
        longest=512,
        create="create_secret",
        ref="{ARN}",
        attributes="Id=Ref",
        delete="delete_secret SecretId",
    )

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return the value."""
        return {"SecretString": self._value(properties)}

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change description, key and tags; the value only if the template asks for another."""
        named = {"SecretId": physical.id}
        if changed(old, new, "SecretString GenerateSecretString"):
            self.call("put_secret_value", SecretString=self._value(new), **named)
        if changed(old, new, "Description KmsKeyId"):
            kept = {"Description": new.get("Description", ""), "KmsKeyId": new.get("KmsKeyId")}
            self.call("update_secret", **kept, **named)
        return super().update(logical, physical, old, new)

    def _value(self, properties: Properties) -> str | None:
        generate = properties.get("GenerateSecretString")
        if generate is None:
            return properties.get("SecretString")
        generate = dict(generate)
        template = generate.pop("SecretStringTemplate", None)
        key = generate.pop("GenerateStringKey", None)
        if (template is None) != (key is None):
            raise ProvisionError(
                "SecretStringTemplate and GenerateStringKey must be specified together"
            )
        password = str(self.call("get_random_password", generate)["RandomPassword"])
        return password if key is None else json.dumps({**json.loads(template), key: password})


class SecretTargetAttachment(Resource):
    """Writes a database's engine, host and port into the secret that holds its password."""

    form = SECRETS(
        type="AWS::SecretsManager::SecretTargetAttachment",
        honoured="SecretId TargetId TargetType",
        replaces="SecretId",
        ref="{SecretId}",
        attributes="Id=Ref",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Add the database's connection to the secret."""
        self._write(physical.id, self._connection(new))

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the connection out of the secret, if that still exists."""
        try:
            self._write(physical.id, {})
        except RefusedError as refused:
            if not refused.gone and refused.code not in self.form.gone:
                raise

    def _write(self, secret_id: str, connection: dict[str, Any]) -> None:
        text = self.call("get_secret_value", SecretId=secret_id)["SecretString"]
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise ProvisionError(
                "The secret is not a JSON object, so no connection can be added to it"
            )
        kept = {key: inner for key, inner in value.items() if key not in WHERE}
        changed_value = {**kept, **connection}
        if changed_value != value:
            self.call(
                "put_secret_value", SecretId=secret_id, SecretString=json.dumps(changed_value)
            )

    def _connection(self, properties: Properties) -> dict[str, Any]:
        if properties["TargetType"] != "AWS::RDS::DBInstance":
            raise ProvisionError(
                f"TargetType {properties['TargetType']} is not available on the twin"
            )
        found = service_calls.call(
            self.region.clients("rds"),
            "describe_db_instances",
            DBInstanceIdentifier=properties["TargetId"],
        )["DBInstances"][0]
        endpoint = found.get("Endpoint") or {}
        connection = {
            "engine": found["Engine"],
            "host": endpoint.get("Address"),
            "port": endpoint.get("Port"),
            "dbname": found.get("DBName"),
            "dbInstanceIdentifier": found["DBInstanceIdentifier"],
        }
        return {key: value for key, value in connection.items() if value is not None}
