"""Consumers' stacks: their parameters and tags, and accepting the connections that are ours.

https://docs.aws.amazon.com/vpc/latest/privatelink/configure-endpoint-service.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

from underpass.config import Config
from underpass.config.model import Consumer
from underpass.deploy.stacks import stack as existing
from underpass.deploy.stacks.events import StackEvent
from underpass.deploy.target import ConsumerNetwork, Target
from underpass.errors import UnderpassError

_APPLICATION, _CONSUMER = "underpass:application", "underpass:consumer"

GONE = "it is no longer in underpass.toml"


def parameters(network: ConsumerNetwork, service_name: str) -> dict[str, str]:
    """Return what the consumer's stack is deployed with."""
    return {
        "EndpointServiceName": service_name,
        "VpcId": network.vpc_id,
        "SubnetIds": ",".join(network.subnet_ids),
    }


def tags(config: Config, name: str) -> dict[str, str]:
    """Return what marks the stack of a consumer as made by underpass, for this application."""
    return {_APPLICATION: config.name, _CONSUMER: name}


class Dropped(NamedTuple):
    """A consumer's stack that is wanted no more, and CloudFormation where it is."""

    name: str
    stack: existing.Description
    cloudformation: Any
    why: str


def dropped(target: Target, config: Config) -> list[Dropped]:
    """Return the stacks of consumers that are no longer in the configuration, or in another account now.

    Only those in accounts that the target knows: nobody else remembers where others were.
    """
    accounts = {consumer.name: consumer.named_account for consumer in config.consumers}
    elsewhere = {consumer.name for consumer in config.consumers if consumer.profile}
    found = []
    for position, cloudformation in enumerate(target.everywhere("cloudformation")):
        for stack in existing.tagged(cloudformation, **{_APPLICATION: config.name}):
            name, here = stack.tags.get(_CONSUMER), stack.id.split(":")[4]
            # A consumer that names no account, nor a profile that leads to one, is in the provider's.
            own = here if position == 0 or name in elsewhere else ""
            if name is not None and (name not in accounts or (accounts[name] or own) != here):
                why = f"of account {here}: it is in another now" if name in accounts else GONE
                found.append(Dropped(name, stack, cloudformation, why))
    return found


def check_private_name(ec2: Any, service_id: str, consumer: Consumer) -> None:
    """Refuse an endpoint that is to answer to the service's private name before that is verified.

    Parameters
    ----------
    ec2
        A boto3 EC2 client in the provider's account.

    Raises
    ------
    UnderpassError
        With the record that proves whose the name is.
    """
    if not consumer.private_dns:
        return
    asked = ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[service_id])
    service = asked["ServiceConfigurations"][0]
    proof = service.get("PrivateDnsNameConfiguration", {})
    if proof.get("State") != "verified":
        name = service.get("PrivateDnsName", "private_dns_name")
        record = f'{proof.get("Name", "")}.{name} TXT "{proof.get("Value", "")}"'
        raise UnderpassError(
            f"{name} is {proof.get('State', 'unknown')}, and consumer {consumer.name} has private_dns = true",
            f"the record that proves whose it is: {record}",
            "add it to the public zone, then run `aws ec2 "
            f"start-vpc-endpoint-service-private-dns-verification --service-id {service_id}`",
        )


class Acceptance:
    """Accepts the connection of one consumer stack's endpoint, as soon as it waits for that.

    Only endpoints that stack made: whoever else asks has to be accepted by somebody.

    Parameters
    ----------
    ec2
        A boto3 EC2 client in the provider's account.
    service_id
        The endpoint service.
    """

    def __init__(self, ec2: Any, service_id: str) -> None:
        self._ec2 = ec2
        self._service_id = service_id
        self._endpoints: set[str] = set()
        self._settled: set[str] = set()

    def watch(self, events: tuple[StackEvent, ...]) -> None:
        """Take note of the endpoint from its stack's events and accept it, if it waits already."""
        for event in events:
            if event.type == "AWS::EC2::VPCEndpoint" and event.physical_id.startswith("vpce-"):
                self._endpoints.add(event.physical_id)
        self._accept()

    def finish(self, endpoint_id: str) -> bool:
        """Accept the endpoint the stack ended up with, and return whether its connection is there.

        Raises
        ------
        UnderpassError
            When the connection was rejected or has failed.
        """
        self._endpoints.add(endpoint_id)
        self._accept()
        return endpoint_id in self._settled

    def _accept(self) -> None:
        if self._endpoints <= self._settled:
            return
        states = self._states()
        pending = [name for name, state in states.items() if state == "pendingAcceptance"]
        if pending:
            answer = self._ec2.accept_vpc_endpoint_connections(
                ServiceId=self._service_id, VpcEndpointIds=pending
            )
            if refused := answer.get("Unsuccessful"):
                raise UnderpassError(
                    f"endpoint {refused[0]['ResourceId']} cannot be accepted",
                    refused[0]["Error"]["Message"],
                )
        for name, state in states.items():
            if state.lower() in ("rejected", "failed", "expired"):
                raise UnderpassError(
                    f"the connection of endpoint {name} is {state}",
                    "the provider's side refused it, or AWS did",
                    "delete the consumer's stack and run the command again",
                )
        self._settled.update(states)

    def _states(self) -> dict[str, str]:
        """Return the state of each connection of ours; an endpoint may take a moment to show."""
        return {
            connection["VpcEndpointId"]: connection["VpcEndpointState"]
            for connection in connections(self._ec2, self._service_id)
            if connection["VpcEndpointId"] in self._endpoints
        }


def connections(ec2: Any, service_id: str) -> list[Any]:
    """Return every connection of an endpoint service, as EC2 describes it."""
    pages = ec2.get_paginator("describe_vpc_endpoint_connections").paginate(
        Filters=[{"Name": "service-id", "Values": [service_id]}]
    )
    return [connection for page in pages for connection in page["VpcEndpointConnections"]]
