"""What SQS's operations ask for: an action of the queue, also where a batch of messages is meant.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
"""

from __future__ import annotations

from urllib.parse import urlsplit

from underpass.twin.api.asked import Asked, partition
from underpass.twin.api.operation import Operation

_WITHOUT_QUEUE = frozenset({"ListQueues", "ListMessageMoveTasks", "CancelMessageMoveTask"})


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no queue is named."""
    if operation.name in _WITHOUT_QUEUE:
        return None
    given = operation.parameters
    parts = urlsplit(str(given.get("QueueUrl", ""))).path.strip("/").split("/")
    name = given.get("QueueName") or parts[-1]
    owner = given.get("QueueOwnerAWSAccountId") or given.get("AccountId")
    owner = owner or (parts[-2] if len(parts) > 1 else account)
    resource = f"arn:{partition(operation.region)}:sqs:{operation.region}:{owner}:{name}"
    action = f"sqs:{operation.name.removesuffix('Batch')}"
    return (Asked(action, resource if name else None),)
