"""The shared file system (EFS): a mount target per zone, and the access point the tasks mount."""

from __future__ import annotations

from typing import Any

from troposphere import Ref, Template
from troposphere.efs import (
    AccessPoint,
    BackupPolicy,
    CreationInfo,
    FileSystem,
    LifecyclePolicy,
    MountTarget,
    PosixUser,
    RootDirectory,
)

from underpass.blueprint.cross_stack import hand
from underpass.blueprint.foundation.keys import Arn
from underpass.blueprint.foundation.network.vpc import Network
from underpass.blueprint.iam import account_root, arn, document
from underpass.blueprint.security_groups import group_id, reach, security_group, tcp
from underpass.config import Config

NFS_PORT = 2049
OWNER = "1000"  # every file belongs to this user and group, whoever the container runs as


def add(template: Template, config: Config, network: Network, key: Arn) -> None:
    """Add the file system. It stays when the stack goes."""
    file_system = template.add_resource(_file_system(key))
    tasks = group_id(network.task_group)
    group = security_group(
        template,
        "FileSystemSecurityGroup",
        Ref(network.vpc),
        "The file system: mounted by the tasks only",
        ingress=[tcp(NFS_PORT, "Tasks", SourceSecurityGroupId=tasks)],
    )
    reach(template, "TaskEgressToFileSystem", tasks, NFS_PORT, group_id(group), "The file system")
    # One mount target per zone is all AWS allows; every subnet of the zone reaches it.
    # https://docs.aws.amazon.com/efs/latest/ug/API_CreateMountTarget.html
    for number, subnet in enumerate(network.data_subnet_ids, start=1):
        template.add_resource(
            MountTarget(
                f"MountTarget{number}",
                FileSystemId=Ref(file_system),
                SubnetId=subnet,
                SecurityGroups=[group_id(group)],
            )
        )
    access_point = template.add_resource(
        AccessPoint(
            "AccessPoint",
            FileSystemId=Ref(file_system),
            PosixUser=PosixUser(Uid=OWNER, Gid=OWNER),
            RootDirectory=RootDirectory(
                Path=f"/{config.name}",
                CreationInfo=CreationInfo(OwnerUid=OWNER, OwnerGid=OWNER, Permissions="0750"),
            ),
        )
    )
    hand(template, "FileSystemId", Ref(file_system))
    hand(template, "AccessPointId", Ref(access_point))


def _file_system(key: Arn) -> FileSystem:
    return FileSystem(
        "FileSystem",
        Encrypted=True,
        KmsKeyId=key,
        ThroughputMode="elastic",
        # AWS Backup's own daily plan: kept 35 days, in a vault that outlives the file system.
        # https://docs.aws.amazon.com/efs/latest/ug/automatic-backups.html
        BackupPolicy=BackupPolicy(Status="ENABLED"),
        LifecyclePolicies=[  # one transition each, as EFS wants them
            LifecyclePolicy(TransitionToIA="AFTER_30_DAYS"),
            LifecyclePolicy(TransitionToPrimaryStorageClass="AFTER_1_ACCESS"),
        ],
        FileSystemPolicy=_policy(),
        DeletionPolicy="Retain",
        UpdateReplacePolicy="Retain",
    )


def _policy() -> dict[str, Any]:
    """Return who may mount: whoever the account's IAM lets, over TLS, through an access point, not as root.

    With no policy, anyone who reaches a mount target may mount. The task role is the one whose own policy
    allows it; it is not named here because EFS heeds no condition on a principal for its NFS clients, and
    because the role belongs to a stack after this one. What EFS heeds is below.
    https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
    """
    mount, write = "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"
    root = "elasticfilesystem:ClientRootAccess"
    anywhere = arn("elasticfilesystem", "access-point/*")
    return document(
        {
            "Sid": "ThroughIam",
            "Effect": "Allow",
            "Principal": {"AWS": account_root()},
            "Action": [mount, write],
            "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
        },
        {
            "Sid": "OnlyThroughAnAccessPoint",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": [mount, write],
            "Condition": {"StringNotLike": {"elasticfilesystem:AccessPointArn": anywhere}},
        },
        {
            "Sid": "NeverAsRoot",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": root,
        },
        {
            "Sid": "OnlyOverTls",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )
