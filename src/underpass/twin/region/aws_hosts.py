"""Where the region's AWS APIs are found: one host, out on the internet, with an address for each kind.

S3 and DynamoDB have addresses of their own, because a gateway endpoint is a route to their prefix lists and
to nothing else. Every other service shares one.
https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
"""

from __future__ import annotations

INTERNET = "198.51.100.10"  # "a host out there": AWS's APIs, and the place named internet
ENDPOINT_URL = f"http://{INTERNET}"  # the APIs as tasks and functions reach them
GATEWAY_SERVICES = {"s3": "198.51.100.11", "dynamodb": "198.51.100.12"}
ADDRESSES = (INTERNET, *GATEWAY_SERVICES.values())
API_DOMAIN = "amazonaws.com"
_NOT_APIS = frozenset({"elb", "rds", "vpce", "efs", "compute", "cache"})  # hosts, not services

# The services that what runs in a VPC finds by name, so that the VPC's endpoints and their private names are
# what counts: the SDKs' word for it, and its host. https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
_BY_NAME = {
    "CLOUDWATCH": "monitoring",
    "CLOUDWATCH_LOGS": "logs",
    "DYNAMODB": "dynamodb",
    "ECR": "api.ecr",
    "ECS": "ecs",
    "EVENTBRIDGE": "events",
    "KMS": "kms",
    "LAMBDA": "lambda",
    "S3": "s3",
    "SECRETS_MANAGER": "secretsmanager",
    "SNS": "sns",
    "SQS": "sqs",
    "SSM": "ssm",
    "STS": "sts",
}


def endpoint_variables(region: str) -> dict[str, str]:
    """Return the variables by which the SDKs find AWS from within a VPC: HTTP on the port of HTTPS."""
    return {
        "AWS_ENDPOINT_URL": ENDPOINT_URL,
        **{
            f"AWS_ENDPOINT_URL_{word}": f"http://{host}.{region}.{API_DOMAIN}:443"
            for word, host in _BY_NAME.items()
        },
    }


def listed(prefix_list: str) -> str:
    """Return the address of the service whose prefix list has this name; empty when it has none here."""
    return GATEWAY_SERVICES.get(prefix_list.rpartition(".")[2], "")


def named(name: str) -> str:
    """Return the address of one of AWS's APIs by name: SERVICE.REGION.amazonaws.com, BUCKET.s3… and the like.

    Empty for any other name.
    """
    if not name.endswith(f".{API_DOMAIN}"):
        return ""
    labels = name.removesuffix(f".{API_DOMAIN}").split(".")
    if not _NOT_APIS.isdisjoint(labels):
        return ""
    return next((GATEWAY_SERVICES[one] for one in labels if one in GATEWAY_SERVICES), INTERNET)
