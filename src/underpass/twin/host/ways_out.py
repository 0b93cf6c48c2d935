"""What ``[network]`` opens beyond underpass's own, and the twin has nothing at the other end of."""

from __future__ import annotations

from underpass.config.model import Network
from underpass.errors import UsageError
from underpass.twin.region.aws_hosts import BY_NAME

# Hosts have a service's parts the other way round: api.ecr of the endpoint ecr.api.
_CARRIED = frozenset(".".join(reversed(host.split("."))) for host in BY_NAME.values())
_OTHER_HOSTS = frozenset(
    {"ecr.dkr", "ecs-agent", "ecs-telemetry", "ssmmessages"}
)  # underpass's own


def check(network: Network) -> None:
    """Refuse what could be made, and would carry nothing.

    Raises
    ------
    UsageError
        With what the twin can do instead.
    """
    for name in network.endpoints:
        if name not in _CARRIED | _OTHER_HOSTS:
            raise UsageError(
                f"the twin has no endpoint to {name}",
                f"[network] endpoints names it, and tasks are told where to find {_listed()} only",
                "leave it out for the twin",
            )
    for way in network.allow_out:
        if peer := way.prefix_list or way.security_group:
            raise UsageError(
                f"the twin does not know {peer}",
                f"[network] allow_out opens port {way.port} to it, and it is not one of the twin's own",
                "write the addresses as cidr",
            )


def _listed() -> str:
    *first, last = sorted(_CARRIED)
    return f"{', '.join(first)} and {last}"
