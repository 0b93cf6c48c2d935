"""The two load balancers of the path: NLB (what PrivateLink offers) and ALB (what knows the tasks)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from troposphere import GetAtt, Ref, Template
from troposphere.ec2 import SecurityGroup, SecurityGroupIngress
from troposphere.elasticloadbalancingv2 import (
    Action,
    Certificate,
    Listener,
    LoadBalancer,
    LoadBalancerAttributes,
    Matcher,
    TargetDescription,
    TargetGroup,
    TargetGroupAttribute,
)

from underpass.blueprint.addresses import zones
from underpass.blueprint.checkov_skips import skipped
from underpass.blueprint.cross_stack import given, given_list
from underpass.blueprint.protection import protection
from underpass.blueprint.security_groups import (
    admit,
    admit_block,
    group_id,
    reach,
    security_group,
    tcp,
)
from underpass.config import Config

HEALTHY_CODES = "200-399"
ANY_ANSWER = "200-499"
INCOMPATIBLE = "464"  # what an ALB answers to HTTP/1.1 where its targets speak HTTP/2 or gRPC
KEEP_ALIVE_S = 3600
A_DAY_S = 86_400  # a sticky cookie's, as AWS's own default

# TLS 1.3 and 1.2 with forward secrecy only. Not 1.3 alone: the health checks of an ALB-type target
# group would fail. https://docs.aws.amazon.com/elasticloadbalancing/latest/network/application-load-balancer-target.html
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"

_PLAIN_HTTP = skipped(
    dict.fromkeys(
        ("CKV_AWS_2", "CKV_AWS_103"),
        "Without [tls] the path is HTTP: private from the consumer's VPC to the task",
    )
)


@dataclass(frozen=True)
class Path:
    """The path from the endpoint service to the tasks."""

    nlb: LoadBalancer
    nlb_target_group: TargetGroup
    nlb_listener: Listener
    alb: LoadBalancer
    alb_group: SecurityGroup
    alb_target_group: TargetGroup
    alb_listener: Listener

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs about the path."""
        return {
            "NlbArn": Ref(self.nlb),
            "NlbDnsName": GetAtt(self.nlb, "DNSName"),
            "NlbFullName": GetAtt(self.nlb, "LoadBalancerFullName"),
            "NlbTargetGroupArn": Ref(self.nlb_target_group),
            "NlbTargetGroupFullName": GetAtt(self.nlb_target_group, "TargetGroupFullName"),
            "AlbArn": Ref(self.alb),
            "AlbDnsName": GetAtt(self.alb, "DNSName"),
            "AlbSecurityGroupId": group_id(self.alb_group),
            "AlbFullName": GetAtt(self.alb, "LoadBalancerFullName"),
            "AlbTargetGroupArn": Ref(self.alb_target_group),
            "AlbTargetGroupFullName": GetAtt(self.alb_target_group, "TargetGroupFullName"),
        }


def add(template: Template, config: Config) -> Path:
    """Add both balancers, in the application subnets of every zone."""
    groups = _security_groups(template, config)
    protected = protection(template, config)
    alb = template.add_resource(_alb(config, protected, groups.alb))
    way = _way_of_checks(template, config, groups.alb)
    alb_target_group = template.add_resource(_alb_target_group(config, way))
    alb_listener = template.add_resource(_alb_listener(config, alb, alb_target_group))
    nlb = template.add_resource(_nlb(config, protected, groups))
    nlb_target_group = template.add_resource(_nlb_target_group(config, alb, alb_listener))
    nlb_listener = template.add_resource(
        Listener(
            "NlbListener",
            LoadBalancerArn=Ref(nlb),
            Port=config.listener_port,
            Protocol="TCP",  # with TLS too: TLS ends at the ALB
            DefaultActions=[Action(Type="forward", TargetGroupArn=Ref(nlb_target_group))],
        )
    )
    return Path(
        nlb, nlb_target_group, nlb_listener, alb, groups.alb, alb_target_group, alb_listener
    )


@dataclass(frozen=True)
class _Groups:
    """The balancers' groups, and the rules by which PrivateLink's traffic gets in."""

    nlb: SecurityGroup
    alb: SecurityGroup
    admitting: tuple[SecurityGroupIngress, ...]


