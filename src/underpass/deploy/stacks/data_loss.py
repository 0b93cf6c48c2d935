"""Whether changes would lose data or cannot be made at all, and the refusal when so. Pure.

CloudFormation itself says which resources it replaces; a stack policy could refuse that too, but only
once the update runs, and half a stack later.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from underpass.deploy.stacks.changes import Change
from underpass.errors import UsageError

# Ours, and what add-ons are made of: after cfn-lint's list of types with state.
# An image repository is not among them: what is in it is built again from its source.
DATA: Mapping[str, str] = {
    "AWS::AmazonMQ::Broker": "the broker",
    "AWS::Backup::BackupVault": "the backups",
    "AWS::Cassandra::Keyspace": "the keyspace",
    "AWS::Cassandra::Table": "the table",
    "AWS::Cognito::UserPool": "the users",
    "AWS::DSQL::Cluster": "the database",
    "AWS::DocDB::DBCluster": "the database",
    "AWS::DocDB::DBInstance": "the database",
    "AWS::DynamoDB::GlobalTable": "the table",
    "AWS::DynamoDB::Table": "the table",
    "AWS::EC2::Volume": "the volume",
    "AWS::EFS::FileSystem": "the file system",
    "AWS::EMR::Cluster": "the cluster",
    "AWS::ElastiCache::CacheCluster": "the cache",
    "AWS::ElastiCache::ReplicationGroup": "the cache",
    "AWS::ElastiCache::ServerlessCache": "the cache",
    "AWS::Elasticsearch::Domain": "the index",
    "AWS::FSx::FileSystem": "the file system",
    "AWS::KMS::Key": "the key, without which what it encrypted cannot be read",
    "AWS::Kinesis::Stream": "the stream",
    "AWS::MSK::Cluster": "the topics",
    "AWS::MSK::ServerlessCluster": "the topics",
    "AWS::MemoryDB::Cluster": "the database",
    "AWS::Neptune::DBCluster": "the database",
    "AWS::Neptune::DBInstance": "the database",
    "AWS::OpenSearchServerless::Collection": "the index",
    "AWS::OpenSearchService::Domain": "the index",
    "AWS::QLDB::Ledger": "the ledger",
    "AWS::RDS::DBCluster": "the database",
    "AWS::RDS::DBInstance": "the database",
    "AWS::Redshift::Cluster": "the database",
    "AWS::RedshiftServerless::Namespace": "the database",
    "AWS::S3::Bucket": "the bucket",
    "AWS::S3Express::DirectoryBucket": "the bucket",
    "AWS::S3Tables::TableBucket": "the tables",
    "AWS::SDB::Domain": "the domain",
    "AWS::SQS::Queue": "the queue",
    "AWS::SecretsManager::Secret": "the secret",
    "AWS::Timestream::Database": "the database",
    "AWS::Timestream::Table": "the table",
}
_OWN_QUEUE = "RegistrarQueue"  # whatever is in it is said again within a minute
# What is told and not refused: nothing of the application reads it, and it stays.
LOGS = "AWS::Logs::LogGroup"
_TASKS_GROUP = "AlbTargetGroup"
_FATES = {
    "Delete": "what it holds is lost",
    "Retain": "the old one stays, unused",
    "RetainExceptOnCreate": "the old one stays, unused",
    "Snapshot": "a last snapshot is all that stays",
}


class DataLossError(UsageError):
    """A change would take data away and was not allowed to; ``losses`` says which. Nothing was changed."""

    def __init__(self, losses: Collection[Loss], *, all_lost: Collection[str] = ()) -> None:
        names = sorted({loss.change.logical_id for loss in losses} | {*all_lost})
        options = " ".join(f"--allow-replace {name}" for name in names)
        super().__init__(
            "this change would take data away",
            "\n".join(map(str, losses)),
            f"undo it in underpass.toml, or run the command again with {options}",
        )
        self.losses = tuple(losses)


class MoveError(UsageError):
    """A change would put the application into another VPC. Nothing was changed."""

    def __init__(self, stack: str, change: Change) -> None:
        because = ", ".join(cause.name for cause in change.causes if cause.recreates)
        what = f"replaced by a change of {because}" if because else "replaced"
        super().__init__(
            "this change would move the application to another VPC",
            f"{stack}: {change.logical_id} ({change.type}) would be "
            + ("removed" if change.action == "Remove" else what)
            + "; the database, the file system and the load balancers cannot leave theirs",
            "undo it in underpass.toml, or deploy under another `name` and move the data",
        )


class OutageError(UsageError):
    """A change would leave the ALB without a task until the service has moved on. Nothing was changed."""

    def __init__(self, stack: str, change: Change) -> None:
        because = ", ".join(cause.name for cause in change.causes if cause.recreates)
        super().__init__(
            "this change would take the application away for a while",
            f"{stack}: {change.logical_id} would be replaced"
            + (f" by a change of {because}" if because else "")
            + ": no task is in the new one until the service has moved on, and a release that fails then "
            "finds no way back",
            f"undo it in underpass.toml, or run the command again with --allow-replace {change.logical_id}",
        )


@dataclass(frozen=True)
class Loss:
    """A resource that holds data, and how the application would lose it."""

    stack: str
    change: Change
    how: str

    def __str__(self) -> str:
        change = self.change
        known = f", {change.physical_id}" if change.physical_id else ""
        because = ", ".join(cause.name for cause in change.causes if cause.recreates)
        fate = f"; {_FATES[change.policy]}" if change.policy in _FATES else ""
        return (
            f"{self.stack}: {change.logical_id}, {DATA[change.type]} ({change.type}{known}), {self.how}"
            + (f" by a change of {because}" if because else "")
            + fate
        )


def check(stack: str, changes: Collection[Change], allowed: Collection[str]) -> None:
    """Raise when a stack's changes cannot be made, or would lose what is not ``allowed``.

    Raises
    ------
    MoveError
        When the application would leave its VPC.
    OutageError
        When the ALB would lose its tasks, and that was not allowed.
    DataLossError
        With what is lost that was not allowed.
    """
    stay(stack, changes)
    serve(stack, changes, allowed)
    refuse(losses(stack, changes), allowed)


def stay(stack: str, changes: Collection[Change]) -> None:
    """Raise MoveError when a stack's changes would take the application to another VPC."""
    for change in changes:
        if _moves(change, changes):
            raise MoveError(stack, change)


