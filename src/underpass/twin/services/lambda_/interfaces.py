"""The interfaces of functions in VPCs: one for each subnet and set of groups, shared by all who use both.

Functions run in the namespaces of these: the VPC's routes, security groups, names and endpoints are theirs.
What there is, EC2 knows: whoever fails between two calls leaves nothing that the next turn would not find.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-enis
"""

from __future__ import annotations

import contextlib
import logging
import random
import uuid
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from underpass.twin.region.context import Region
from underpass.twin.region.topics import Topic
from underpass.twin.services.ec2.model import Network
from underpass.twin.services.ec2.patches import change_interface
from underpass.twin.services.lambda_.model import PendingError, VpcConfig

log = logging.getLogger(__name__)

_DESCRIPTION = "AWS Lambda VPC ENI-"
_KIND = "lambda"
_UP_S = 30.0

Key = tuple[str, tuple[str, ...]]  # a subnet and its groups, in order


class Networks(Protocol):
    """What makes interfaces real."""

    def up(self, name: str) -> bool:
        """Return whether an interface is wired and firewalled."""

    def path(self, name: str) -> str:
        """Return the path of its namespace."""

    def network(self) -> Network:
        """Return the network they belong to."""


@dataclass(frozen=True)
class Interface:
    """An interface that functions run in."""

    id: str
    vpc_id: str


class Interfaces:
    """The interfaces of a region's functions; ``keep`` is for one thread, the rest for any."""

    def __init__(self, region: Region, networks: Networks) -> None:
        self._region = region
        self._networks = networks
        self._made: Mapping[Key, Interface] = {}
        self._ever = False

    def keep(self, wanted: Mapping[Key, str], busy: AbstractSet[str]) -> None:
        """Make what is wanted, and delete what is neither that nor ``busy``.

        Parameters
        ----------
        wanted
            The name of a function that uses it, by subnet and groups.
        busy
            The interfaces in which a function that is gone or has changed still runs.

        Raises
        ------
        ExceptionGroup
            When some could not be made; the others were.
        """
        self._ever = self._ever or bool(wanted)
        if not self._ever:
            return
        there, failed = self._described(), []
        for key in wanted.keys() - there.keys():
            try:
                there[key] = self._make(key, wanted[key])
            except ClientError as error:
                failed.append(error)
        for key in there.keys() - wanted.keys():
            if there[key].id not in busy:
                self._delete(there.pop(key).id)
        self._ever = bool(there or wanted)
        if there != self._made:
            self._made = there
            self._region.feed.publish(
                Topic.STATES
            )  # for those who wait for a function to be active
        if failed:
            raise ExceptionGroup("interfaces of functions could not be made", failed)

    def ready(self, vpc: VpcConfig) -> bool:
        """Tell whether a function can run: all its interfaces are up."""
        made = [self._made.get(key) for key in keys(vpc)]
        return all(one is not None and self._usable(one) for one in made)

    def _usable(self, interface: Interface) -> bool:
        """Tell whether an interface is up, and its VPC's names are served where it has any."""
        if not self._networks.up(interface.id):
            return False
        vpcs = {vpc.id: vpc for vpc in self._networks.network().vpcs}
        named = interface.vpc_id in vpcs and vpcs[interface.vpc_id].dns_support
        return not named or self._region.resolv_conf(interface.vpc_id).exists()

    def place(self, vpc: VpcConfig) -> Interface:
        """Return one of a function's interfaces that is up, any of them; wait for the first.

        Raises
        ------
        PendingError
            When there is none in time.
        """

        def found() -> Interface | None:
            up = [one for key in keys(vpc) if (one := self._made.get(key)) and self._usable(one)]
            return random.choice(up) if up else None  # noqa: S311  whichever

        try:
            return self._region.feed.wait(
                found, timeout_s=_UP_S, what="no interface is up", recheck_s=0.1
            )
        except TimeoutError as error:
            raise PendingError from error

    def path(self, interface: Interface) -> str:
        """Return the path of an interface's namespace."""
        return self._networks.path(interface.id)

    def _described(self) -> dict[Key, Interface]:
        described = self._region.clients("ec2").describe_network_interfaces(
            Filters=[{"Name": "description", "Values": [f"{_DESCRIPTION}*"]}]
        )["NetworkInterfaces"]
        return {_key(one): Interface(one["NetworkInterfaceId"], one["VpcId"]) for one in described}

    def _make(self, key: Key, function: str) -> Interface:
        subnet_id, groups = key
        made = self._region.clients("ec2").create_network_interface(
            SubnetId=subnet_id,
            Groups=list(groups),
            Description=f"{_DESCRIPTION}{function}-{uuid.uuid4()}",
        )["NetworkInterface"]
        change_interface(
            self._region.name,
            made["NetworkInterfaceId"],
            status="in-use",
            requester_managed=True,
            interface_type=_KIND,
        )
        log.info("function %s: interface %s", function, made["NetworkInterfaceId"])
        return Interface(made["NetworkInterfaceId"], made["VpcId"])

    def _delete(self, interface_id: str) -> None:
        with contextlib.suppress(ClientError):  # it is gone
            self._region.clients("ec2").delete_network_interface(NetworkInterfaceId=interface_id)


def keys(vpc: VpcConfig) -> Iterator[Key]:
    """Yield which interfaces a function needs."""
    for subnet_id in vpc.subnet_ids:
        yield subnet_id, vpc.group_ids


def _key(described: Mapping[str, Any]) -> Key:
    groups = sorted(group["GroupId"] for group in described["Groups"])
    return described["SubnetId"], tuple(groups)
