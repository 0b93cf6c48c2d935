"""The path stack: the way in, from the endpoint service to the ALB's target group.

It stands before the first task does, and a release leaves it alone. Parameters: ``Protect``, see
``protection``; and the foundation's outputs, by their names.

=========================  ======================================================================
part                       logical ids
=========================  ======================================================================
balancers                  Nlb, NlbListener, NlbTargetGroup, NlbSecurityGroup, Alb, AlbListener,
                           AlbTargetGroup, AlbSecurityGroup
named blocks               NlbIngressFrom + BLOCK, AlbIngressFromNlb; without any AlbIngressFrom + BLOCK
health_check.port          AlbEgressToHealthPort, TaskIngressOfChecks
alb_targets = "lambda"     RegistrarFunction, RegistrarRole, RegistrarLogGroup, RegistrarSchedule,
                           RegistrarInterfaceRule, RegistrarAlbRule, RegistrarQueue,
                           RegistrarQueuePolicy, RegistrarEventSource
PrivateLink                EndpointService, EndpointServicePermissions
=========================  ======================================================================
"""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.cross_stack import closed, hand
from underpass.blueprint.path import balancers, privatelink, registrar
from underpass.blueprint.stack import Stack
from underpass.config import Config


def path_stack(config: Config) -> Stack:
    """Return the stack of the balancers, the registrar and the PrivateLink offer."""
    template = Template(Description=f"{config.name}: balancers and PrivateLink (underpass)")
    path = balancers.add(template, config)
    outputs = path.outputs()
    if config.tls:
        outputs["CertificateArn"] = config.tls.certificate
    if config.privatelink.alb_targets == "lambda":
        outputs |= registrar.add(template, config, path)
    outputs |= privatelink.add(template, config, path)
    for name, value in outputs.items():
        hand(template, name, value)
    return Stack(f"{config.name}-path", closed(template))
