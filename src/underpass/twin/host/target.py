"""The twin as a deployment's target, seen from the host: what boto3 alone cannot do there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from underpass.config import Config
from underpass.config.model import Consumer, Network, Service, Sidecar
from underpass.config.model.secrets import given, replaced
from underpass.errors import UsageError
from underpass.twin.host import (
    accounts,
    addon_types,
    asking,
    consumer_vpcs,
    ids,
    stand_in_databases,
    stand_in_policies,
    stand_in_secrets,
    stand_in_vpcs,
    stand_ins,
    stores,
    ways_out,
)
from underpass.twin.host.running_twins import Running
from underpass.twin.region import control_socket, credentials
from underpass.twin.region.aws import ACCOUNT_ID, Clients
from underpass.twin.services.ecr import bundles


class Seeded(NamedTuple):
    """Whether the seed was loaded now, and what else a user should know."""

    now: bool
    note: str


_made_once = cache(Clients)


def clients(running: Running) -> Clients:
    """Return the clients of a region, which a process makes once."""
    return _made_once(running.api_url, running.region, credentials.read(running.state))


class TwinTarget:
    """A running twin, as ``deploy.pipeline`` uses it."""

    name = "twin"
    self_contained = True

    def __init__(self, running: Running, config: Config) -> None:
        self.snapshots = f"its data stay in {running.state / 'databases'}"
        self._running = running
        self._clients = clients(running)
        self._domain = config.domain
        self._secure = config.tls is not None
        self._service = config.service

    def client(self, service: str, consumer: Consumer | None = None) -> Any:
        """Return a boto3 client on the twin's API, in the consumer's account where it names one."""
        return self._clients_of(consumer.named_account if consumer else "")(service)

    def everywhere(self, service: str) -> list[Any]:
        """Return a client in every account of the twin, its own first."""
        there = control_socket.call(self._running.state, "accounts")
        return [self._clients_of(account)(service) for account in there]

    def _clients_of(self, account: str) -> Clients:
        return accounts.enter(self._clients, account)

    def resolve(self, name: str) -> frozenset[str]:
        """Return a name's addresses as functions see them.

        Raises
        ------
        OSError
            When there are none.
        """
        found = frozenset(control_socket.call(self._running.state, "names", name=name))
        if not found:
            raise OSError(f"{name} has no answer")
        return found

    @staticmethod  # `check --twin` asks it without a region
    def preflight(config: Config) -> None:
        """Refuse what the twin has no way to start, and ways out that lead nowhere in it.

        Raises
        ------
        UsageError
            When the configuration does not say how to start a task as a process, or names an endpoint, a
            prefix list, a security group, a consumer's region, a capability or a type of resource that the
            twin has not.
        """
        ways_out.check(config.network)
        ids.check(config.service, os.geteuid())
        addon_types.check(config)
        stores.check(config.database)
        for consumer in config.consumers:
            if consumer.region not in {None, config.region}:
                raise UsageError(
                    f"consumer {consumer.name} is in {consumer.region}",
                    f"the twin is one region, {config.region}",
                    "leave region out to try it here; the templates have what the other region needs",
                )
        service = config.service
        for one in service.sidecars:
            if not one.process:
                image = f": it has no container engine to run {one.image} with" if one.image else ""
                raise UsageError(
                    f"the twin does not know how to start the sidecar {one.name}",
                    f"its process is empty, and the twin starts containers as processes{image}",
                    f'say how in its [[service.sidecars]], such as process = ["{{python}}", "{one.name}.py"]',
                )
        if not service.process:
            runs = "[service] process is empty, and the twin starts tasks as processes"
            image = f"it has no container engine to run {service.image} with"
            raise UsageError(
                "the twin does not know how to start a task",
                f"{runs}: {image}" if service.image else runs,
                'say how in underpass.toml, such as process = ["{python}", "-m", "app"]',
            )

    def publish_image(self, config: Config, repository_uri: str) -> str:
        """Copy the build folder into the twin's store of images and return the image's URI."""
        service = config.service
        return self._publish(config, service.build, service.process, repository_uri)

    def publish_sidecar(self, config: Config, sidecar: Sidecar, repository_uri: str) -> str:
        """Copy the sidecar's build folder, or this one's where its image is none of ours, as an image."""
        return self._publish(config, sidecar.build, sidecar.process, repository_uri)

    def _publish(
        self, config: Config, build: str | None, process: Sequence[str], repository_uri: str
    ) -> str:
        folder = config.folder / (build or ".")
        python = bundles.python_for(process, config.folder)
        return bundles.publish(self._running.state, repository_uri, folder, process, python)

    def load_seed(self, instance_id: str, secret_arn: str, seed: Path) -> Seeded:
        """Load the seed file through the region, which reaches the database."""
        loaded = control_socket.call(
            self._running.state,
            "seed",
            instance_id=instance_id,
            secret_arn=secret_arn,
            seed=str(seed.resolve()),
            timeout_s=600,
        )
        return Seeded(**loaded)

    def stand_in_network(self, config: Config) -> Network:
        """Return ``[network]`` as it is, with the ids of an existing VPC, which is made on first use."""
        network = config.network
        return stand_in_vpcs.ensure(self._clients, config) if network.vpc_id else network

    def stand_in_service(self, config: Config, *, make: bool) -> tuple[Service, tuple[str, ...]]:
        """Return ``[service]`` with the twin's own secrets and policies, and what stands in for them."""
        service = config.service
        if not given(service) and not service.policies:
            return service, ()
        policies = stand_in_policies.ensure(self._clients, config, make=make)
        secrets, notes = stand_in_secrets.ensure(self._clients, config, make=make)
        return replaced(service, secrets).model_copy(update={"policies": policies}), notes

    def stand_ins(self, config: Config) -> Config:
        """Return the configuration with what stands here for the key, bucket, topic and policy it names."""
        there = stand_ins.ensure(self._clients, config)
        if there.database and there.database.existing:
            database = stand_in_databases.ensure(self._clients, there, there.database)
            return there.model_copy(update={"database": database})
        return there

    def consumer_network(
        self, consumer: Consumer, zones: Sequence[str]
    ) -> consumer_vpcs.ConsumerVpc:
        """Return the consumer's VPC, made on first use."""
        there = self._clients_of(consumer.named_account)
        return consumer_vpcs.ensure(there, consumer.name, consumer.blocks, zones)

    def dismiss_consumers(self, config: Config) -> None:
        """Delete the VPCs of consumers that are no longer in the configuration, or in another account now."""
        for account in control_socket.call(self._running.state, "accounts"):
            there = [
                consumer.name
                for consumer in config.consumers
                if (consumer.named_account or ACCOUNT_ID) == account
            ]
            consumer_vpcs.dismiss(self._clients_of(account), there)

    def answers(self, consumer: Consumer, path: str) -> tuple[bool, str]:
        """Ask for ``path`` through the consumer's port forward; a redirect is an answer, as to the ALB."""
        forwarded = ("127.0.0.1", self._running.forwards[consumer.name])
        return asking.ask(self._service, forwarded, self._domain, path, secure=self._secure)

    def consumer_url(self, consumer: Consumer) -> str:
        """Return the loopback URL that goes through the consumer's VPC."""
        scheme = "https" if self._secure else "http"
        return f"{scheme}://127.0.0.1:{self._running.forwards[consumer.name]}/"
