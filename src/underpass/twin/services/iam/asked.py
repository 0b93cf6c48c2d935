"""Which IAM actions on which resources an operation asks for, by the table in its service's room.

A table is a module ``asked`` whose function of the same name returns ``None`` for what it does not know.
Actions are called as operations are, but for those of the tables.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from underpass.config.facts import actions
from underpass.twin.api.asked import Asked
from underpass.twin.api.operation import Operation
from underpass.twin.services.iam import tags
from underpass.twin.services.iam.members import MEMBERS
from underpass.twin.services.iam.passed import passed

Table = Callable[[Operation, str], tuple[Asked, ...] | None]

# The module of each service that names its resources otherwise than ``members`` knows.
_TABLES = {
    "apigateway": "iam.rest_methods",
    "cloudformation": "cloudformation.asked",
    "dynamodb": "dynamodb.asked",
    "ec2": "ec2.asked",
    "ecs": "ecs.asked",
    "events": "events.asked",
    "iam": "iam.entities",
    "kms": "kms.asked",
    "lambda": "lambda_.asked",
    "logs": "logs.asked",
    "monitoring": "cloudwatch.asked",
    "s3": "s3.asked",
    "scheduler": "scheduler.asked",
    "secretsmanager": "secretsmanager.asked",
    "sns": "sns.asked",
    "sqs": "sqs.asked",
    "ssm": "ssm.asked",
    "sts": "sts.asked",
    **dict.fromkeys(MEMBERS, "iam.members"),
}
# Signing names that actions do not start with
_PREFIXES = {"iotdata": "iot", "monitoring": "cloudwatch", "tagging": "tag"}
# Operations that are asked for by another's action
_CALLED = {
    "cloudfront:CreateDistributionWithTags": "cloudfront:CreateDistribution",
    "timestream:Query": "timestream:Select",
    **{
        f"budgets:{verb}{kind}": f"budgets:{'View' if verb == 'Describe' else 'Modify'}Budget"
        for verb in ("Create", "Delete", "Describe", "Update")
        for kind in ("Budget", "Budgets", "Notification", "NotificationsForBudget", "Subscriber")
    },
}


def asked(operation: Operation, account: str) -> tuple[Asked, ...]:
    """Return what ``operation`` has to be allowed in ``account``: all of it, and the roles it passes."""
    found = _table(operation.service)(operation, account)
    if found is None:
        name = f"{_PREFIXES.get(operation.service, operation.service)}:{operation.name}"
        found = (Asked(_CALLED.get(name, name), None),)
    tagged = tags.context(operation.parameters)
    return tuple(_complete(one, tagged) for one in (*found, *passed(operation, account)))


@functools.cache
def _table(service: str) -> Table:
    if service not in _TABLES:
        return lambda *_: None
    # By name: no room stands on its neighbour's.
    module = importlib.import_module(f"underpass.twin.services.{_TABLES[service]}")
    table: Table = module.asked
    return table


def _complete(one: Asked, tagged: Mapping[str, tuple[str, ...]]) -> Asked:
    """Return ``one`` with the request's tags, on everything if its action knows no resources."""
    prefix, _, name = one.action.partition(":")
    knows_resources = actions.of_service(prefix).get(name)
    if knows_resources and not tagged:
        return one
    resource = "*" if knows_resources is False else one.resource
    if prefix == "iam" and name == "PassRole":
        tagged = {}  # they are not the role's
    return replace(
        one, resource=resource, context={**one.context, **tagged}, known=knows_resources is not None
    )
