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
    url = str(given.get("QueueUrl", ""))
    parts = urlsplit(url).path.split("/")
    # Of two names that is meant which moto takes.
    name = url.rsplit("/", maxsplit=1)[-1] if url else given.get("QueueName")
    owner = given.get("QueueOwnerAWSAccountId") or given.get("AccountId")
    owner = (parts[-2] if len(parts) > 2 else "") or owner or account
    resource = f"arn:{partition(operation.region)}:sqs:{operation.region}:{owner}:{name}"
    action = f"sqs:{operation.name.removesuffix('Batch')}"
    return (Asked(action, resource if name else None),)
