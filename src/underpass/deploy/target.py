"""Where a deployment goes, as the pipeline sees it: an AWS account or a running twin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from underpass.config import Config
from underpass.config.model import Consumer, Network, Service, Sidecar


class ConsumerNetwork(Protocol):
    """The consumer's side of a connection: where its endpoint goes."""

    @property
    def vpc_id(self) -> str:
        """The consumer's VPC."""

    @property
    def subnet_ids(self) -> tuple[str, ...]:
        """The subnets of the endpoint, one per zone."""


class Seeded(Protocol):
    """How loading a seed went."""

    @property
    def now(self) -> bool:
        """Whether it was loaded now, and not before."""

    @property
    def note(self) -> str:
        """What else a user should know, such as that the file changed since; empty if nothing."""


class Target(Protocol):
    """What the pipeline needs beyond boto3; the twin and AWS each give their own.

    All methods may be called from several threads at once.

    Attributes
    ----------
    name
        ``twin`` or ``aws``.
    snapshots
        What keeps the data of a database that is deleted with a last snapshot, as a sentence for people.
    self_contained
        Whether it makes itself what an account must have before: the consumers' VPCs, the certificate.
    """

    name: str
    snapshots: str
    self_contained: bool

    def preflight(self, config: Config) -> None:
        """Look for what will not work on this target, before anything is changed.

        Raises
        ------
        UsageError
            With what to change in the configuration.
        """

    def client(self, service: str, consumer: Consumer | None = None) -> Any:
        """Return a boto3 client in the provider's account and region, or in the consumer's."""

    def everywhere(self, service: str) -> Sequence[Any]:
        """Return a client in every account that consumers may be, or have been, in; the provider's first."""

    def publish_image(self, config: Config, repository_uri: str) -> str:
        """Put what ``[service]`` says into the repository and return the image's URI.

        The same source gives the same URI, so that nothing is redeployed without a change.
        """

    def publish_sidecar(self, config: Config, sidecar: Sidecar, repository_uri: str) -> str:
        """Put what one of ``[[service.sidecars]]`` says into the same repository, as ``publish_image`` does.

        There the tasks' execution role may pull it, and without a way to the internet too.
        """

    def load_seed(self, instance_id: str, secret_arn: str, seed: Path) -> Seeded:
        """Load ``seed`` into the database unless a seed was loaded before, and tell which it was.

        Raises
        ------
        UnderpassError
            With file, line and statement, when the database refuses a statement; nothing is kept of it.
        """

    def stand_in_network(self, config: Config) -> Network:
        """Return ``[network]`` with the ids there really are.

        A target that makes the VPC that ``vpc_id`` names makes it first.
        """

    def stand_in_service(self, config: Config, *, make: bool) -> tuple[Service, tuple[str, ...]]:
        """Return ``[service]`` with the secrets and policies there really are, and what to tell of them.

        A target that has none of the user's makes them first, if ``make`` says so.

        Raises
        ------
        UsageError
            When what stands in for them contradicts itself.
        """

    def stand_ins(self, config: Config) -> Config:
        """Return the configuration with the ids of what it says is there already: key, topic, policy.

        A target of its own account makes their like first; others return it as it is.
        """

    def consumer_network(self, consumer: Consumer, zones: Sequence[str]) -> ConsumerNetwork:
        """Return the consumer's VPC, made first where the target makes its own."""

    def dismiss_consumers(self, config: Config) -> None:
        """Delete what the target itself made for consumers that are no longer in the configuration."""

    def answers(self, consumer: Consumer, path: str) -> tuple[bool, str]:
        """Ask the application for ``path`` from within the consumer's VPC: (works, what was seen)."""

    def consumer_url(self, consumer: Consumer) -> str:
        """Return a URL for the user's own browser that goes through the consumer's VPC; empty if none."""