def serve(stack: str, changes: Collection[Change], allowed: Collection[str]) -> None:
    """Raise OutageError when the group of the ALB's tasks would be another, and that is not ``allowed``."""
    for change in changes:
        another = change.logical_id == _TASKS_GROUP and change.replacement == "True"
        if another and _TASKS_GROUP not in allowed:
            raise OutageError(stack, change)


def losses(stack: str, changes: Collection[Change]) -> tuple[Loss, ...]:
    """Return what a stack's changes would take away."""
    return tuple(
        Loss(stack, change, how)
        for change in changes
        if change.type in DATA
        and change.logical_id != _OWN_QUEUE
        and (how := _how(change, changes))
    )


def staying(change: Change, changes: Collection[Change]) -> str:
    """Return what to say of logs that stay when their group leaves the stack; empty for anything else."""
    leaves = change.action == "Remove" or replaced(change, changes)
    if change.type == LOGS and change.policy.startswith("Retain") and leaves:
        return "stays with its logs, and is yours to delete"
    return ""


def refuse(found: Iterable[Loss], allowed: Collection[str]) -> None:
    """Raise unless each loss is allowed, by its resource's logical id.

    Raises
    ------
    DataLossError
        With what is lost that was not allowed.
    """
    every = tuple(found)
    refused = [loss for loss in every if loss.change.logical_id not in allowed]
    if refused:
        raise DataLossError(refused, all_lost=allowed)


def replaced(change: Change, changes: Collection[Change]) -> bool | None:
    """Return whether a modification makes a new resource; None when CloudFormation cannot tell yet.

    It calls ``Conditional`` also what merely refers to a resource that is modified in place, such as a
    database to its key. Those references keep their values.
    """
    if change.action != "Modify" or change.replacement in ("", "False"):
        return False
    if change.replacement == "True":
        return True
    recreating = [cause for cause in change.causes if cause.recreates]
    if not recreating or any(not cause.entity for cause in recreating):
        return None
    others = {other.logical_id: other for other in changes if other is not change}
    outcomes = [
        replaced(other, [*others.values()]) if (other := others.get(cause.entity)) else None
        for cause in recreating
    ]
    if any(outcomes):
        return True
    return None if None in outcomes else False


def _moves(change: Change, changes: Collection[Change]) -> bool:
    """Tell whether a change takes the VPC away, or the tasks out of one that is not ours."""
    if change.type == "AWS::EC2::VPC" and change.action == "Remove":
        return True
    if change.type != "AWS::EC2::VPC" and change.logical_id != "TaskSecurityGroup":
        return False
    return bool(replaced(change, changes))


def _how(change: Change, changes: Collection[Change]) -> str:
    if change.action == "Remove":
        return "is removed"
    outcome = replaced(change, changes)
    return "may be replaced" if outcome is None else "is replaced" if outcome else ""
