"""The RDS instance in the data subnets, and two secrets: its master user's, and the application's user's.

An instance that is restored from a snapshot has some of the snapshot's properties for good, which
CloudFormation is not told again: see docs/decisions/0027-databases-that-come-with-data.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from troposphere import GetAtt, Ref, Sub, Template
from troposphere.ec2 import SecurityGroup
from troposphere.iam import Role
from troposphere.rds import DBInstance, DBSubnetGroup
from troposphere.secretsmanager import GenerateSecretString, Secret, SecretTargetAttachment

from underpass.blueprint.checkov_skips import skipped
from underpass.blueprint.cross_stack import hand
from underpass.blueprint.foundation import database_parameters
from underpass.blueprint.foundation.keys import Arn
from underpass.blueprint.foundation.network.vpc import Network
from underpass.blueprint.iam import of_this_account, role
from underpass.blueprint.protection import protection
from underpass.blueprint.security_groups import group_id, reach, security_group, tcp, to_aws
from underpass.config import Config
from underpass.config.facts import database_class
from underpass.config.facts.databases import series_of
from underpass.config.model import Database

FIRST = "application_a"  # the application's user; rotations go to application_b and back
MONITORING_S = 60
INSIGHTS_DAYS = 7  # what Performance Insights keeps without a charge
MOST_STORAGE_GB = 65_536
# What a restored instance has of its snapshot, or is not restored with; CloudFormation wants none of it.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html
_OF_THE_SNAPSHOT = frozenset(
    {
        "DBName",
        "EnablePerformanceInsights",
        "KmsKeyId",
        "MasterUsername",
        "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod",
        "StorageEncrypted",
    }
)
# Good for every engine, and until 2061; RDS renews the server's own certificate under it by itself.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html
EXPORTED_LOGS: Mapping[str, tuple[str, ...]] = {
    "postgres": ("postgresql", "upgrade"),
    "mysql": ("error", "slowquery"),
    "mariadb": ("error", "slowquery"),
}


def add(template: Template, config: Config, database: Database, network: Network, key: Arn) -> None:
    """Add the database. A last snapshot is taken when it is deleted or replaced."""
    administrator = _secret(
        template, config, key, "DatabaseSecret", "the database's administrator", database.master
    )
    application = _secret(
        template, config, key, "DatabaseUserSecret", "the application's user", FIRST
    )
    users = security_group(
        template,
        "DatabaseUserSecurityGroup",
        Ref(network.vpc),
        "Functions that make the database users",
        egress=to_aws(config, GetAtt("EndpointSecurityGroup", "GroupId")),
    )
    group = _security_group(template, database, network, users)
    instance = template.add_resource(
        DBInstance(
            "DatabaseInstance",
            **_properties(template, config, database, administrator, key),
            DBParameterGroupName=Ref(database_parameters.add(template, database)),
            DBSubnetGroupName=Ref(_subnets(template, network)),
            VPCSecurityGroups=[group_id(group)],
            DeletionPolicy="Snapshot",
            UpdateReplacePolicy="Snapshot",
            Metadata=_linter_notes(database),
        )
    )
    # Adds engine, host, port and dbname to the secrets: the tasks read all of it from one place.
    for secret in (administrator, application):
        template.add_resource(
            SecretTargetAttachment(
                f"{secret.title}Attachment",
                SecretId=Ref(secret),
                TargetId=Ref(instance),
                TargetType="AWS::RDS::DBInstance",
            )
        )
    hand(template, "DatabaseInstanceId", Ref(instance))
    hand(template, "DatabaseEndpoint", GetAtt(instance, "Endpoint.Address"))
    hand(template, "DatabasePort", GetAtt(instance, "Endpoint.Port"))
    hand(template, "DatabaseName", database.name)
    hand(template, "DatabaseSecretArn", Ref(administrator))
    hand(template, "DatabaseUserSecretArn", Ref(application))
    hand(template, "DatabaseUserSecurityGroupId", group_id(users))


def _secret(
    template: Template, config: Config, key: Arn, title: str, whose: str, username: str
) -> Secret:
    """Add a secret with a password that is made once.

    Whatever is changed here of how it is made has CloudFormation make another, which no database knows.
    """
    return template.add_resource(
        Secret(
            title,  # no name: AWS keeps a deleted secret's name for days
            Description=f"{config.name}: {whose}",
            KmsKeyId=key,
            GenerateSecretString=GenerateSecretString(
                SecretStringTemplate=json.dumps({"username": username}),
                GenerateStringKey="password",
                PasswordLength=32,
                ExcludePunctuation=True,  # safe inside a connection URL, and RDS refuses / @ "
            ),
            # Without its database it opens nothing: whoever restores the snapshot sets a new one.
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
        )
    )


def _security_group(
    template: Template, database: Database, network: Network, users: SecurityGroup
) -> SecurityGroup:
    port = database.port
    tasks = group_id(network.task_group)
    group = security_group(
        template,
        "DatabaseSecurityGroup",
        Ref(network.vpc),
        "The database: reached by the tasks and by functions that make its users",
        ingress=[
            tcp(port, "Tasks", SourceSecurityGroupId=tasks),
            tcp(port, "Functions that make its users", SourceSecurityGroupId=group_id(users)),
        ],
    )
    reach(template, "TaskEgressToDatabase", tasks, port, group_id(group), "The database")
    by_users = "DatabaseUserEgressToDatabase"
    reach(template, by_users, group_id(users), port, group_id(group), "The database")
    return group


def _subnets(template: Template, network: Network) -> DBSubnetGroup:
    return template.add_resource(
        DBSubnetGroup(
            "DatabaseSubnetGroup",
            DBSubnetGroupDescription="The data subnets",
            SubnetIds=list(network.data_subnet_ids),
        )
    )


def _properties(
    template: Template, config: Config, database: Database, administrator: Secret, key: Arn
) -> dict[str, Any]:
    """Return what CloudFormation is told of the instance.

    Whoever takes a snapshot's name out again has it make an empty instance instead.
    """
    told = {
        **_engine(template, config, database),
        **_access(database, administrator),
        **_storage(database, key),
        **_watched(template, database, key),
    }
    if not database.snapshot:
        return told
    left = {name: value for name, value in told.items() if name not in _OF_THE_SNAPSHOT}
    return left | {"DBSnapshotIdentifier": database.snapshot}


def _engine(template: Template, config: Config, database: Database) -> dict[str, Any]:
    return {
        "Engine": database.engine,
        "EngineVersion": database.version,
        **({"AllowMajorVersionUpgrade": True} if database.allow_major_upgrade else {}),
        "AutoMinorVersionUpgrade": True,
        "DBInstanceClass": database.instance_class,
        "MultiAZ": database.multi_az,
        **_windows(database),
        "BackupRetentionPeriod": database.backup_days,
        "CopyTagsToSnapshot": True,
        "DeletionProtection": protection(template, config),
    }


def _windows(database: Database) -> dict[str, str]:
    """Return when RDS may do what interrupts, as it writes them itself; else it chooses."""
    windows = {
        "PreferredBackupWindow": database.backup_window,
        "PreferredMaintenanceWindow": database.maintenance_window,
    }
    return {name: window.lower() for name, window in windows.items() if window}


def _access(database: Database, secret: Secret) -> dict[str, Any]:
    return {
        "DBName": database.name,
        "Port": str(database.port),
        "MasterUsername": _from_secret(secret, "username"),
        "MasterUserPassword": _from_secret(secret, "password"),
        "EnableIAMDatabaseAuthentication": False,
        "PubliclyAccessible": False,
        "CACertificateIdentifier": CERTIFICATE_AUTHORITY,
    }


def _storage(database: Database, key: Arn) -> dict[str, Any]:
    # A full disk stops the database, so storage grows by itself, to no more than twice what was asked.
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
    most = min(2 * database.storage_gb, MOST_STORAGE_GB)
    grows = most >= 1.1 * database.storage_gb  # RDS refuses a smaller margin
    return {
        "AllocatedStorage": str(database.storage_gb),
        "StorageType": "gp3",
        "StorageEncrypted": True,
        "KmsKeyId": key,
        **({"MaxAllocatedStorage": most} if grows else {}),
    }


def _watched(template: Template, database: Database, key: Arn) -> dict[str, Any]:
    watched: dict[str, Any] = {
        "EnableCloudwatchLogsExports": list(EXPORTED_LOGS[database.engine]),
        "MonitoringInterval": MONITORING_S,
        "MonitoringRoleArn": GetAtt(_monitoring_role(template), "Arn"),
    }
    if has_insights(database):
        watched |= {
            "EnablePerformanceInsights": True,
            "PerformanceInsightsKMSKeyId": key,
            "PerformanceInsightsRetentionPeriod": INSIGHTS_DAYS,
        }
    return watched


def _monitoring_role(template: Template) -> Role:
    """Add the role RDS writes the operating system's metrics with.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html
    """
    return role(
        template,
        "DatabaseMonitoringRole",
        "monitoring.rds.amazonaws.com",
        [],
        managed=["service-role/AmazonRDSEnhancedMonitoringRole"],
        trust_condition=of_this_account("rds", "db:*"),
    )


def _linter_notes(database: Database) -> dict[str, Any]:
    """Say why a linter's rule does not apply."""
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
    reasons = {}
    if database.engine != "mariadb":  # the rule does not ask it
        reasons["CKV_AWS_161"] = (
            "Tasks use the secret; IAM authentication would be a second way in that takes memory"
        )
    if not database.multi_az:
        reasons["CKV_AWS_157"] = "multi_az = false in underpass.toml"
    if database.snapshot:
        reasons["CKV_AWS_16"] = "The snapshot is encrypted, or preflight refuses it"
    notes = skipped(reasons)
    if database.version == series_of(database.engine, database.version):
        # A list of minor versions for a major one, which RDS takes as its default minor.
        notes["cfn-lint"] = {"config": {"ignore_checks": ["E3691", "W3691"]}}
    return notes


def _from_secret(secret: Secret, key: str) -> Sub:
    # A dynamic reference: CloudFormation reads the value, the template and its parameters never hold it.
    return Sub(f"{{{{resolve:secretsmanager:${{{secret.title}}}:SecretString:{key}}}}}")


def has_insights(database: Database) -> bool:
    """Tell whether Performance Insights can watch the instance class; a newer class than is known can."""
    known = database_class(database.engine, database.instance_class)
    return known is None or known.performance_insights
