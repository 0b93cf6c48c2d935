"""Alarms on the path: whether it is there in every zone, answers, and answers in time."""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.monitoring.alarms import Missing, Topic, When, alarm, alarm_on
from underpass.blueprint.monitoring.metrics import (
    DAY_S,
    alb,
    alb_targets,
    certificate,
    nlb,
    nlb_targets,
    zones,
)
from underpass.config import Config

ERROR_PERCENT = 5
LATENCY_S = 2.0
RESETS = 100
EXPIRY_DAYS = 14

# Nobody healthy, or no word of anybody, for three minutes.
NOBODY = When("<", 1, 3, 3, Missing.BREACHING)
# One that stays unhealthy is not being replaced.
SOMEBODY_UNWELL = When(">", 0, 5, 5, Missing.NOT_BREACHING)
ERRORS = When(">=", ERROR_PERCENT, 3, 5, Missing.NOT_BREACHING)


def add(template: Template, config: Config, topic: Topic) -> None:
    """Add the alarms of both balancers."""
    _nlb(template, config, topic)
    _alb(template, config, topic)
    _answers(template, topic)
    if config.tls:
        alarm(
            template,
            topic,
            "CertificateExpiry",
            f"The certificate ends within {EXPIRY_DAYS} days: nothing has renewed it",
            certificate("DaysToExpiry", "Minimum", DAY_S),
            # ACM renews its own 60 days ahead; once it has ended nothing is published any more.
            When("<", EXPIRY_DAYS, 1, 1, Missing.MISSING),
        )


def _nlb(template: Template, config: Config, topic: Topic) -> None:
    # The nodes report apart and the slowest knows least: the most healthy, the fewest unhealthy.
    # An ALB as a target is in neither count, and its own says as much.
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-cloudwatch-metrics.html
    counted = config.privatelink.alb_targets == "lambda"
    for zone in zones(config) if counted else []:
        alarm(
            template,
            topic,
            f"NlbHealthyHosts{zone}",
            "No node of the ALB in this zone is registered with the NLB and healthy",
            nlb_targets("HealthyHostCount", "Maximum", zone),
            NOBODY,
        )
    if counted:
        alarm(
            template,
            topic,
            "NlbUnhealthyHosts",
            "A node of the ALB does not answer the NLB",
            nlb_targets("UnHealthyHostCount", "Minimum"),
            SOMEBODY_UNWELL,
        )
    alarm(
        template,
        topic,
        "NlbResets",
        "The NLB itself resets connections: they idle too long, or nothing healthy is behind it",
        nlb("TCP_ELB_Reset_Count", "Sum"),
        When(">=", RESETS, 5, 5, Missing.NOT_BREACHING),
    )
    alarm(
        template,
        topic,
        "NlbPortAllocation",
        "Connections fail for want of ports: more than 55,000 at once to one node of the ALB",
        nlb("PortAllocationErrorCount", "Sum"),
        When(">", 0, 1, 1, Missing.NOT_BREACHING),
    )


def _alb(template: Template, config: Config, topic: Topic) -> None:
    everywhere = config.service.tasks.min >= config.network.zones  # else a zone may be without
    for zone in zones(config) if everywhere else [""]:
        if config.service.tasks.min:
            alarm(
                template,
                topic,
                f"AlbHealthyHosts{zone}",
                f"No task {'in this zone ' if zone else ''}is healthy",
                alb_targets("HealthyHostCount", "Maximum", zone),
                NOBODY,
            )
    alarm(
        template,
        topic,
        "AlbUnhealthyHosts",
        "A task fails the ALB's health check and is not replaced by a healthy one",
        alb_targets("UnHealthyHostCount", "Minimum"),
        SOMEBODY_UNWELL,
    )


def _answers(template: Template, topic: Topic) -> None:
    # AWS publishes a count of errors only when there are some; and it counts a request only where a target
    # was chosen for it, so that the ALB's own errors are not among them. Where nobody asks there is nothing
    # to divide, and so no data.
    alarm_on(
        template,
        topic,
        "AlbErrors",
        f"The ALB answers {ERROR_PERCENT} % of the requests with 5xx itself: no task takes them",
        "100 * FILL(errors, 0) / (FILL(requests, 0) + FILL(errors, 0))",
        {"errors": alb("HTTPCode_ELB_5XX_Count", "Sum"), "requests": alb("RequestCount", "Sum")},
        ERRORS,
    )
    alarm_on(
        template,
        topic,
        "TargetErrors",
        f"The tasks answer {ERROR_PERCENT} % of the requests with 5xx",
        "100 * FILL(errors, 0) / requests",
        {
            "errors": alb_targets("HTTPCode_Target_5XX_Count", "Sum"),
            "requests": alb_targets("RequestCount", "Sum"),
        },
        ERRORS,
    )
    alarm(
        template,
        topic,
        "Latency",
        f"One request in a hundred takes the tasks longer than {LATENCY_S:g} s",
        alb_targets("TargetResponseTime", "p99"),
        When(">", LATENCY_S, 5, 5, Missing.NOT_BREACHING),
    )
