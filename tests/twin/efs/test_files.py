"""EFS folders and mount targets on the real fabric: who may reach what, and what stays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.twin.inside import run_inside

TAGS = [
    {"Key": "aws:cloudformation:stack-name", "Value": "notes-foundation"},
    {"Key": "aws:cloudformation:logical-id", "Value": "Files"},
]
CREATION = {"OwnerUid": 1000, "OwnerGid": 1000, "Permissions": "0750"}


def use(state: str) -> dict[str, Any]:
    """Make file systems, mount targets and interfaces, and tell what each interface may mount."""
    from tests.twin.api import serve

    from underpass.errors import UnderpassError
    from underpass.twin.api import patch
    from underpass.twin.region.context import Region
    from underpass.twin.region.reconcile import ChangeFeed, Reconciler
    from underpass.twin.services.ec2 import patches as ec2_patches
    from underpass.twin.services.ec2.fabric import Fabric
    from underpass.twin.services.efs import controller as files_module
    from underpass.twin.services.efs import patches as efs_patches
    from underpass.twin.services.efs.controller import Files

    files_module._CONNECT_TIMEOUT_S = 1.0  # who is kept out waits that long
    patch.apply(ec2_patches, efs_patches)
    feed = ChangeFeed()
    clients = serve(feed)
    region = Region("us-east-1", clients, feed, Path(state))
    fabric = Fabric(region)
    fabric.start()
    Reconciler("fabric", fabric.reconcile).start(feed, fabric.topics)
    files = Files(region, fabric)
    Reconciler("files", files.reconcile).start(feed, files.topics)

    ec2, efs = clients("ec2"), clients("efs")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = {
        zone: ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=f"us-east-1{zone}")[
            "Subnet"
        ]["SubnetId"]
        for zone, block in (("a", "10.20.1.0/24"), ("b", "10.20.2.0/24"), ("c", "10.20.3.0/24"))
    }
    groups = {
        name: ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("tasks", "files", "strangers")
    }
    ec2.authorize_security_group_ingress(
        GroupId=groups["files"],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 2049,
                "ToPort": 2049,
                "UserIdGroupPairs": [{"GroupId": groups["tasks"]}],
            }
        ],
    )
    system = efs.create_file_system(CreationToken="random-1", Tags=TAGS)["FileSystemId"]
    targets = [
        efs.create_mount_target(
            FileSystemId=system, SubnetId=subnets[zone], SecurityGroups=[groups["files"]]
        )
        for zone in "ab"
    ]
    interfaces = {
        name: ec2.create_network_interface(SubnetId=subnets[zone], Groups=[groups[group]])[
            "NetworkInterface"
        ]["NetworkInterfaceId"]
        for name, zone, group in (
            ("task-a", "a", "tasks"),
            ("task-b", "b", "tasks"),
            ("task-c", "c", "tasks"),
            ("stranger", "a", "strangers"),
        )
    }
    for name in (*interfaces.values(), *(target["NetworkInterfaceId"] for target in targets)):
        fabric.wait_up(name)
    feed.wait(lambda: len(files._listening) == 2, timeout_s=40, what="no mount targets")
    made = efs.create_access_point(
        FileSystemId=system,
        ClientToken="1",
        RootDirectory={"Path": "/notes/app", "CreationInfo": CREATION},
    )["AccessPointId"]
    unmade = efs.create_access_point(
        FileSystemId=system, ClientToken="2", RootDirectory={"Path": "/nowhere"}
    )["AccessPointId"]
    other = efs.create_file_system(CreationToken="../../other")["FileSystemId"]
    theirs = efs.create_access_point(
        FileSystemId=other,
        ClientToken="3",
        RootDirectory={"Path": "/way/out", "CreationInfo": CREATION},
    )["AccessPointId"]

    def ask(*what: str) -> str:
        try:
            return str(Path(*files.directory(*what)))
        except UnderpassError as error:
            return f"error: {error}"

    seen: dict[str, Any] = {name: ask(system, made, "/", eni) for name, eni in interfaces.items()}
    seen["stranger"] = seen["stranger"].replace(interfaces["stranger"], "ENI")
    seen["whole"] = ask(system, "", "/", interfaces["task-a"])
    seen["unmade"] = ask(system, unmade)
    seen["of another"] = ask(system, theirs).replace(theirs, "AP").replace(system, "FS")
    seen["nobody"] = ask("fs-nobody")
    seen["other"] = ask(other)
    (Path(state) / "files" / Path(seen["other"]).name / "way").symlink_to("/")
    seen["link"] = ask(other, theirs)
    (Path(state) / "files" / Path(seen["other"]).name / "near").symlink_to("deep")
    (Path(state) / "files" / Path(seen["other"]).name / "deep").mkdir()
    seen["link within"] = ask(other, "", "/near")
    suffix = "efs.us-east-1.amazonaws.com"
    seen["names"] = {
        name: region.names.lookup(vpc, f"{name}.{suffix}")
        for name in (system, f"us-east-1b.{system}")
    } == {
        system: tuple(target["IpAddress"] for target in targets),
        f"us-east-1b.{system}": (targets[1]["IpAddress"],),
    }
    efs.modify_mount_target_security_groups(
        MountTargetId=targets[0]["MountTargetId"], SecurityGroups=[groups["strangers"]]
    )
    feed.wait(
        lambda: "does not reach" in ask(system, made, "/", interfaces["task-a"]),
        timeout_s=40,
        what="the changed group made no difference",
    )
    efs.delete_mount_target(MountTargetId=targets[1]["MountTargetId"])
    feed.wait(lambda: len(files._listening) == 1, timeout_s=40, what="still listening")
    seen["without a target"] = ask(system, made, "/", interfaces["task-b"])
    efs.delete_mount_target(MountTargetId=targets[0]["MountTargetId"])
    feed.wait(lambda: not files._listening, timeout_s=40, what="still listening")
    feed.wait(
        lambda: region.names.lookup(vpc, f"{system}.{suffix}") == (),
        timeout_s=10,
        what="its name is still known",
    )
    files.stop()
    return seen


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def seen(state: Path) -> dict[str, Any]:
    found: dict[str, Any] = run_inside(use, str(state))
    return found


def test_tasks_share_one_folder_under_its_lasting_name(seen: dict[str, Any], state: Path) -> None:
    folder = state / "files" / "notes-foundation-Files" / "notes" / "app"
    assert seen["task-a"] == seen["task-b"] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o750
    assert seen["whole"] == str(state / "files" / "notes-foundation-Files")


def test_what_cannot_reach_a_mount_target_of_its_zone_mounts_nothing(seen: dict[str, Any]) -> None:
    assert "has no mount target in us-east-1c" in seen["task-c"]
    assert "ENI does not reach 10.20.1." in seen["stranger"]
    assert "has no mount target in us-east-1b" in seen["without a target"]


def test_what_does_not_exist_is_named(seen: dict[str, Any]) -> None:
    assert "/nowhere does not exist" in seen["unmade"]
    assert seen["of another"] == "error: AP is not an access point of FS"
    assert "fs-nobody does not exist" in seen["nobody"]


def test_no_folder_is_outside_the_state(seen: dict[str, Any], state: Path) -> None:
    assert Path(seen["other"]).parent == state / "files"
    assert "/way/out leads out of" in seen["link"]
    assert seen["link within"].endswith("/near")
    assert not os.path.lexists("/out")


def test_mount_targets_have_their_names(seen: dict[str, Any]) -> None:
    assert seen["names"]
