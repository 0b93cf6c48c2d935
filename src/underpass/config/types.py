"""The kinds of value ``underpass.toml`` may hold, and the words that describe each in an error."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema
from pydantic.types import Strict
from pydantic_core import PydanticCustomError

# https://pkg.go.dev/github.com/distribution/reference, the grammar every registry follows
_HOST = r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = rf"{_HOST}(\.{_HOST})*(:[0-9]+)?/"
_PATH = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"  # of a domain name
_IAM_NAME = r"[A-Za-z0-9_+=,.@/-]+"
_TAG = r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"

_DAY = r"([Mm]on|[Tt]ue|[Ww]ed|[Tt]hu|[Ff]ri|[Ss]at|[Ss]un)"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"


# Secrets Manager's cron, once a day at most: minute 0, an hour, and one of the two day fields.
def _listed(one: str, also: str = "") -> str:
    """Return the pattern of a cron field: everything, steps, ranges and lists of ``one``, or ``also``."""
    item = rf"({one}(-{one})?|\*)(/[1-9][0-9]?)?"
    return rf"({item}(,{item})*{also and f'|{also}'})"


# https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
_HOUR = r"([0-9]|1[0-9]|2[0-3])"
_DATES = _listed("(3[01]|[12][0-9]|[1-9])", r"(L|(3[01]|[12][0-9]|[1-9])W)")
_MONTHS = _listed("(1[0-2]|[1-9]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)")
_WEEKDAY = "([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)"
_WEEKDAYS = _listed(_WEEKDAY, f"({_WEEKDAY}#[1-5]|[1-7]L)")

_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_CODE = r"[0-9]{1,3}(-[0-9]{1,3})?"
_WHO = r"([0-9]{1,10}|[a-z_][a-z0-9_-]{0,31})"  # as useradd takes it

# Digits and letters are spelled out: \d and \w are every script's in pydantic's expressions.
PATTERNS: dict[str, str] = {
    # pattern: what it asks for, as an error says it
    (TEXT := r"^[^\x00]*$"): "text that a process can be given: a NUL is in it",
    (NAME := r"^[a-z][a-z0-9-]{0,29}[a-z0-9]$"): (
        "2 to 31 lower-case letters, digits and hyphens, starting with a letter"
    ),
    (VARIABLE := r"^[A-Za-z_][A-Za-z0-9_]*$"): (
        "a variable's name: letters, digits and underscores, not starting with a digit"
    ),
    (IMAGE := rf"^({_REGISTRY})?{_PATH}(/{_PATH})*{_TAG}$"): (
        "an image such as nginx:1.27 or registry.example/notes:1.0"
    ),
    (DOMAIN := rf"^({_LABEL}\.)+([a-z]{{2,63}}|xn--[a-z0-9-]{{0,58}}[a-z0-9])$"): (
        "a lower-case domain name such as notes.internal.example"
    ),
    (HTTP_PATH := r"^/[!-~]*$"): "a path that starts with / and has no spaces",
    (MOUNT := r"^(/[A-Za-z0-9_.-]+)+/?$"): "an absolute path such as /data",
    (REGION := r"^[a-z]{2}(-[a-z]+)+-[0-9]$"): "an AWS region such as us-east-1",
    (INSTANCE_TYPE := r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$"): "an EC2 instance type such as t3.medium",
    (INSTANCE_IMAGE := r"^(auto|ami-[0-9a-f]{8,17})$"): (
        "auto, or an AMI such as ami-0123456789abcdef0"
    ),
    (INSTANCE_CLASS := r"^db\.[a-z0-9]+\.[a-z0-9]+$"): (
        "a database instance class such as db.t4g.micro"
    ),
    (VERSION := r"^[0-9]+(\.[0-9]+){0,2}$"): 'a version such as "16" or "16.4"',
    (DATABASE_NAME := r"^[a-zA-Z][a-zA-Z0-9_]{0,62}$"): (
        "a database name: up to 63 letters, digits and underscores, starting with a letter"
    ),
    (MAINTENANCE_WINDOW := rf"^{_DAY}:{_CLOCK}-{_DAY}:{_CLOCK}$"): (
        "a window of the week such as Sun:03:00-Sun:04:00, in UTC"
    ),
    (BACKUP_WINDOW := rf"^{_CLOCK}-{_CLOCK}$"): "a window of the day such as 01:00-02:00, in UTC",
    (
        ROTATION_SCHEDULE
        := rf"^cron\(0 {_HOUR} ({_DATES} {_MONTHS} \?|\? {_MONTHS} {_WEEKDAYS}) \*\)$"
    ): 'days and a full hour such as "cron(0 3 ? * SUN *)", in UTC',
    (ACCOUNT := r"^[0-9]{12}$"): "an AWS account: twelve digits",
    (PRINCIPAL := rf"^(\*|arn:aws[a-z-]*:iam::[0-9]{{12}}:(root|(user|role)/{_IAM_NAME}))$"): (
        "a principal such as arn:aws:iam::222222222222:root"
    ),
    (BOUNDARY := rf"^arn:aws[a-z-]*:iam::([0-9]{{12}}|aws):policy/{_IAM_NAME}$"): (
        "a managed policy such as arn:aws:iam::111111111111:policy/boundary"
    ),
    (ROLE_PATH := r"^/([!-.0-~]+/)+$"): "a path of roles such as /apps/",
    (KEY_ARN := rf"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{{12}}:key/({_UUID}|mrk-[0-9a-f]{{32}})$"): (
        "a KMS key such as arn:aws:kms:us-east-1:111111111111:key/0123abcd-01ab-23cd-45ef-0123456789ab"
    ),
    (
        KEY_USER
        := rf"^([a-z][a-z0-9-]*|arn:aws[a-z-]*:iam::[0-9]{{12}}:(root|(user|role)/{_IAM_NAME}))$"
    ): "an AWS service such as backup, or a principal such as arn:aws:iam::222222222222:role/restore",
    (LOG_BUCKET := r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*$"): (
        "a bucket, or a bucket and a prefix such as central-logs/notes"
    ),
    (TOPIC := r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$"): (
        "an SNS topic such as arn:aws:sns:us-east-1:111111111111:alarms"
    ),
    (ROLE := rf"^arn:aws[a-z-]*:iam::[0-9]{{12}}:role/{_IAM_NAME}$"): (
        "a role such as arn:aws:iam::222222222222:role/deploy"
    ),
    (MANAGED_POLICY := rf"^arn:aws[a-z-]*:iam::(aws|[0-9]{{12}}):policy/{_IAM_NAME}$"): (
        "a managed policy such as arn:aws:iam::aws:policy/AmazonSQSFullAccess"
    ),
    (CERTIFICATE := r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9_-]+$"): (
        "an ACM certificate such as arn:aws:acm:us-east-1:111111111111:certificate/ID"
    ),
    (EMAIL := r"^[^@\s]+@[^@\s]+\.[^@\s]+$"): "an e-mail address such as ops@example.com",
    (VPC_ID := r"^vpc-[0-9a-f]{8,17}$"): "a VPC such as vpc-0123456789abcdef0",
    (SUBNET_ID := r"^subnet-[0-9a-f]{8,17}$"): "a subnet such as subnet-0123456789abcdef0",
    (ZONE_ID := r"^[a-z]{3,6}[0-9]-az[0-9]{1,2}$"): (
        "the id of an Availability Zone such as use1-az4; names, such as us-east-1a, differ by account"
    ),
    (ENDPOINT := r"^[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?$"): (
        "an AWS service such as sqs, as its endpoint is called after com.amazonaws.REGION."
    ),
    (BUCKET := r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"): "a bucket's name",
    (PREFIX_LIST_ID := r"^pl-[0-9a-f]{8,17}$"): "a prefix list such as pl-0123456789abcdef0",
    (CODES := rf"^{_CODE}(,{_CODE})*$"): 'status codes such as "200", "200,301" or "200-299"',
    (COOKIE := r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$"): "the name of a cookie such as sid",
    (USER := rf"^{_WHO}(:{_WHO})?$"): 'a user such as "1000", "1000:1000" or "www-data"',
    (GROUP_ID := r"^sg-[0-9a-f]{8,17}$"): "a security group such as sg-0123456789abcdef0",
    (
        DATABASE_SECRET
        := r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+-[A-Za-z0-9]{6}$"
    ): "a secret's whole ARN: arn:aws:secretsmanager:us-east-1:111111111111:secret:orders-AbCdEf",
    (DATABASE_HOST := r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"): (
        "a host such as orders.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com"
    ),
    (PARAMETER := r"^[a-z][a-z0-9_.-]{0,127}$"): (
        "a parameter of the engine such as log_min_duration_statement"
    ),
    (PARAMETER_VALUE := r"^[ -~]{1,4096}$"): "a value on one line, as RDS writes it",
    (
        SNAPSHOT
        := r"^(arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:snapshot:)?(rds:|awsbackup:)?[A-Za-z](-?[A-Za-z0-9])*$"
    ): "a snapshot's name or ARN, such as orders-2026-11-28",
    (MASTER := r"^[A-Za-z][A-Za-z0-9_]{0,62}$"): (
        "a database user: letters, digits and underscores, starting with a letter"
    ),
}

NO_SIZE = "no_size"  # the type of a block's error, beside pydantic's own


def _block(value: Any) -> Any:
    """Refuse what ``IPv4Network`` would take and nobody means: a bare number, or a single address."""
    if not isinstance(value, str | IPv4Network):
        raise ValueError("not text")  # noqa: TRY004  pydantic turns only ValueError into a problem
    if isinstance(value, str) and _is_address(value):
        raise PydanticCustomError(NO_SIZE, "has no size")
    return value


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


Name = Annotated[str, StringConstraints(pattern=NAME)]
Variable = Annotated[str, StringConstraints(pattern=VARIABLE)]
Domain = Annotated[str, StringConstraints(pattern=DOMAIN, max_length=253)]
HttpPath = Annotated[str, StringConstraints(pattern=HTTP_PATH, max_length=1024)]
Mount = Annotated[str, StringConstraints(pattern=MOUNT)]
RegionName = Annotated[str, StringConstraints(pattern=REGION)]
InstanceType = Annotated[str, StringConstraints(pattern=INSTANCE_TYPE)]
InstanceImage = Annotated[str, StringConstraints(pattern=INSTANCE_IMAGE)]
InstanceClass = Annotated[str, StringConstraints(pattern=INSTANCE_CLASS)]
Version = Annotated[str, StringConstraints(pattern=VERSION)]
DatabaseName = Annotated[str, StringConstraints(pattern=DATABASE_NAME)]
MaintenanceWindow = Annotated[str, StringConstraints(pattern=MAINTENANCE_WINDOW)]
BackupWindow = Annotated[str, StringConstraints(pattern=BACKUP_WINDOW)]
RotationSchedule = Annotated[str, StringConstraints(pattern=ROTATION_SCHEDULE)]
Account = Annotated[str, StringConstraints(pattern=ACCOUNT)]
Principal = Annotated[str, StringConstraints(pattern=PRINCIPAL)]
Role = Annotated[str, StringConstraints(pattern=ROLE)]
ManagedPolicy = Annotated[str, StringConstraints(pattern=MANAGED_POLICY)]
Boundary = Annotated[str, StringConstraints(pattern=BOUNDARY)]
RolePath = Annotated[str, StringConstraints(pattern=ROLE_PATH, max_length=512)]
KeyArn = Annotated[str, StringConstraints(pattern=KEY_ARN)]
KeyUser = Annotated[str, StringConstraints(pattern=KEY_USER)]
LogBucket = Annotated[str, StringConstraints(pattern=LOG_BUCKET)]
Topic = Annotated[str, StringConstraints(pattern=TOPIC)]
Certificate = Annotated[str, StringConstraints(pattern=CERTIFICATE)]
Email = Annotated[str, StringConstraints(pattern=EMAIL, max_length=254)]
VpcId = Annotated[str, StringConstraints(pattern=VPC_ID)]
SubnetId = Annotated[str, StringConstraints(pattern=SUBNET_ID)]
ZoneId = Annotated[str, StringConstraints(pattern=ZONE_ID)]
Endpoint = Annotated[str, StringConstraints(pattern=ENDPOINT)]
Bucket = Annotated[str, StringConstraints(pattern=BUCKET)]
PrefixListId = Annotated[str, StringConstraints(pattern=PREFIX_LIST_ID)]
GroupId = Annotated[str, StringConstraints(pattern=GROUP_ID)]
Codes = Annotated[str, StringConstraints(pattern=CODES, max_length=255)]
Cookie = Annotated[str, StringConstraints(pattern=COOKIE)]
User = Annotated[str, StringConstraints(pattern=USER)]
DatabaseSecret = Annotated[str, StringConstraints(pattern=DATABASE_SECRET)]
DatabaseHost = Annotated[str, StringConstraints(pattern=DATABASE_HOST)]
Parameter = Annotated[str, StringConstraints(pattern=PARAMETER)]
ParameterValue = Annotated[str, StringConstraints(pattern=PARAMETER_VALUE)]
Snapshot = Annotated[str, StringConstraints(pattern=SNAPSHOT)]
Master = Annotated[str, StringConstraints(pattern=MASTER)]
Image = Annotated[str, StringConstraints(pattern=IMAGE)]
Plain = Annotated[str, StringConstraints(pattern=TEXT)]
Text = Annotated[str, StringConstraints(pattern=TEXT, min_length=1)]
Whole = Annotated[int, Strict()]  # true is not 1, and "8000" is not 8000
Flag = Annotated[bool, Strict()]
Cidr = Annotated[
    IPv4Network,
    BeforeValidator(_block),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"}),
]
