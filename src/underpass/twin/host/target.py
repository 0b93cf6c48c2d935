"""The twin as a deployment's target, seen from the host: what boto3 alone cannot do there."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from underpass.config import Config
from underpass.config.model import Consumer, Database, Network
from underpass.errors import UsageError
from underpass.twin.host import consumer_vpcs, stand_in_databases, stand_in_vpcs, stores, ways_out
from underpass.twin.host.running_twins import Running
from underpass.twin.region import control_socket, credentials
from underpass.twin.region.aws import Clients
from underpass.twin.services.ecr import bundles

_ANSWER_TIMEOUT_S = 5


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
        self._scheme = "https" if config.tls else "http"

    def client(self, service: str, consumer: Consumer | None = None) -> Any:  # noqa: ARG002  one account
        """Return a boto3 client on the twin's API."""
        return self._clients(service)

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

    def preflight(self, config: Config) -> None:
        """Refuse what the twin has no way to start, and ways out that lead nowhere in it.

        Raises
        ------
        UsageError
            When the configuration does not say how to start a task as a process, or names an endpoint, a
            prefix list, a security group or a consumer's region that the twin has not.
        """
        ways_out.check(config.network)
        stores.check(config.database)
        for consumer in config.consumers:
            if consumer.region not in {None, config.region}:
                raise UsageError(
                    f"consumer {consumer.name} is in {consumer.region}",
                    f"the twin is one region, {config.region}",
                    "leave region out to try it here; the templates have what the other region needs",
                )
        service = config.service
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
        folder = config.folder / (service.build or ".")
        python = bundles.python_for(service.process, config.folder)
        return bundles.publish(self._running.state, repository_uri, folder, service.process, python)

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

    def stand_in_database(self, config: Config) -> Database | None:
        """Return ``[database]`` as it is, with the ids of an existing one, which is made on first use."""
        database = config.database
        if database and database.existing:
            return stand_in_databases.ensure(self._clients, config, database)
        return database

    def consumer_network(
        self, consumer: Consumer, zones: Sequence[str]
    ) -> consumer_vpcs.ConsumerVpc:
        """Return the consumer's VPC, made on first use."""
        return consumer_vpcs.ensure(self._clients, consumer.name, consumer.blocks, zones)

    def dismiss_consumers(self, config: Config) -> None:
        """Delete the VPCs of consumers that are no longer in the configuration."""
        consumer_vpcs.dismiss(self._clients, [consumer.name for consumer in config.consumers])

    def answers(self, consumer: Consumer, path: str) -> tuple[bool, str]:
        """Ask for ``path`` through the consumer's port forward; a redirect is an answer, as to the ALB."""
        forwarded = ("127.0.0.1", self._running.forwards[consumer.name])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without the world's authorities, 50 ms
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the twin's own issuing
        with closing(
            http.client.HTTPSConnection(*forwarded, timeout=_ANSWER_TIMEOUT_S, context=context)
            if self._scheme == "https"
            else http.client.HTTPConnection(*forwarded, timeout=_ANSWER_TIMEOUT_S)
        ) as line:
            try:
                line.request("GET", path, headers={"Host": self._domain})
                status = line.getresponse().status
            except (OSError, http.client.HTTPException) as error:
                return False, str(error) or type(error).__name__
        return status < 400, f"HTTP {status}"

    def consumer_url(self, consumer: Consumer) -> str:
        """Return the loopback URL that goes through the consumer's VPC."""
        return f"{self._scheme}://127.0.0.1:{self._running.forwards[consumer.name]}/"