def _security_groups(template: Template, config: Config) -> _Groups:
    """Add both groups.

    Inbound rules that are enforced on PrivateLink traffic match the *consumer's* address: each named block
    is admitted, no other, and the ALB's group may then name the NLB's. Where they are not, PrivateLink's
    principals and acceptance decide alone, no rule admits anyone within the VPC, and the ALB has to admit
    the NLB's addresses instead of its group.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html

    The rules are resources of their own, so that what is no longer wanted goes in the clean-up, when the
    NLB has been told whether to enforce them and new tasks listen on the new port.
    """
    vpc_id, port = given("VpcId"), config.listener_port
    alb = security_group(template, "AlbSecurityGroup", vpc_id, "The ALB: reached by the NLB only")
    nlb = security_group(
        template,
        "NlbSecurityGroup",
        vpc_id,
        "The NLB: reached over PrivateLink",
        egress=[tcp(port, "ALB", DestinationSecurityGroupId=group_id(alb))],
    )
    if config.enforces:
        admitting = [
            admit_block(template, "NlbIngressFrom", group_id(nlb), port, block, "A consumer")
            for block in config.named_blocks
        ]
        admitting.append(
            admit(template, "AlbIngressFromNlb", group_id(alb), port, group_id(nlb), "NLB")
        )
    else:
        admitting = [
            admit_block(template, "AlbIngressFrom", group_id(alb), port, block, "NLB")
            for block in _nlb_blocks(config)
        ]
    return _Groups(nlb, alb, tuple(admitting))


def _nlb_blocks(config: Config) -> list[IPv4Network]:
    known = not config.network.vpc_id  # of an existing VPC only the whole block is
    return [zone.app for zone in zones(config)] if known else [config.network.cidr]


def _nlb(config: Config, protected: object, groups: _Groups) -> LoadBalancer:
    return LoadBalancer(
        "Nlb",
        Type="network",
        Scheme="internal",
        Subnets=given_list("AppSubnetIds"),
        SecurityGroups=[group_id(groups.nlb)],  # now or never: an NLB made without one can get none
        EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic="on" if config.enforces else "off",
        DependsOn=[rule.title for rule in groups.admitting],  # it is told when they are there
        LoadBalancerAttributes=_load_balancer_attributes(
            {
                # A zone whose ALB node is being replaced borrows another zone's instead of failing.
                "load_balancing.cross_zone.enabled": "true",
                "deletion_protection.enabled": protected,
            }
        ),
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html
        Metadata=skipped(
            {"CKV_AWS_91": "An NLB logs TLS listeners only, and TLS ends at the ALB, which logs"}
        ),
    )


def _nlb_target_group(config: Config, alb: LoadBalancer, alb_listener: Listener) -> TargetGroup:
    if config.privatelink.alb_targets == "alb":
        return TargetGroup(
            "NlbTargetGroup",
            TargetType="alb",
            Protocol="TCP",
            Port=config.listener_port,
            VpcId=given("VpcId"),
            Targets=[TargetDescription(Id=Ref(alb), Port=config.listener_port)],
            HealthCheckProtocol="HTTPS" if config.tls else "HTTP",
            HealthCheckPath=config.service.health_path,
            HealthCheckIntervalSeconds=10,
            HealthCheckTimeoutSeconds=5,
            Matcher=Matcher(HttpCode=_codes_through_the_alb(config)),
            DependsOn=alb_listener.title,  # its port must be an existing listener's
        )
    return TargetGroup(
        "NlbTargetGroup",
        TargetType="ip",
        Protocol="TCP",
        Port=config.listener_port,
        VpcId=given("VpcId"),
        # No targets: the registrar puts the ALB's addresses here. TCP checks: a node of the ALB is
        # well when it listens; whether the tasks are is the ALB's own question.
        HealthCheckProtocol="TCP",
        HealthCheckIntervalSeconds=10,
        HealthCheckTimeoutSeconds=5,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
        TargetGroupAttributes=_attributes(
            {
                "deregistration_delay.timeout_seconds": str(config.service.drain),
                # A removed address belongs to nobody, soon perhaps to a stranger: cut its flows.
                "deregistration_delay.connection_termination.enabled": "true",
                # The ALB admits the NLB's group, so it must see the NLB's address.
                "preserve_client_ip.enabled": "false",
            }
        ),
    )


def _codes_through_the_alb(config: Config) -> str:
    """Return what an ALB that is well answers the NLB, whose checks speak HTTP/1.1.

    Where the tasks speak another, it answers by itself: it is there; whether they are is its own question.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
    """
    service = config.service
    if service.protocol != "http1":
        return INCOMPATIBLE
    if service.health_port != service.port:
        return ANY_ANSWER  # the path is another port's
    return HEALTHY_CODES if service.health_check.codes is None else service.health_codes


