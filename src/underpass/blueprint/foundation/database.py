"""The RDS instance in the data subnets, and the generated secret that holds its password."""

from __future__ import annotations

import json
from typing import Any

from troposphere import GetAtt, Ref, Sub, Template
from troposphere.ec2 import SecurityGroup
from troposphere.kms import Key
from troposphere.rds import DBInstance, DBSubnetGroup
from troposphere.secretsmanager import GenerateSecretString, Secret, SecretTargetAttachment

from underpass.blueprint.exports import export
from underpass.blueprint.foundation.network import Network
from underpass.blueprint.security_groups import group_id, reach, security_group, tcp
from underpass.config import Config
from underpass.config.model import Database

PORTS = {"postgres": 5432, "mysql": 3306, "mariadb": 3306}
BACKUP_DAYS = 7


def add(template: Template, config: Config, database: Database, network: Network, key: Key) -> None:
    """Add the database. A last snapshot is taken when it is deleted or replaced."""
    secret = _secret(template, config, key)
    group = _security_group(template, database, network)
    instance = template.add_resource(
        _instance(database, secret, group, _subnets(template, network), key)
    )
    # Adds engine, host, port and dbname to the secret: the tasks read all of it from one place.
    template.add_resource(
        SecretTargetAttachment(
            "DatabaseSecretAttachment",
            SecretId=Ref(secret),
            TargetId=Ref(instance),
            TargetType="AWS::RDS::DBInstance",
        )
    )
    export(template, config, "DatabaseInstanceId", Ref(instance))
    export(template, config, "DatabaseEndpoint", GetAtt(instance, "Endpoint.Address"))
    export(template, config, "DatabasePort", GetAtt(instance, "Endpoint.Port"))
    export(template, config, "DatabaseName", database.name)
    export(template, config, "DatabaseSecretArn", Ref(secret))


def _secret(template: Template, config: Config, key: Key) -> Secret:
    return template.add_resource(
        Secret(
            "DatabaseSecret",  # no name: AWS keeps a deleted secret's name for days
            Description=f"{config.name}: the database's administrator",
            KmsKeyId=GetAtt(key, "Arn"),
            GenerateSecretString=GenerateSecretString(
                SecretStringTemplate=json.dumps({"username": "underpass"}),
                GenerateStringKey="password",
                PasswordLength=32,
                ExcludePunctuation=True,  # safe inside a connection URL, and RDS refuses / @ "
            ),
            # Without its database it opens nothing: whoever restores the snapshot sets a new one.
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
        )
    )


def _security_group(template: Template, database: Database, network: Network) -> SecurityGroup:
    port = PORTS[database.engine]
    tasks = group_id(network.task_group)
    group = security_group(
        template,
        "DatabaseSecurityGroup",
        Ref(network.vpc),
        "The database: reached by the tasks only",
        ingress=[tcp(port, "Tasks", SourceSecurityGroupId=tasks)],
    )
    reach(template, "TaskEgressToDatabase", tasks, port, group_id(group), "The database")
    return group


def _subnets(template: Template, network: Network) -> DBSubnetGroup:
    return template.add_resource(
        DBSubnetGroup(
            "DatabaseSubnetGroup",
            DBSubnetGroupDescription="The data subnets",
            SubnetIds=list(network.data_subnet_ids),
        )
    )


def _instance(
    database: Database, secret: Secret, group: SecurityGroup, subnets: DBSubnetGroup, key: Key
) -> DBInstance:
    return DBInstance(
        "DatabaseInstance",
        Engine=database.engine,
        EngineVersion=database.version,
        DBInstanceClass=database.instance_class,
        AllocatedStorage=str(database.storage_gb),
        StorageType="gp3",
        StorageEncrypted=True,
        KmsKeyId=GetAtt(key, "Arn"),
        DBName=database.name,
        Port=str(PORTS[database.engine]),
        MasterUsername=_from_secret(secret, "username"),
        MasterUserPassword=_from_secret(secret, "password"),
        MultiAZ=database.multi_az,
        DBSubnetGroupName=Ref(subnets),
        VPCSecurityGroups=[group_id(group)],
        PubliclyAccessible=False,
        BackupRetentionPeriod=BACKUP_DAYS,
        CopyTagsToSnapshot=True,
        AutoMinorVersionUpgrade=True,
        DeletionPolicy="Snapshot",
        UpdateReplacePolicy="Snapshot",
        **_linter_notes(database),
    )


def _linter_notes(database: Database) -> dict[str, Any]:
    """Silence cfn-lint's list of minor versions for a major one, which RDS takes as its default minor."""
    parts_of_a_major = 1 if database.engine == "postgres" else 2
    if len(database.version.split(".")) > parts_of_a_major:
        return {}
    return {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E3691", "W3691"]}}}}


def _from_secret(secret: Secret, key: str) -> Sub:
    # A dynamic reference: CloudFormation reads the value, the template and its parameters never hold it.
    return Sub(f"{{{{resolve:secretsmanager:${{{secret.title}}}:SecretString:{key}}}}}")
