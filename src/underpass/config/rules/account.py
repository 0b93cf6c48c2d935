"""Rules of what an account asks for: tags, roles' boundary and path, and what is there already."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, first_repeated, of_partition

_OWN_TAGS = ("Name", "AmazonECSManaged", "underpass:application", "underpass:consumer")
MOST_TAGS = 50 - len(_OWN_TAGS)
_LONGEST = {"name": 128, "value": 256}
_BESIDE_LETTERS = frozenset("+-=._:/@")  # what every service takes
_TAGS = docs("tag-editor/latest/userguide/best-practices-and-strats")
_IAM_TAGS = docs("IAM/latest/UserGuide/id_tags")
_BOUNDARIES = docs("IAM/latest/UserGuide/access_policies_boundaries")
_ACCESS_LOGS = docs("elasticloadbalancing/latest/application/enable-access-logging")
_ALARM_TOPICS = docs("AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes")
_KEYS = docs("kms/latest/developerguide/concepts")
_VIA_SERVICE = docs("kms/latest/developerguide/conditions-kms")

# Some of the services that use keys for others, as kms:ViaService names them; AWS adds to them.
_SERVICES = (
    *("apprunner", "athena", "backup", "cassandra", "dms", "dynamodb", "ec2", "eks", "elasticache"),
    *("es", "elasticfilesystem", "firehose", "fsx", "glue", "kafka", "kinesis", "lambda"),
    *("memorydb", "mq", "rds", "redshift", "sagemaker", "secretsmanager", "ses", "sns", "sqs"),
    *("ssm", "timestream", "xray"),
)
_RENAMED = {"ebs": "ec2", "efs": "elasticfilesystem", "opensearch": "es", "msk": "kafka"}
_OURS = ("ecr", "s3")


def _tags(config: Config) -> Iterator[Fault]:
    tags = config.tags
    if len(tags) > MOST_TAGS:
        yield Fault(
            (("tags",),),
            f"has {len(tags)} tags; a resource has 50 at most, {len(_OWN_TAGS)} of underpass's among them",
            f"leave {len(tags) - MOST_TAGS} out",
            source=_TAGS,
        )
    for name, value in tags.items():
        yield from _tag(name, value)
    names = list(tags)
    for at, name in enumerate(names):
        if name.lower() in (one.lower() for one in names[:at]):
            yield Fault(
                (("tags", name),),
                "differs from another tag only by its case, and IAM tells the two not apart",
                "leave one out",
                source=_IAM_TAGS,
            )


def _tag(name: str, value: str) -> Iterator[Fault]:
    key: KeyPath = ("tags", name)
    for what, text in (("name", name), ("value", value)):
        if len(text) > _LONGEST[what]:
            yield Fault(
                (key,),
                f"its {what} has {len(text)} characters, and AWS takes {_LONGEST[what]}",
                "write a shorter one",
                source=_TAGS,
            )
        if wrong := next((one for one in text if not _taggable(one)), None):
            yield Fault(
                (key,),
                f"its {what} has {wrong!r}, and all services take letters, digits, spaces and +-=._:/@",
                "write another",
                source=_TAGS,
            )
        if text.lower().startswith("aws:"):
            yield Fault(
                (key,),
                f'its {what} starts with "aws:", which is AWS\'s own',
                "write another",
                source=_TAGS,
            )
    if name.startswith("underpass:") or name in _OWN_TAGS[1:]:
        yield Fault(
            (key,), "is a tag that underpass and AWS tell their resources by", "write another name"
        )


def _taggable(character: str) -> bool:
    return character in _BESIDE_LETTERS or unicodedata.category(character)[0] in "LNZ"


def _roles(config: Config) -> Iterator[Fault]:
    if boundary := config.permissions_boundary:
        key: KeyPath = ("permissions_boundary",)
        yield from of_partition(config, key, boundary)
        account = boundary.split(":")[4]
        if config.tls and account not in {"aws", own := config.tls.certificate.split(":")[4]}:
            yield Fault(
                (key, ("tls", "certificate")),
                f"is of account {account}, and the roles are of {own}, as the certificate is",
                "name a policy of the roles' own account",
                source=_BOUNDARIES,
            )
    if config.role_path and config.role_path.startswith(("/aws-service-role/", "/aws-reserved/")):
        yield Fault(
            (("role_path",),),
            "is where AWS keeps its own roles",
            'write one such as "/apps/"',
            source=docs("IAM/latest/UserGuide/reference_identifiers"),
        )


def _key(config: Config) -> Iterator[Fault]:
    if config.kms_key:
        yield from _in_region(config, ("kms_key",), config.kms_key, "a key", _KEYS)
        if config.kms_key_users:
            yield Fault(
                (("kms_key_users",), ("kms_key",)),
                "is about the key underpass makes, and kms_key names another, whose policy is its owner's",
                "leave it out",
            )
    users = config.kms_key_users
    if (at := first_repeated(users)) is not None:
        yield Fault((("kms_key_users", at),), f'"{users[at]}" is there twice', "leave one out")
    for at, user in enumerate(users):
        item: KeyPath = ("kms_key_users", at)
        if user.startswith("arn:"):
            yield from of_partition(config, item, user)
        elif user in _own_services(config):
            yield Fault((item,), f"{user} may use the key already", "leave it out")
        elif user not in _SERVICES and (near := _nearest_service(user)):
            what = f'KMS knows no "{user}" that uses keys for others, and would let nobody in'
            yield Fault((item,), what, f'did you mean "{near}"?', source=_VIA_SERVICE)


def _nearest_service(name: str) -> str:
    near = get_close_matches(name, _SERVICES, n=1, cutoff=0.8)
    return _RENAMED.get(name, near[0] if near else "")


def _own_services(config: Config) -> tuple[str, ...]:
    stores: Mapping[str, object] = {
        "rds": config.instance,  # an existing database has keys of its owner's
        "secretsmanager": config.instance,
        "elasticfilesystem": config.files,
    }
    return (*_OURS, *(name for name, store in stores.items() if store))


def _logs(config: Config) -> Iterator[Fault]:
    if config.log_bucket and "AWSLogs" in config.log_bucket.split("/"):
        yield Fault(
            (("log_bucket",),),
            "has AWSLogs in its prefix, which Elastic Load Balancing adds itself",
            "leave it out",
            source=_ACCESS_LOGS,
        )


def _alarms(config: Config) -> Iterator[Fault]:
    topic = config.alarms.topic
    if not topic:
        return
    yield from _in_region(config, ("alarms", "topic"), topic, "a topic", _ALARM_TOPICS)
    if config.alarms.email:
        yield Fault(
            (("alarms", "email"), ("alarms", "topic")),
            "is given together with topic, whose subscriptions are its owner's",
            "leave it out, and subscribe the address to the topic",
        )


def _in_region(config: Config, key: KeyPath, arn: str, what: str, source: str) -> Iterator[Fault]:
    elsewhere = list(of_partition(config, key, arn))
    yield from elsewhere
    region = arn.split(":")[3]
    if not elsewhere and region != config.region:
        yield Fault(
            (key, ("region",)),
            f"is in {region}, and {what} of another region than {config.region} cannot be used",
            f"name one of {config.region}",
            source=source,
        )


RULES: tuple[Rule, ...] = (_tags, _roles, _key, _logs, _alarms)
