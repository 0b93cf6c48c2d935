"""A DB instance's life, with a real PostgreSQL behind moto's RDS."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.twin.inside import run_inside


def changed_while_it_runs(small: Any) -> dict[str, Any]:
    """Set a dynamic and a static parameter at once, and what no engine has; tell what the server says."""
    rds = small.region.clients("rds")

    def change(name: str, value: str, method: str) -> str:
        parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}
        try:
            rds.modify_db_parameter_group(DBParameterGroupName="own", Parameters=[parameter])
        except rds.exceptions.ClientError as error:
            return str(error.response["Error"]["Message"])
        return ""

    def show(name: str, wanted: str) -> bool:
        return bool(small.query(f"show {name}")[0][0] == wanted)

    change("log_min_duration_statement", "500", "immediate")
    change("bytea_output", "escape", "immediate")
    change("max_connections", "55", "pending-reboot")
    small.region.feed.wait(
        lambda: show("log_min_duration_statement", "500ms") or None, timeout_s=20, what="unchanged"
    )
    seen = {
        "enum": small.query("show bytea_output")[0][0],
        "static": small.query("show max_connections")[0][0],
        "waits": small.query("select name from pg_settings where pending_restart"),
        "refused": [
            change("max_connections", "66", "immediate"),
            change("work_memory", "1", "immediate"),
            change("work_mem", "5MB", "immediate"),
            change("bytea_output", "hexa", "immediate"),
            change("fsync", "0", "immediate"),
        ],
    }
    change("log_min_duration_statement", "1000", "immediate")
    return seen


def live(state: str) -> dict[str, Any]:
    """Create, change, reboot, crash, stop, start and delete an instance; tell what was seen."""
    import psycopg
    from tests.twin.rds.small_region import SmallRegion

    from underpass.blueprint.foundation.database_parameters import PARAMETERS

    small = SmallRegion(Path(state))
    rds, ec2 = small.region.clients("rds"), small.region.clients("ec2")

    def refused(**how: str) -> str:
        try:
            small.query("select 1", **how)
        except psycopg.OperationalError as error:
            return str(error)
        return "let in"

    def started() -> Any:
        return small.query("select pg_postmaster_start_time()::text")[0][0]

    seen: dict[str, Any] = {}
    group = {"DBParameterGroupName": "own", "DBParameterGroupFamily": "postgres16"}
    rds.create_db_parameter_group(**group, Description="own")

    def set_work_mem(value: str) -> None:
        parameter = {"ParameterName": "work_mem", "ParameterValue": value}
        rds.modify_db_parameter_group(
            DBParameterGroupName="own", Parameters=[{**parameter, "ApplyMethod": "pending-reboot"}]
        )

    set_work_mem("5120")
    rds.modify_db_parameter_group(
        DBParameterGroupName="own",
        Parameters=[
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
            for name, value in PARAMETERS["postgres"].items()
        ],
    )
    small.create(DBParameterGroupName="own")
    early = small.describe()
    seen["at first"] = (early["DBInstanceStatus"], "Endpoint" in early)
    described = small.await_status("available")
    interface = small.interfaces()[0]
    seen["zone"] = (described["AvailabilityZone"], interface["AvailabilityZone"])
    seen["version"] = (described["EngineVersion"], small.query("show server_version")[0][0])
    seen["groups"] = [group["GroupId"] for group in interface["Groups"]] == small.groups[:1]
    seen["name"] = [
        described["Endpoint"]["Address"],
        list(small.region.names.lookup("*", described["Endpoint"]["Address"])),
        interface["PrivateIpAddress"],
    ]
    seen["master"] = small.query(
        "select rolsuper, rolcreatedb, pg_has_role('rds_superuser', 'member'),"
        " (select datdba::regrole::text from pg_database where datname = 'notes')"
        " from pg_roles where rolname = current_user"
    )[0]
    seen["templates' parameters"] = {
        name: small.query(f"select current_setting('{name}')")[0][0]
        for name in PARAMETERS["postgres"]
    }
    seen["told"] = [
        event["Message"]
        for event in rds.describe_events(SourceIdentifier="notes", SourceType="db-instance")[
            "Events"
        ]
        if "notification" in event["EventCategories"]
    ]
    seen["parameters"] = [small.query("show work_mem")[0][0]]
    seen["at once"] = changed_while_it_runs(small)
    set_work_mem("6144")
    seen["safe"] = small.query("select setting from pg_settings where name = 'fsync'")
    seen["wrong password"] = refused(password="wrong")
    seen["superuser"] = refused(user="rdsadmin")
    known = {"host": described["Endpoint"]["Address"], "hostaddr": interface["PrivateIpAddress"]}
    authority = {"sslmode": "verify-full", "sslrootcert": f"{state}/tls/ca.pem"}
    seen["verified"] = refused(**known, **authority)
    seen["another's name"] = refused(**{**known, "host": "db.example"}, **authority)
    seen["without TLS"] = [refused(sslmode="disable")]
    seen["no startup packet"] = small.said(b"GET / HTTP/1.1\r\n\r\n")
    small.query("create table kept (word text)")
    small.query("insert into kept values ('before')")

    rds.modify_db_instance(
        DBInstanceIdentifier="notes",
        MasterUserPassword="second'password\\",
        VpcSecurityGroupIds=small.groups,
    )
    seen["modifying"] = small.describe()["DBInstanceStatus"]
    small.await_status("available")
    seen["old password"] = refused(password="first-password")
    second = {"password": "second'password\\"}
    seen["new password"] = refused(**second)
    seen["new groups"] = {g["GroupId"] for g in small.interfaces()[0]["Groups"]} == set(
        small.groups
    )
    rds.modify_db_instance(DBInstanceIdentifier="notes", MasterUserPassword="first-password")
    small.await_status("available")

    before = started()
    anybody = {"ParameterName": "rds.force_ssl", "ParameterValue": "0"}
    rds.modify_db_parameter_group(
        DBParameterGroupName="own", Parameters=[{**anybody, "ApplyMethod": "pending-reboot"}]
    )
    seen["without TLS"].append(refused(sslmode="disable"))
    rds.reboot_db_instance(DBInstanceIdentifier="notes")
    small.await_status("available")
    seen["rebooted"] = before != started()
    seen["connections"] = small.query("show max_connections")[0][0]
    seen["without TLS"].append(refused(sslmode="disable"))
    seen["parameters"].append(small.query("show work_mem")[0][0])

    instance = small.databases._instances["notes"]
    before, server = started(), instance._server
    assert server is not None
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    server._ended.wait(10)

    def up_again() -> bool:
        now = instance._server
        return now is not server and now is not None and now.running and refused() == "let in"

    small.region.feed.wait(up_again, timeout_s=40, what="not restarted", recheck_s=0.05)
    seen["after a crash"] = (before != started(), small.query("select word from kept"))
    seen["crash recorded"] = [
        event["Message"]
        for event in rds.describe_events(SourceIdentifier="notes", SourceType="db-instance")[
            "Events"
        ]
        if "failure" in event["EventCategories"]
    ]

    server = instance._server
    assert server is not None
    assert server._front is not None
    server._front.kill()
    small.region.feed.wait(up_again, timeout_s=40, what="no TLS", recheck_s=0.05)
    seen["after its TLS ended"] = small.query("select word from kept", sslmode="require")

    rds.stop_db_instance(DBInstanceIdentifier="notes")
    small.await_status("stopped")
    seen["stopped"] = refused()
    rds.start_db_instance(DBInstanceIdentifier="notes")
    small.await_status("available")
    seen["started"] = small.query("select word from kept")

    rds.modify_db_instance(DBInstanceIdentifier="notes", DBPortNumber=5433)
    moved = small.await_status("available")["Endpoint"]["Port"]
    seen["port"] = (moved, refused(), small.query("select 1", port=5433))

    rds.delete_db_instance(DBInstanceIdentifier="notes", SkipFinalSnapshot=True)
    seen["deleting"] = small.describe()["DBInstanceStatus"]
    small.region.feed.wait(
        lambda: not rds.describe_db_instances()["DBInstances"], timeout_s=40, what="not deleted"
    )
    seen["deleted"] = (
        small.interfaces(),
        small.region.names.lookup("*", described["Endpoint"]["Address"]),
        ec2.describe_network_interfaces()["NetworkInterfaces"],
    )
    seen["processes"] = [
        name.read_text()
        for name in Path("/proc").glob("[0-9]*/comm")
        if name.read_text().startswith("postgres")
    ]
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    state = tmp_path_factory.mktemp("state")
    found: dict[str, Any] = run_inside(live, str(state))
    return {**found, "state": state}


def test_available_means_that_it_accepts_connections(seen: dict[str, Any]) -> None:
    assert seen["at first"] == ["creating", False]
    assert seen["version"][0] == seen["version"][1]
    assert seen["version"][0].startswith("16.")


def test_a_dynamic_parameter_is_changed_at_once_and_a_static_one_by_a_restart(
    seen: dict[str, Any],
) -> None:
    found = seen["at once"]
    assert (found["enum"], found["static"]) == ("escape", "100")
    assert found["waits"] == [["max_connections"]]
    assert seen["connections"] == "55"


def test_what_is_no_parameter_or_no_value_of_it_is_refused_by_name(seen: dict[str, Any]) -> None:
    static, unknown, with_unit, no_choice, own = seen["at once"]["refused"]
    assert "static parameter: max_connections" in static
    assert unknown == "Could not find parameter with name: work_memory"
    assert "5MB for: work_mem allowed values are: 64-2147483647" in with_unit
    assert "hexa for: bytea_output allowed values are: escape, hex" in no_choice
    assert own == "The parameter fsync cannot be modified."


def test_its_interface_is_in_the_subnet_group_with_the_instances_groups(
    seen: dict[str, Any],
) -> None:
    assert seen["zone"] == ["us-east-1a", "us-east-1a"]
    assert seen["groups"]
    endpoint, records, address = seen["name"]
    assert records == [address]
    assert endpoint.startswith("notes.")
    assert endpoint.endswith(".us-east-1.rds.amazonaws.com")


def test_master_user_is_what_rds_makes_it(seen: dict[str, Any]) -> None:
    assert seen["master"] == [False, True, True, "app"]
    assert "password authentication failed" in seen["wrong password"]
    assert "rejects connection" in seen["superuser"]
    assert seen["safe"] == [["on"]]


def test_tls_is_spoken_and_demanded_as_the_parameter_group_says(seen: dict[str, Any]) -> None:
    assert seen["verified"] == "let in"
    assert "does not match host name" in seen["another's name"]
    first, pending, rebooted = seen["without TLS"]
    assert 'user "app", database "notes", no encryption' in first
    assert pending == first
    assert rebooted == "let in"
    assert seen["no startup packet"] == ""
    assert seen["after its TLS ended"] == [["before"]]


def test_modification_takes_effect_before_it_is_available_again(seen: dict[str, Any]) -> None:
    assert seen["modifying"] == "modifying"
    assert "password authentication failed" in seen["old password"]
    assert seen["new password"] == "let in"
    assert seen["new groups"]
    assert seen["port"][0] == 5433
    assert "refused" in seen["port"][1]
    assert seen["port"][2] == [[1]]


def test_reboot_starts_another_process(seen: dict[str, Any]) -> None:
    assert seen["rebooted"]


def test_killed_server_comes_back_with_its_data_and_it_is_recorded(seen: dict[str, Any]) -> None:
    assert seen["after a crash"] == [True, [["before"]]]
    assert len(seen["crash recorded"]) == 1  # before the TLS was ended
    assert "ended unexpectedly" in seen["crash recorded"][0]


def test_parameter_group_takes_effect_at_a_start(seen: dict[str, Any]) -> None:
    assert seen["parameters"] == ["5MB", "6MB"]


def test_what_the_templates_set_is_in_force(seen: dict[str, Any]) -> None:
    assert seen["templates' parameters"] == {
        "rds.force_ssl": "1",
        "log_lock_waits": "on",
        "log_min_duration_statement": "1s",
        "log_statement": "none",
        "pgaudit.log": "ddl",
        "shared_preload_libraries": "",  # the twin's has none of them, and says so
    }
    log = (seen["state"] / "databases" / "notes" / "postgresql.log").read_text()
    assert "create table kept" not in log
    assert "PASSWORD" not in log
    (told,) = seen["told"]
    assert told == "the twin's PostgreSQL has no pg_stat_statements, pgaudit: it runs without"


def test_stop_and_start(seen: dict[str, Any]) -> None:
    assert "refused" in seen["stopped"]
    assert seen["started"] == [["before"]]


def test_deleted_leaves_nothing_but_the_data(seen: dict[str, Any]) -> None:
    assert seen["deleting"] == "deleting"
    assert seen["deleted"] == [[], [], []]
    assert seen["processes"] == []
    assert (seen["state"] / "databases" / "notes" / "data" / "PG_VERSION").exists()


def write(state: str) -> None:
    """A first ``up``: something is written, and the region ends as ``down`` ends it."""
    from tests.twin.rds.small_region import SmallRegion

    small = SmallRegion(Path(state))
    small.create("notes-4711", Tags=STACK_TAGS)
    small.await_status("available", "notes-4711")
    small.query("create table kept as select 'from before' as word")
    small.stop()


def read(state: str) -> list[Any]:
    """A second ``up``: another identifier and password, the same stack and logical id."""
    from tests.twin.rds.small_region import SmallRegion

    small = SmallRegion(Path(state))
    small.create("notes-4712", Tags=STACK_TAGS, MasterUserPassword="another-one")
    small.await_status("available", "notes-4712")
    return small.query("select word from kept", password="another-one")


def replace(state: str) -> list[Any]:
    """A replacement, made while the replaced instance lives; then what the next ``up`` finds."""
    from tests.twin.rds.small_region import SmallRegion

    small = SmallRegion(Path(state))
    rds = small.region.clients("rds")
    small.create("old", Tags=STACK_TAGS)
    small.await_status("available", "old")
    small.create("new", Tags=STACK_TAGS, DBName="other")
    small.await_status("available", "new")
    rds.delete_db_instance(DBInstanceIdentifier="old", SkipFinalSnapshot=True)
    small.region.feed.wait(
        lambda: len(rds.describe_db_instances()["DBInstances"]) == 1, timeout_s=40, what="deleted"
    )
    small.query("create table kept as select 'of the new' as word", dbname="other")
    small.stop()
    small.databases._instances.clear()
    small.start()
    rds.delete_db_instance(DBInstanceIdentifier="new", SkipFinalSnapshot=True)
    small.region.feed.wait(
        lambda: not rds.describe_db_instances()["DBInstances"], timeout_s=40, what="deleted"
    )
    small.create("newest", Tags=STACK_TAGS, DBName="other")
    small.await_status("available", "newest")
    return small.query("select word from kept", dbname="other")


STACK_TAGS = [
    {"Key": "aws:cloudformation:stack-name", "Value": "notes-foundation"},
    {"Key": "aws:cloudformation:logical-id", "Value": "Database"},
]


def test_replacement_starts_empty_and_inherits_the_lasting_name(tmp_path: Path) -> None:
    assert run_inside(replace, str(tmp_path)) == [["of the new"]]


def other_version(state: str) -> list[Any]:
    """Ask for PostgreSQL 18 where the data are PostgreSQL 16's."""
    from tests.twin.rds.small_region import SmallRegion

    small = SmallRegion(Path(state))
    small.create("notes-4713", Tags=STACK_TAGS, EngineVersion="18")
    failed = small.await_status("failed", "notes-4713")
    return [failed["StatusInfos"][0]["Message"], failed["EngineVersion"]]


def test_data_survive_the_region_and_another_major_version_does_not_touch_them(
    tmp_path: Path,
) -> None:
    run_inside(write, str(tmp_path))
    message, version = run_inside(other_version, str(tmp_path))
    assert version.startswith("18.")
    assert "the data are PostgreSQL 16's and 18." in message
    assert run_inside(read, str(tmp_path)) == [["from before"]]
    assert [folder.name for folder in (tmp_path / "databases").iterdir()] == [
        "notes-foundation-Database"
    ]
