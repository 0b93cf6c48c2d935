"""The service stack: what runs the application, and the way in to it.

Parameters: ``Image`` (the application's image); on EC2 ``InstanceImage`` (the AMI, by its public SSM
parameter); and the foundation's outputs, by their names. Everything else comes from the configuration.

=========================  ======================================================================
part                       logical ids
=========================  ======================================================================
balancers                  Nlb, NlbListener, NlbTargetGroup, NlbSecurityGroup, Alb, AlbListener,
                           AlbTargetGroup, AlbSecurityGroup, AlbIngressFromNlb, TaskIngressFromAlb
alb_targets = "lambda"     RegistrarFunction, RegistrarRole, RegistrarLogGroup, RegistrarSchedule,
                           RegistrarInterfaceRule, RegistrarAlbRule, RegistrarQueue,
                           RegistrarQueuePolicy, RegistrarEventSource
cluster                    Cluster, ClusterCapacityProviders
capacity.provider = "ec2"  LaunchTemplate, AutoScalingGroup, CapacityProvider, InstanceRole,
                           InstanceProfile, InstanceSecurityGroup
tasks                      TaskDefinition, TaskRole, ExecutionRole, LogGroup, Service
service.tasks min < max    ScalableTarget, ScalingOnCpu, ScalingOnRequests
service.exec               ExecLogGroup
PrivateLink                EndpointService, EndpointServicePermissions,
                           EndpointConnectionNotification
rotation_days, _window     RotationFunction, RotationRole, RotationLogGroup, RotationPermission,
                           RotationSchedule, AdministratorRotationSchedule
=========================  ======================================================================
"""

from __future__ import annotations

from troposphere import GetAtt, Ref, Template

from underpass.blueprint.cross_stack import closed, hand
from underpass.blueprint.service import (
    balancers,
    cluster,
    privatelink,
    registrar,
    rotation,
    service,
    task,
)
from underpass.blueprint.stack import Stack
from underpass.config import Config


def service_stack(config: Config) -> Stack:
    """Return the service stack."""
    template = Template(
        Description=f"{config.name}: service, balancers and PrivateLink (underpass)"
    )
    path = balancers.add(template, config)
    outputs = path.outputs()
    if config.privatelink.alb_targets == "lambda":
        outputs |= registrar.add(template, config, path)
    capacity = cluster.add(template, config)
    definition, task_outputs = task.add(template, config)
    outputs |= task_outputs
    tasks = service.add(template, config, capacity, definition, path)
    service.add_scaling(template, config, capacity.cluster, tasks, path)
    outputs |= {"ClusterName": Ref(capacity.cluster), "ServiceName": GetAtt(tasks, "Name")}
    if config.capacity.provider == "ec2":
        outputs["CapacityProviderName"] = capacity.provider
    outputs |= privatelink.add(template, config, path)
    if config.database and config.database.rotates:
        outputs |= rotation.add(template, config, config.database)
    for name, value in outputs.items():
        hand(template, name, value)
    return Stack(f"{config.name}-service", closed(template))