def _alb(config: Config, protected: object, group: SecurityGroup) -> LoadBalancer:
    return LoadBalancer(
        "Alb",
        Type="application",
        Scheme="internal",
        Subnets=given_list("AppSubnetIds"),
        SecurityGroups=[group_id(group)],
        LoadBalancerAttributes=_load_balancer_attributes(
            {
                "access_logs.s3.enabled": "true",
                "access_logs.s3.bucket": given("AccessLogsBucketName"),
                **_prefix(config),
                "client_keep_alive.seconds": str(KEEP_ALIVE_S),
                "deletion_protection.enabled": protected,
                "idle_timeout.timeout_seconds": str(config.service.timeout),
                "routing.http.desync_mitigation_mode": "defensive",
                "routing.http.drop_invalid_header_fields.enabled": "true",
            }
        ),
    )


def _way_of_checks(template: Template, config: Config, alb: SecurityGroup) -> list[str]:
    """Add the way of health checks that ask on a port of their own; return the titles of its rules."""
    port = config.service.health_port
    if port == config.service.port:
        return []
    tasks, group = given("TaskSecurityGroupId"), group_id(alb)
    out = reach(template, "AlbEgressToHealthPort", group, port, tasks, "Health checks of tasks")
    into = admit(template, "TaskIngressOfChecks", tasks, port, group, "Health checks of the ALB")
    return [out.title, into.title]


def _prefix(config: Config) -> dict[str, object]:
    prefix = (config.log_bucket or "").partition("/")[2]
    return {"access_logs.s3.prefix": prefix} if prefix else {}


def _alb_target_group(config: Config, way: list[str]) -> TargetGroup:
    # An ALB encrypts to its targets and does not verify their certificates.
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
    protocol = "HTTPS" if config.tls and config.tls.to_tasks else "HTTP"
    service, check, more = config.service, config.service.health_check, dict[str, Any]()
    if service.protocol != "http1":
        more["ProtocolVersion"] = service.protocol.upper()
    if check.port is not None:
        # The application's own is said too: what a template leaves out may stay as it was.
        more["HealthCheckPort"] = str(check.port) if way else "traffic-port"
    if way:
        more["DependsOn"] = way  # it is asked there when the way is open
    return TargetGroup(
        "AlbTargetGroup",
        TargetType="ip",
        Protocol=protocol,
        Port=80,  # no target's: ECS names each one's. The group stays the same when [service] port changes
        VpcId=given("VpcId"),
        HealthCheckProtocol=protocol,
        HealthCheckPath=service.health_path,
        HealthCheckIntervalSeconds=check.interval,
        HealthCheckTimeoutSeconds=check.timeout,
        HealthyThresholdCount=check.healthy,
        UnhealthyThresholdCount=check.unhealthy,
        Matcher=_matcher(config),
        TargetGroupAttributes=_attributes(_of_tasks(config)),
        **more,
    )


def _matcher(config: Config) -> Matcher:
    codes = config.service.health_codes
    return Matcher(GrpcCode=codes) if config.service.protocol == "grpc" else Matcher(HttpCode=codes)


def _of_tasks(config: Config) -> dict[str, str]:
    attributes = {"deregistration_delay.timeout_seconds": str(config.service.drain)}
    if config.service.sticky_cookie:
        attributes |= {
            "stickiness.enabled": "true",
            "stickiness.type": "app_cookie",
            "stickiness.app_cookie.cookie_name": config.service.sticky_cookie,
            "stickiness.app_cookie.duration_seconds": str(config.service.sticky or A_DAY_S),
        }
    elif config.service.sticky:
        attributes |= {
            "stickiness.enabled": "true",
            "stickiness.type": "lb_cookie",
            "stickiness.lb_cookie.duration_seconds": str(config.service.sticky),
        }
    return attributes


def _alb_listener(config: Config, alb: LoadBalancer, target_group: TargetGroup) -> Listener:
    tls: dict[str, Any] = {}
    if config.tls:
        tls["Certificates"] = [Certificate(CertificateArn=config.tls.certificate)]
        tls["SslPolicy"] = TLS_POLICY
    return Listener(
        "AlbListener",
        LoadBalancerArn=Ref(alb),
        Port=config.listener_port,
        Protocol="HTTPS" if config.tls else "HTTP",
        DefaultActions=[Action(Type="forward", TargetGroupArn=Ref(target_group))],
        **(tls or {"Metadata": _PLAIN_HTTP}),
    )


def _load_balancer_attributes(values: dict[str, object]) -> list[LoadBalancerAttributes]:
    return [LoadBalancerAttributes(Key=key, Value=value) for key, value in values.items()]


def _attributes(values: dict[str, str]) -> list[TargetGroupAttribute]:
    return [TargetGroupAttribute(Key=key, Value=value) for key, value in values.items()]
