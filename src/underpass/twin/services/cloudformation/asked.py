"""What CloudFormation's operations ask for: an action of a stack.

A change set that is named by its ARN alone does not tell its stack.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation

SERVICE = "cloudformation.amazonaws.com"
_PLANNING = "CreateChangeSet CreateStack UpdateStack"
# The operations that have a condition key, and the member it is.
_KEYS = {
    "cloudformation:ChangeSetName": (
        "ChangeSetName",
        "CreateChangeSet DeleteChangeSet DescribeChangeSet DescribeChangeSetHooks ExecuteChangeSet",
    ),
    "cloudformation:RoleArn": (
        "RoleARN",
        f"{_PLANNING} ContinueUpdateRollback DeleteStack RollbackStack",
    ),
    "cloudformation:TemplateUrl": (
        "TemplateURL",
        f"{_PLANNING} CreateStackSet EstimateTemplateCost GetTemplateSummary UpdateStackSet ValidateTemplate",
    ),
}
_NAMED = {"StackName": "stack/{}/*", "StackSetName": "stackset/{}:*"}


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for."""
    given = operation.parameters
    named = next((member for member in _NAMED if given.get(member)), None)
    resource = None
    if named is not None:
        name = str(given[named])
        whole = name.startswith("arn:")
        resource = name if whole else arn(operation, account, _NAMED[named].format(name))
    keys = {key: one for key, (one, having) in _KEYS.items() if operation.name in having.split()}
    carried = {key: (str(given[one]),) for key, one in keys.items() if given.get(one)}
    absent = frozenset(keys) - carried.keys()
    return (Asked(f"cloudformation:{operation.name}", resource, carried, absent),)
