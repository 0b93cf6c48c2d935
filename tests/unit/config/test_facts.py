"""What AWS offers, and what may be newer than what is known of it."""

import pytest

from underpass.config import facts
from underpass.config.facts import databases, instances


def test_an_instance_type_tells_what_it_has_room_for() -> None:
    kind = facts.instance_type("c5.large")
    assert kind == facts.InstanceType("c5.large", 2, 4096, 3, "x86_64")
    assert (
        kind.room(cpu=256, memory_mib=512) == 2
    )  # three interfaces, one of them the instance's own
    assert kind.room(cpu=2048, memory_mib=512) == 1
    assert kind.room(cpu=256, memory_mib=4095) == 1
    assert kind.room(cpu=256, memory_mib=4096) == 0  # the system has its share of it
    assert kind.room_in_memory(2048) == 1


@pytest.mark.parametrize(
    ("name", "newer"), [("t3.medum", False), ("t3.9xlarge", False), ("m99i.large", True)]
)
def test_a_type_of_an_unknown_family_may_be_newer(name: str, newer: bool) -> None:
    assert facts.instance_type(name) is None
    assert instances.newer(name) is newer


def test_the_type_most_likely_meant_is_named() -> None:
    assert instances.nearest("t3.medum") == "t3.medium"
    large = instances.InstanceType("c5.large", 2, 4096, 3, "x")
    assert instances.smallest(2048, 8191, large) == "c5.xlarge"
    assert instances.smallest(2048, 8192, large) == "c5.2xlarge"


@pytest.mark.parametrize(
    ("engine", "name", "insights"),
    [
        ("postgres", "db.t4g.micro", True),
        ("mysql", "db.t4g.micro", False),
        ("mariadb", "db.t3.small", False),
        ("mysql", "db.t4g.medium", True),
    ],
)
def test_performance_insights_is_for_some_classes(engine: str, name: str, insights: bool) -> None:
    kind = facts.database_class(engine, name)
    assert kind is not None
    assert kind.performance_insights is insights


def test_a_class_is_for_some_versions() -> None:
    assert facts.database_class("postgres", "db.r4.large", "12") is not None
    assert facts.database_class("postgres", "db.r4.large", "16.9") is None
    assert facts.database_class("mysql", "db.t4g.micro", "8") is not None
    assert databases.nearest_class("postgres", "db.t4g.mikro") == "db.t4g.micro"
    assert databases.newer_class("db.m99g.large")
    assert not databases.newer_class("db.t4g.huge")


@pytest.mark.parametrize(
    ("engine", "version", "creates", "newer", "instead"),
    [
        ("postgres", "16", True, False, ""),
        ("postgres", "16.9", True, False, ""),
        ("postgres", "16.99", False, True, ""),
        ("postgres", "19", False, True, ""),
        ("postgres", "99", False, False, "18"),
        ("postgres", "16.3", False, False, "16.15"),
        ("postgres", "9.6", False, False, "12"),
        ("mysql", "8", True, False, ""),
        ("mysql", "8.0.41", False, False, "8.0.46"),
        ("mysql", "8.0.99", False, True, ""),
        ("mysql", "8.2.1", False, False, "8.4"),
        ("mysql", "9.0", False, True, ""),
        ("mysql", "16", False, False, "8.4"),
        ("mariadb", "10.11", True, False, ""),
        ("mariadb", "11.3", False, False, "11.4"),
    ],
)
def test_versions(engine: str, version: str, creates: bool, newer: bool, instead: str) -> None:
    assert databases.creates(engine, version) is creates
    assert creates or databases.newer_version(engine, version) is newer
    if instead:
        assert databases.nearest_version(engine, version) == instead


@pytest.mark.parametrize(
    ("engine", "version", "names_it", "newest"),
    [
        ("postgres", "16", True, ""),
        ("mysql", "8", False, "8.4"),
        ("mysql", "8.4", True, ""),
        ("mysql", "9", False, "8.4"),
        ("mariadb", "10", False, "10.11"),
        ("mariadb", "11", False, "11.8"),
        ("mariadb", "11.4.5", True, ""),
    ],
)
def test_the_series_is_two_numbers_of_some_engines(
    engine: str, version: str, names_it: bool, newest: str
) -> None:
    assert databases.names_series(engine, version) is names_it
    assert names_it or databases.newest_series(engine, version) == newest


def test_regions_tell_their_partition() -> None:
    assert facts.regions()["eu-west-1"] == "aws"
    assert facts.regions()["us-gov-west-1"] == "aws-us-gov"
    assert "us-east-9" not in facts.regions()
