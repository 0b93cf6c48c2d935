"""What a VPC's resolver says of a name."""

from __future__ import annotations

import dnslib
import pytest

from underpass.twin.region.dns_records import Names
from underpass.twin.services.route53.name_service import addresses
from underpass.twin.services.route53.resolver import reply


@pytest.fixture
def names() -> Names:
    made = Names()
    made.set("elb", "*", {"lb.elb.us-east-1.amazonaws.com": ("10.0.0.5", "10.0.1.5")})
    made.set(
        "route53",
        "vpc-1",
        {
            "app.example": ("10.0.0.7",),
            "*.app.example": ("lb.elb.us-east-1.amazonaws.com.",),
            "db.app.example": ("db.rds.example",),
            "loop.app.example": ("loop.app.example",),
        },
        zones=("app.example.",),
    )
    made.set("endpoints", "*", {"notes.shadow.example": ("10.0.0.9",)})
    made.set("route53", "vpc-3", {}, zones=("shadow.example",))
    outer = {"*.example": ("10.0.0.1",)}
    made.set("route53", "vpc-5", outer, zones=("example", "inner.example"))
    made.set("rds", "vpc-1", {"db.rds.example": ("10.0.0.8",)})
    return made


@pytest.mark.parametrize(
    ("vpc_id", "name", "found"),
    [
        ("vpc-1", "app.example", ("10.0.0.7",)),
        ("vpc-1", "APP.Example.", ("10.0.0.7",)),
        ("vpc-2", "app.example", ()),
        ("vpc-1", "any.app.example", ("10.0.0.5", "10.0.1.5")),
        ("vpc-1", "deep.any.app.example", ("10.0.0.5", "10.0.1.5")),
        ("vpc-1", "db.app.example", ("10.0.0.8",)),
        ("vpc-1", "loop.app.example", ()),
        ("vpc-1", "lb.elb.us-east-1.amazonaws.com", ("10.0.0.5", "10.0.1.5")),
        ("vpc-3", "notes.shadow.example", ()),
        ("vpc-3", "shadow.example", ()),
        ("vpc-4", "notes.shadow.example", ("10.0.0.9",)),
        ("vpc-5", "notes.inner.example", ()),
        ("vpc-2", "lb.elb.us-east-1.amazonaws.com", ("10.0.0.5", "10.0.1.5")),
        ("vpc-2", "other.elb.us-east-1.amazonaws.com", ()),
        ("vpc-2", "logs.us-east-1.amazonaws.com", ("198.51.100.10",)),
        ("vpc-2", "bucket.s3.amazonaws.com", ("198.51.100.11",)),
        ("vpc-2", "dynamodb.us-east-1.amazonaws.com", ("198.51.100.12",)),
        ("vpc-2", "amazonaws.com", ()),
        ("vpc-2", "notamazonaws.com", ()),
        ("vpc-2", "localhost", ()),
    ],
)
def test_lookup(names: Names, vpc_id: str, name: str, found: tuple[str, ...]) -> None:
    assert names.lookup(vpc_id, name) == found


def test_a_source_replaces_its_own_records_and_no_others(names: Names) -> None:
    names.set("elb", "*", {"new.elb.us-east-1.amazonaws.com": ("10.0.0.6",)})
    assert names.lookup("vpc-2", "lb.elb.us-east-1.amazonaws.com") == ()
    assert names.lookup("vpc-2", "new.elb.us-east-1.amazonaws.com") == ("10.0.0.6",)
    assert names.lookup("vpc-1", "app.example") == ("10.0.0.7",)


def ask(names: Names, name: str, kind: str = "A", limit: int = 512) -> dnslib.DNSRecord:
    answer = reply(names, "vpc-1", dnslib.DNSRecord.question(name, kind).pack(), limit)
    assert answer is not None
    return dnslib.DNSRecord.parse(answer)


def test_an_answer_tells_the_chain_and_the_addresses(names: Names) -> None:
    said = [
        (str(r.rname), dnslib.QTYPE[r.rtype], str(r.rdata)) for r in ask(names, "db.app.example").rr
    ]
    assert said == [
        ("db.app.example.", "CNAME", "db.rds.example."),
        ("db.rds.example.", "A", "10.0.0.8"),
    ]


@pytest.mark.parametrize(
    ("name", "kind", "code", "count"),
    [
        ("app.example", "AAAA", "NOERROR", 0),
        ("app.example", "MX", "NOERROR", 0),
        ("none.example", "A", "NXDOMAIN", 0),
        ("none.example", "AAAA", "NXDOMAIN", 0),
        ("db.app.example", "AAAA", "NOERROR", 1),
    ],
)
def test_no_address_is_not_no_name(
    names: Names, name: str, kind: str, code: str, count: int
) -> None:
    said = ask(names, name, kind)
    assert dnslib.RCODE[said.header.rcode] == code
    assert len(said.rr) == count


def test_an_empty_zone_itself_exists(names: Names) -> None:
    said = dnslib.DNSRecord.question("shadow.example").pack()
    answer = reply(names, "vpc-3", said, 512)
    assert answer is not None
    assert dnslib.DNSRecord.parse(answer).header.rcode == dnslib.RCODE.NOERROR


def test_at_most_eight_addresses_and_a_cut_answer_says_so(names: Names) -> None:
    names.set("rds", "*", {"many.example": tuple(f"10.0.0.{n}" for n in range(100))})
    assert len(ask(names, "many.example").rr) == 8
    cut = ask(names, "many.example", limit=60)
    assert cut.header.tc
    assert not cut.rr
    # The C library takes an answer without its question for somebody else's, and waits on.
    assert [str(one.qname) for one in cut.questions] == ["many.example."]


def test_all_of_a_load_balancers_addresses_are_told_where_all_is_asked(names: Names) -> None:
    domain = "internal-web-1.us-east-1.elb.amazonaws.com"
    many = tuple(f"10.20.0.{number}" for number in range(100))
    names.set("balancers", "*", {domain: many, f"all.{domain}": many})
    for name, count in ((domain, 8), (f"all.{domain}", 100)):
        asked = dnslib.DNSRecord.question(name).pack()
        told = dnslib.DNSRecord.parse(reply(names, "vpc-1", asked, 65535) or b"")
        assert len({str(one.rdata) for one in told.rr}) == count
    cut = reply(names, "vpc-1", dnslib.DNSRecord.question(f"all.{domain}").pack(), 512)
    assert dnslib.DNSRecord.parse(cut or b"").header.tc, "asked again over TCP"


@pytest.mark.parametrize(
    "packet", [b"", b"\0", b"\xff" * 40, dnslib.DNSRecord.question("a").reply().pack()]
)
def test_what_is_not_a_question_gets_no_answer(names: Names, packet: bytes) -> None:
    assert reply(names, "vpc-1", packet, 512) is None


def test_record_sets_become_addresses_and_names() -> None:
    weighted = {"Type": "A", "Name": "w.example.", "ResourceRecords": [{"Value": "10.0.0.1"}]}
    assert addresses(
        [
            {**weighted, "SetIdentifier": "1"},
            {**weighted, "SetIdentifier": "2", "ResourceRecords": [{"Value": "10.0.0.2"}]},
            {"Type": "A", "Name": "a.example.", "AliasTarget": {"DNSName": "w.example."}},
            {"Type": "TXT", "Name": "t.example.", "ResourceRecords": [{"Value": '"x"'}]},
        ]
    ) == {"w.example.": ("10.0.0.1", "10.0.0.2"), "a.example.": ("w.example.",)}
