"""What AWS's own client sends says one thing: every operation, with every member it may have."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import xform_name
from tests.functional.api.test_asked import Caught

SERVICES = (
    *("apigateway", "batch", "cognito-idp", "dynamodb", "ecs", "efs", "iam", "kms", "lambda"),
    *("logs", "opensearch", "route53", "s3", "s3control", "scheduler", "secretsmanager", "sns"),
    *("sqs", "ssm", "stepfunctions", "sts"),
)
# botocore gives two names to one.
OTHERWISE = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}
# S3 Express and Object Lambda have hosts of their own; nobody answers with a location; one list is longer.
LEFT_OUT = {
    *("GetBucketLocation", "ListDirectoryBuckets", "UpdateHealthCheck", "WriteGetObjectResponse"),
}
_PLAIN = {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True, "blob": b"x"}


def value(shape: Any, depth: int = 0) -> Any:
    """Return something that a shape takes: every member of the outermost, of inner ones what is needed."""
    match shape.type_name:
        case "structure":
            one_of = getattr(shape, "is_tagged_union", False)
            outer = depth == 0 and not one_of
            names = list(shape.members) if outer else shape.required_members
            names = names or (list(shape.members)[:1] if one_of else [])
            return {name: value(shape.members[name], depth + 1) for name in names if depth < 7}
        case "list":
            return [value(shape.member, depth + 1)]
        case "map":
            return {"k": value(shape.value, depth + 1)}
        case "string":
            return shape.enum[0] if shape.enum else "a" * max(3, shape.metadata.get("min", 3))
        case "timestamp":
            return 1700000000
    least = shape.metadata.get("min", 1) or 1
    return max(least, 1) if shape.type_name in {"integer", "long"} else _PLAIN[shape.type_name]


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_read_as_what_it_is(service: str) -> None:
    caught = Caught(service)
    model = caught.client.meta.service_model
    for name in model.operation_names:
        method = getattr(caught.client, xform_name(name), None)
        shape = model.operation_model(name).input_shape
        if name in LEFT_OUT or method is None:
            continue
        found = caught.operation(xform_name(name), **(value(shape) if shape else {}))
        assert found.name in (name, OTHERWISE.get(name)), name
