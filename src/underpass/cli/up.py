"""What ``up`` does: a region, started or found, and a deployment to it; all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from underpass.config import Config
from underpass.config.hints import command
from underpass.errors import UsageError
from underpass.twin.host import answering, launch
from underpass.twin.host.running_twins import Running, find, refuse_another_version, state_folder

if TYPE_CHECKING:
    from underpass.deploy.pipeline import Result
    from underpass.deploy.steps import Event

REGION = "us-east-1"  # of an empty twin
_ASKED = ("cloudformation", "ec2", "ecs", "elbv2", "s3", "sts")  # by a deployment
ANSWER_TIMEOUT_S = 60.0  # for the path, once everything stands: on the twin it takes one or two


def bring_up(
    config: Config,
    emit: Callable[[Event], None],
    *,
    port: int | None,
    api_port: int | None,
    allowed: Collection[str] = (),
) -> tuple[Running, Result]:
    """Deploy ``config`` to its twin, starting one where none runs.

    A region that this call started ends with it when the deployment fails; one that ran before goes on.

    Parameters
    ----------
    allowed
        Logical ids of resources that hold data and may be replaced or removed all the same.

    Raises
    ------
    UnderpassError
        When the machine, the configuration or the application does not let it come up.
    """
    if port is not None and not config.consumers:
        raise UsageError(
            "--port is the port of the first consumer", "there is none", "leave it out, or name one"
        )
    aims = {consumer.name: (config.domain, config.listener_port) for consumer in config.consumers}
    state = state_folder(config.folder)
    with launch.locked(state):
        running = find(state)
        if running is None:
            fresh = launch.start(
                state,
                config.name,
                config.region,
                api_port=api_port,
                postgres=config.database.version if config.database else None,
                meanwhile=partial(_read_ahead, config),
            )
            try:
                running = launch.open_forwards(fresh.running, aims, port=port)
                result = _deploy(config, running, emit, allowed)
            except BaseException:
                launch.stop(fresh.running)
                raise
            fresh.keep()
            return running, result
        same_application(running, config)
        _same_api_port(running, api_port)
        answering.check(running)
        running = launch.open_forwards(running, aims, port=port)
        return running, _deploy(config, running, emit, allowed)


def bring_up_empty(folder: Path, *, api_port: int | None) -> Running:
    """Return the region of a folder with nothing deployed, started where none runs.

    Raises
    ------
    UnderpassError
        When an application runs there, the folder is none, or the machine does not let it come up.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", "", "make it, or name another")
    state = state_folder(folder)
    with launch.locked(state):
        running = find(state)
        if running is None:
            fresh = launch.start(state, "", REGION, api_port=api_port)
            fresh.keep()
            return fresh.running
        if running.name:
            raise UsageError(
                f"this twin runs {running.name}",
                "--empty starts one with nothing deployed",
                f"use it as it is, or run {command('down', folder)} first",
            )
        refuse_another_version(running)
        _same_api_port(running, api_port)
        answering.check(running)
        return running


def _read_ahead(config: Config, running: Running) -> None:
    """Import and make what a deployment needs while the region starts: a second that nobody waits for."""
    from underpass import blueprint
    from underpass.deploy import pipeline  # noqa: F401
    from underpass.twin.host import target
    from underpass.twin.services.ecr import bundles

    bundles.matcher()
    for service in _ASKED:
        target.clients(running)(service)
    blueprint.stacks(config)


def _deploy(
    config: Config, running: Running, emit: Callable[[Event], None], allowed: Collection[str]
) -> Result:
    from underpass.deploy import pipeline
    from underpass.twin.host.target import TwinTarget

    target = TwinTarget(running, config)
    how: dict[str, Any] = {"answer_timeout_s": ANSWER_TIMEOUT_S, "allowed": allowed}
    with answering.explained(running):
        return pipeline.deploy(config, target, emit, **how)


def _same_api_port(running: Running, wanted: int | None) -> None:
    """Refuse another port than the one a running twin has: it was bound before the region began."""
    if wanted not in (None, running.api_port):
        raise UsageError(
            f"the API of this twin is at port {running.api_port}, not {wanted}",
            "it keeps its port for as long as it runs",
            f"leave --api-port out, or run {command('down', running.state.parent)} first",
        )


def same_application(running: Running, config: Config) -> None:
    """Refuse a configuration of another application, or region, than the twin runs.

    Raises
    ------
    UnderpassError
        With what both are; also for a twin that another version of underpass started.
    """
    refuse_another_version(running)
    if not running.name:
        raise UsageError(
            "the twin that runs here was started with --empty",
            "what your own tools deployed there would stand beside the application",
            f"run {command('down', config.folder)} first",
        )
    if (running.name, running.region) != (config.name, config.region):
        raise UsageError(
            f"this twin runs {running.name} in {running.region}",
            f"underpass.toml now says {config.name} in {config.region}",
            f"run {command('down', config.folder)} first",
        )
