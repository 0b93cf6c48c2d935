"""What is there already is asked for before anything is made."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.blueprint.configs import BOUNDARY, KEY, TOPIC, config

from underpass.deploy.preflight import existing
from underpass.errors import UsageError


class There:
    """A target whose services answer with what they are given, or refuse with it."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"get_caller_identity": {"Account": "111111111111"}, **answers}

    def client(self, _: str) -> Any:
        return SimpleNamespace(**{name: self._answering(name) for name in self.answers})

    def _answering(self, name: str) -> Any:
        def answer(**_: Any) -> Any:
            found = self.answers[name]
            if isinstance(found, ClientError):
                raise found
            return found

        return answer


def refused(code: str, status: int = 400) -> ClientError:
    told: Any = {"Error": {"Code": code, "Message": code}}
    return ClientError({**told, "ResponseMetadata": {"HTTPStatusCode": status}}, "Look")


def check(wanted: dict[str, Any], **answers: Any) -> tuple[str, ...]:
    target: Any = There(**answers)
    return existing.check(target, config(**wanted))


USABLE = {"KeyMetadata": {"KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT"}}


def test_what_is_there_and_usable_passes_without_a_word() -> None:
    assert check({}) == ()
    assert check({"kms_key": KEY}, describe_key=USABLE) == ()
    assert check({"log_bucket": "b-b/c"}, head_bucket={"BucketRegion": "us-east-1"}) == ()
    assert check({"alarms": {"topic": TOPIC}}, get_topic_attributes={}) == ()
    assert check({"permissions_boundary": BOUNDARY}, get_policy={}) == ()


@pytest.mark.parametrize(
    ("wanted", "answers", "told"),
    [
        ({"kms_key": KEY}, {"describe_key": refused("NotFoundException")}, "there is no"),
        (
            {"kms_key": KEY},
            {"describe_key": {"KeyMetadata": {"KeyState": "Disabled"}}},
            "cannot encrypt",
        ),
        ({"kms_key": KEY}, {"describe_key": {"KeyMetadata": {"KeySpec": "RSA_2048"}}}, "cannot"),
        ({"log_bucket": "b-b"}, {"head_bucket": refused("404", 404)}, "there is no b-b"),
        ({"log_bucket": "b-b"}, {"head_bucket": refused("301", 301)}, "another region"),
        ({"log_bucket": "b-b"}, {"head_bucket": {"BucketRegion": "eu-west-1"}}, "another region"),
        ({"alarms": {"topic": TOPIC}}, {"get_topic_attributes": refused("NotFound", 404)}, "topic"),
        (
            {"permissions_boundary": BOUNDARY},
            {"get_policy": refused("NoSuchEntity", 404)},
            "no arn",
        ),
        (
            {"permissions_boundary": BOUNDARY.replace("1" * 12, "2" * 12)},
            {"get_policy": {}},
            "of account 222222222222",
        ),
    ],
)
def test_what_aws_would_refuse_is_refused_before(
    wanted: dict[str, Any], answers: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        check(wanted, **answers)


def test_what_the_caller_may_not_look_at_is_a_warning() -> None:
    (said,) = check({"kms_key": KEY}, describe_key=refused("AccessDeniedException"))
    assert "not known" in said
    (said,) = check({"log_bucket": "b-b"}, head_bucket=refused("403", 403))
    assert "b-b" in said
