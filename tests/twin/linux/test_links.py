"""Links join two namespaces, and nothing else."""

from __future__ import annotations

from typing import Any

from tests.twin.ec2 import sample
from tests.twin.ec2.sample import ask
from tests.twin.inside import run_inside

from underpass.errors import UnderpassError
from underpass.twin.linux import namespaces
from underpass.twin.linux.links import Links
from underpass.twin.services.ec2.wiring import Wiring


def linked() -> dict[str, Any]:
    wiring = Wiring()
    wiring.start()
    network = sample.together(sample.provider(), sample.consumer())
    wiring.apply(network)
    for name in ("eni-front", "eni-client", "eni-app-1"):
        sample.listen(name, 80)
    links = Links()
    first = links.link("eni-client", "eni-front", "one")
    again = links.link("eni-client", "eni-front", "one")
    second = links.link("eni-client", "eni-app-1", "two")
    seen: dict[str, Any] = {
        "addresses": [first.a_address, first.b_address, second.a_address, second.b_address],
        "idempotent": again == first,
        "there": ask("eni-client", first.b_address, 80),
        "and back": ask("eni-front", first.a_address, 80),
        "no further": ask("eni-front", second.b_address, 80),
    }
    links.unlink("one")
    links.unlink("one")
    seen["unlinked"] = ask("eni-client", first.b_address, 80)
    seen["number again"] = links.link("eni-client", "eni-front", "three").a_address
    links.unlink("three")
    try:
        links.link("eni-client", "eni-gone", "four")
    except OSError as error:
        seen["absent"] = error.strerror
    wiring.apply(
        sample.together(sample.provider())
    )  # the client's namespace goes, and takes its end
    links.forget("eni-client")
    seen["space"] = len(
        {links.link("eni-app-1", "eni-front", f"k{n}").a_address for n in range(256)}
    )
    try:
        links.link("eni-app-1", "eni-front", "too many")
    except UnderpassError as error:
        seen["full"] = error.what
    return seen


def test_links() -> None:
    assert run_inside(linked) == {
        "addresses": ["169.254.100.1", "169.254.100.2", "169.254.100.5", "169.254.100.6"],
        "idempotent": True,
        "there": "eni-front 169.254.100.1",
        "and back": "eni-client 169.254.100.2",
        "no further": "silent",
        "unlinked": "silent",
        "number again": "169.254.100.1",
        "absent": "No such file or directory",
        "space": 256,
        "full": "the twin has no room for another PrivateLink connection",
    }


def many_then_none() -> list[str]:
    wiring = Wiring()
    wiring.start()
    wiring.apply(sample.together(sample.provider(), sample.consumer()))
    wiring.apply(sample.together(sample.consumer()))
    left = sorted(path.name for path in namespaces.FOLDER.iterdir())
    wiring.apply(sample.together(sample.provider()))
    sample.listen("internet", 80)
    return [*left, ask("eni-app-1", "198.51.100.10", 80)]


def test_a_vpc_goes_with_all_it_has_and_can_come_again() -> None:
    assert run_inside(many_then_none) == [
        "eni-client",
        "eni-server",
        "internet",
        "vpc-b",
        "internet 203.0.113.11",
    ]
