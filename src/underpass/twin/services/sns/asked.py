"""What SNS's operations ask for: an action of the topic they name.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked, partition
from underpass.twin.api.operation import Operation

_OF_TOPIC = frozenset(
    {
        *("AddPermission", "ConfirmSubscription", "CreateTopic", "DeleteTopic"),
        *("GetDataProtectionPolicy", "GetTopicAttributes", "ListSubscriptionsByTopic"),
        *("ListTagsForResource", "Publish", "PublishBatch", "PutDataProtectionPolicy"),
        *("RemovePermission", "SetTopicAttributes", "Subscribe", "TagResource", "UntagResource"),
    }
)
_SUBSCRIBING = {"sns:Protocol": "Protocol", "sns:Endpoint": "Endpoint"}


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where it is no topic's."""
    name, given = operation.name, operation.parameters
    if name not in _OF_TOPIC:
        return None
    topic = given.get("TopicArn") or given.get("ResourceArn") or given.get("TargetArn")
    if name == "CreateTopic" and given.get("Name"):
        where = f"{operation.region}:{account}"
        topic = f"arn:{partition(operation.region)}:sns:{where}:{given['Name']}"
    if not topic or len(str(topic).split(":")) != 6 or "/" in str(topic):
        topic = None  # a telephone's number, or an application's endpoint
    keys = _SUBSCRIBING if name == "Subscribe" else {}
    carried = {key: (str(given[one]),) for key, one in keys.items() if given.get(one)}
    action = f"sns:{name.removesuffix('Batch')}"
    return (Asked(action, topic, carried, frozenset(keys) - carried.keys()),)
