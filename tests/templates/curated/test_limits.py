"""CloudFormation's own limits, the length of a body that is sent inline, and of names and texts.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

import re

import pytest
from tests.templates.emitted import curated

INLINE_BODY_BYTES = 51_200
TEMPLATE_BYTES = 1_000_000


@pytest.mark.parametrize("part", sorted({one.part for one in curated()}))
def test_a_template_is_small_enough_to_be_sent_inline(part: str) -> None:
    sizes = {one.id: len(one.body.encode()) for one in curated() if one.part == part}
    assert {name: size for name, size in sizes.items() if size > INLINE_BODY_BYTES} == {}
    assert all(len(one.body.encode()) <= TEMPLATE_BYTES for one in curated())


@pytest.mark.parametrize(
    ("section", "most"), [("Resources", 500), ("Outputs", 200), ("Parameters", 200)]
)
def test_a_template_has_no_more_than_allowed(section: str, most: int) -> None:
    counts = {one.id: len(one.template.get(section, {})) for one in curated()}
    assert {name: count for name, count in counts.items() if count > most} == {}
    assert section != "Resources" or min(counts.values()) > 0


def test_rules_are_described_in_letters_ec2_takes() -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html"""
    for one in curated():
        for resource in one.resources.values():
            if resource["Type"].startswith("AWS::EC2::SecurityGroup"):
                own = resource["Properties"]
                rules = (*own.get("SecurityGroupIngress", ()), *own.get("SecurityGroupEgress", ()))
                for told in (
                    own.get("GroupDescription", ""),
                    *(rule["Description"] for rule in rules),
                ):
                    assert re.fullmatch(r"[A-Za-z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}", told), told


def test_names_and_texts_are_of_allowed_length_and_letters() -> None:
    for one in curated():
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", one.stack.name)
        assert len(one.template["Description"].encode()) <= 1024
        for logical_id in one.resources:
            assert re.fullmatch(r"[A-Za-z0-9]{1,255}", logical_id)
        for section in ("Parameters", "Outputs"):
            for name, value in one.template.get(section, {}).items():
                assert re.fullmatch(r"[A-Za-z0-9]{1,255}", name)
                assert len(value.get("Description", "").encode()) <= 4000
