"""Secrets, and what makes a secret a database's: the attachment that adds where the database is."""

from __future__ import annotations

import json
from typing import Any

from underpass.twin.services.cloudformation import service_calls
from underpass.twin.services.cloudformation.resource import Resource, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
)
from underpass.twin.services.cloudformation.service_calls import RefusedError
from underpass.twin.services.cloudformation.tagging import Tagging

WHERE = ("engine", "host", "port", "dbname", "dbInstanceIdentifier", "dbClusterIdentifier")


class Secret(Resource):
    """A secret, given or generated. Deleted secrets can be restored for 30 days, as in AWS."""

    type = "AWS::SecretsManager::Secret"
    service = "secretsmanager"
    tagging = Tagging(resource="SecretId")
    honoured = names("Description GenerateSecretString KmsKeyId Name SecretString Tags")
    inert = names("ReplicaRegions Type")
    replaces = names("Name")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the secret."""
        made = self.call(
            "create_secret",
            properties,
            Name=properties.get("Name") or logical.generated_name(512),
            SecretString=self._value(properties),
        )
        return Physical(made["ARN"], {"Id": made["ARN"]})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change description, key and tags; the value only if the template asks for another."""
        if changed(old, new, "SecretString GenerateSecretString"):
            value = self._value(new)
            self.call("put_secret_value", SecretId=physical.id, SecretString=value)
        if changed(old, new, "Description KmsKeyId"):
            self.call(
                "update_secret",
                SecretId=physical.id,
                Description=new.get("Description", ""),
                KmsKeyId=new.get("KmsKeyId"),
            )
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Schedule the secret's deletion."""
        try:
            self.remove("delete_secret", SecretId=physical.id)
        except RefusedError as refused:  # scheduled already
            if refused.code != "InvalidRequestException":
                raise

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

    type = "AWS::SecretsManager::SecretTargetAttachment"
    service = "secretsmanager"
    honoured = names("SecretId TargetId TargetType")
    replaces = names("SecretId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Add the connection to the secret."""
        self._write(properties["SecretId"], self._connection(properties))
        return Physical(properties["SecretId"], {"Id": properties["SecretId"]})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Add the other database's connection."""
        self._write(physical.id, self._connection(new))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the connection out of the secret, if that still exists."""
        try:
            self._write(physical.id, {})
        except RefusedError as refused:
            if not refused.gone and refused.code != "InvalidRequestException":
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


class RotationSchedule(Resource):
    """How often a secret is rotated, and by which function."""

    type = "AWS::SecretsManager::RotationSchedule"
    service = "secretsmanager"
    honoured = names("RotateImmediatelyOnUpdate RotationLambdaARN RotationRules SecretId")
    replaces = names("SecretId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Start rotating; the function is tried at once, or does its work at once."""
        at_once = properties.get("RotateImmediatelyOnUpdate", True)
        self.call("rotate_secret", properties, RotateImmediately=at_once)
        return Physical(properties["SecretId"], {"Id": properties["SecretId"]})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change function and rules."""
        return self.create(logical, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Stop rotating, if there is still something to rotate."""
        try:
            self.remove("cancel_rotate_secret", SecretId=physical.id)
        except RefusedError as refused:
            if refused.code != "InvalidRequestException":
                raise


class ResourcePolicy(Resource):
    """Who else may use a secret."""

    type = "AWS::SecretsManager::ResourcePolicy"
    service = "secretsmanager"
    honoured = names("BlockPublicPolicy ResourcePolicy SecretId")
    replaces = names("SecretId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the policy."""
        self.call("put_resource_policy", properties)
        return Physical(properties["SecretId"], {"Id": properties["SecretId"]})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the policy anew."""
        return self.create(logical, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the policy away."""
        self.remove("delete_resource_policy", SecretId=physical.id)
