"""The workers: ECS services of the application's image that nobody connects to.

In the service's stack, with its roles and its log: a release moves all of them on, or none.
"""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Template
from troposphere.ecs import Service

from underpass.blueprint.service import service, task
from underpass.blueprint.service.program import Program
from underpass.blueprint.service.task import Common
from underpass.config import Config
from underpass.config.model import Worker


def add(template: Template, config: Config, shared: Common) -> dict[str, Any]:
    """Add the service of each worker, and what scales it; return the stack's outputs of them."""
    return {
        f"{one.title}ServiceName": GetAtt(_add(template, config, one, shared), "Name")
        for one in config.workers
    }


def _add(template: Template, config: Config, worker: Worker, shared: Common) -> Service:
    title = worker.title
    definition = task.define(template, config, program(config, worker), shared)
    scales = 0 < worker.tasks.min < worker.tasks.max
    tasks = service.add_unbalanced(
        template, config, f"{title}Service", definition, worker.tasks.min, scales=scales
    )
    if scales:
        service.scale_on_cpu(template, title, tasks, worker.tasks, worker.scaling.cpu)
    return tasks


def program(config: Config, worker: Worker) -> Program:
    """Return what a worker runs."""
    return Program(
        name=worker.name,
        family=config.family(worker.name),
        title=worker.title,
        cpu=worker.cpu or config.service.cpu,
        memory_mib=worker.memory or config.service.memory,
        stop_timeout_s=worker.stop_timeout,
        command=worker.command,
        health_command=worker.health_command,
        environment=worker.environment,
    )
