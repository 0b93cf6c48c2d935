"""The monitoring stack: the dashboard, and the alarms that tell the foundation's topic.

A stack of its own, so that the service's stays small and an alarm that CloudWatch refuses never rolls a
release back. What it watches are parameters, called like the outputs of the foundation and of the service
that hold them.

=========================  ======================================================================
part                       logical ids
=========================  ======================================================================
path                       NlbHealthyHostsZone<n>, NlbUnhealthyHosts, NlbResets, NlbPortAllocation,
                           AlbHealthyHosts[Zone<n>], AlbUnhealthyHosts, AlbErrors, TargetErrors,
                           Latency, EndpointConnectionNotification
tls                        CertificateExpiry
service                    TaskShortfall (unless container_insights = "off"), ServiceCpu,
                           ServiceMemory, CapacityShortage, InstanceCredits
workers                    Worker<Name>Shortfall (unless container_insights = "off"),
                           Worker<Name>Memory
egress = "nat"             NatPorts<n>
alb_targets = "lambda"     RegistrarErrors, RegistrarStale, RegistrarHeldBack
database                   DatabaseCpu, DatabaseStorage, DatabaseConnections, DatabaseMemory,
                           DatabaseCredits, DatabaseEvents
rotation_days, _window              RotationErrors, RotationThrottles
files                      FilesIoLimit
jobs                       JobFailures (a rule), JobStarts, JobNotices
all of them                Dashboard
=========================  ======================================================================
"""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.cross_stack import closed, given
from underpass.blueprint.monitoring import connections, dashboard, database, jobs, path, service
from underpass.blueprint.stack import Stack
from underpass.config import Config


def monitoring_stack(config: Config) -> Stack:
    """Return the dashboard and the alarms of what the configuration has."""
    template = Template(Description=f"{config.name}: dashboard and alarms (underpass)")
    topic = given("TopicArn")
    path.add(template, config, topic)
    service.add_tasks(template, config, topic)
    service.add_workers(template, config, topic)
    if config.network.egress == "nat" and not config.network.vpc_id:
        service.add_nat(template, config, topic)
    if config.privatelink.alb_targets == "lambda":
        service.add_registrar(template, config, topic)
    if config.instance:
        database.add(template, config, topic)
    if config.files:
        service.add_files(template, config, topic)
    if config.jobs:
        jobs.add(template, config, topic)
    connections.add(template, topic)
    dashboard.add(template, config)
    return Stack(f"{config.name}-monitoring", closed(template))
