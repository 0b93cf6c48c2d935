"""The tables of endpoints, read as the kernel would."""

from __future__ import annotations

import pytest
from tests.unit.ec2.evaluator import evaluate
from tests.unit.elbv2.test_nlb_tables import packet, sent_to

from underpass.twin.linux import nftables
from underpass.twin.services.ec2.model import Rule
from underpass.twin.services.privatelink.endpoint_tables import endpoint_table

NODE, LINK = "10.20.0.250", "169.254.100.2"


def test_an_endpoint_sends_the_listeners_ports_over_its_link_and_nothing_else() -> None:
    table = endpoint_table(NODE, "link0", LINK, (80, 443))
    assert sent_to(table, NODE, 80) == {(LINK, 0)}
    assert sent_to(table, NODE, 443) == {(LINK, 0)}
    assert sent_to(table, NODE, 8080) == set()
    assert evaluate(table, "forward", packet(LINK, 80, oifname="link0")) == "drop"
    assert evaluate(table, "input", packet(NODE, 80)) == "drop"


def test_an_endpoint_that_is_not_connected_answers_nothing() -> None:
    table = endpoint_table(NODE)
    assert sent_to(table, NODE, 80) == set()
    assert evaluate(table, "input", packet(NODE, 80)) == "drop"


@pytest.mark.parametrize(
    ("rule", "source", "admitted"),
    [
        (Rule("tcp", 80, 80, ("10.20.0.0/16",)), "10.20.0.9", True),
        (Rule("tcp", 80, 80, ("10.20.0.0/16",)), "10.21.0.9", False),
        (Rule("tcp", 81, 90, ("0.0.0.0/0",)), "10.20.0.9", False),
        (Rule("tcp", 1, 80, ("0.0.0.0/0",)), "10.20.0.9", True),
        (Rule("udp", 80, 80, ("0.0.0.0/0",)), "10.20.0.9", False),
        (Rule("-1", -1, -1, ("10.20.0.9/32",)), "10.20.0.9", True),
        (Rule("tcp", 80, 80, (), ("sg-consumer",)), "10.20.0.9", False),
    ],
)
def test_enforced_rules_meet_the_consumers_own_address(
    rule: Rule, source: str, admitted: bool
) -> None:
    table = endpoint_table(NODE, "link0", LINK, (80,), [rule])
    flow = packet(LINK, 80, source=source, status=nftables.DESTINATION_NAT, oifname="link0")
    assert (evaluate(table, "forward", flow) == "accept") is admitted
    going = packet(
        LINK,
        80,
        source=source,
        status=nftables.DESTINATION_NAT,
        state=nftables.ESTABLISHED,
        oifname="link0",
    )
    assert evaluate(table, "forward", going) == "accept", "what was let in stays"


def test_no_rules_at_all_admit_nobody_when_enforced() -> None:
    flow = packet(LINK, 80, status=nftables.DESTINATION_NAT, oifname="link0")
    assert evaluate(endpoint_table(NODE, "link0", LINK, (80,), []), "forward", flow) == "drop"
    assert evaluate(endpoint_table(NODE, "link0", LINK, (80,)), "forward", flow) == "accept"
