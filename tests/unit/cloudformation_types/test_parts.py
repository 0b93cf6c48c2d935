"""The pure parts: tags, rules, a bucket's lifecycle, a function's archive."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.services.cloudformation.resource_type import Tagging, as_map
from underpass.twin.services.ec2.cfn_security_groups import permission
from underpass.twin.services.lambda_.cfn import _archive
from underpass.twin.services.s3.cfn import SETTINGS

TAGS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz")).map(
    lambda tags: [{"Key": key, "Value": value} for key, value in tags.items()]
)


@given(old=TAGS, new=TAGS)
def test_tag_changes_lead_from_old_to_new_and_touch_nothing_else(old: Any, new: Any) -> None:
    held = as_map(old) | {"by-hand": "1"}
    for operation, parameters in Tagging().changes("arn", old, new):
        if operation == "untag_resource":
            for key in parameters["TagKeys"]:
                del held[key]
        else:
            held |= as_map(parameters["Tags"])
    assert held == as_map(new) | {"by-hand": "1"}
    assert Tagging().changes("arn", new, new) == []


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8"},
            {
                "IpProtocol": "tcp",
                "FromPort": 80,
                "ToPort": 80,
                "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
            },
        ),
        (
            {"IpProtocol": "-1", "DestinationSecurityGroupId": "sg-1", "Description": "d"},
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-1", "Description": "d"}]},
        ),
        (
            {"IpProtocol": "-1", "SourcePrefixListId": "pl-1"},
            {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]},
        ),
    ],
)
def test_a_rule_as_a_permission(rule: Any, wanted: Any) -> None:
    assert permission(rule) == wanted


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({}, {"Prefix": ""}),
        ({"Prefix": "a/"}, {"Prefix": "a/"}),
        ({"TagFilters": [{"Key": "k", "Value": "v"}]}, {"Tag": {"Key": "k", "Value": "v"}}),
        ({"ObjectSizeGreaterThan": "9"}, {"ObjectSizeGreaterThan": "9"}),
        (
            {"Prefix": "a/", "TagFilters": [{"Key": "k", "Value": "v"}]},
            {"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}]}},
        ),
    ],
)
def test_what_a_lifecycle_rule_applies_to(rule: Any, wanted: Any) -> None:
    written = {"Rules": [{"Id": "r", "Status": "Enabled", **rule}]}
    (made,) = SETTINGS["LifecycleConfiguration"].convert(written)["Rules"]
    assert made == {"ID": "r", "Status": "Enabled", "Filter": wanted}


def test_the_same_source_gives_the_same_archive() -> None:
    assert _archive("index.py", "a = 1\n") == _archive("index.py", "a = 1\n")
