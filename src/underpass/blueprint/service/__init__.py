"""The service stack: what a release changes.

Parameters: ``Image`` (the application's image); and the outputs of the foundation, the path and the
capacity, by their names. Everything else comes from the configuration.

=========================  ======================================================================
part                       logical ids
=========================  ======================================================================
tasks                      TaskDefinition, TaskRole, ExecutionRole, LogGroup, Service,
                           AlbEgressToTasks, TaskIngressFromAlb
service.tasks min < max    ScalableTarget, ScalingOnCpu, ScalingOnRequests
workers                    Worker<Name>Service, Worker<Name>TaskDefinition and, where their tasks
                           min < max, Worker<Name>ScalableTarget, Worker<Name>ScalingOnCpu
jobs                       JobGroup, JobRole, Job<Name>TaskDefinition, Job<Name>Schedule
=========================  ======================================================================
"""

from __future__ import annotations

from troposphere import GetAtt, Ref, Template

from underpass.blueprint.cross_stack import closed, hand
from underpass.blueprint.service import jobs, program, secrets, service, task, workers
from underpass.blueprint.stack import Stack
from underpass.config import Config


def service_stack(config: Config) -> Stack:
    """Return the service stack."""
    template = Template(Description=f"{config.name}: the service and its tasks (underpass)")
    shared = task.common(template, config, "service", secrets.beside(config))
    definition = task.define(template, config, program.service(config), shared)
    tasks = service.add(template, config, definition)
    service.add_scaling(template, config, tasks)
    outputs = workers.add(template, config, shared)
    outputs |= {"LogGroupName": Ref(shared.logs), "ServiceName": GetAtt(tasks, "Name")}
    if config.jobs:
        outputs["JobGroupName"] = Ref(jobs.add(template, config, shared, tasks))
    for name, value in outputs.items():
        hand(template, name, value)
    return Stack(f"{config.name}-service", closed(template))
