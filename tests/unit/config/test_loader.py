"""Text to ``Config``: what is accepted, and how each kind of mistake is told."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from underpass.config import explain
from underpass.config.loader import parse
from underpass.config.model import Config
from underpass.config.problems import ConfigError, Problem

VALID = """\
name = "notes"
[service]
build = "."
port = 8000
tasks = { min = 2, max = 4 }
environment = { LOG_LEVEL = "info" }
process = ["{python}", "-m", "app"]
[network]
cidr = "10.20.0.0/16"
[database]
seed = "seed.sql"
[privatelink]
allow = ["arn:aws:iam::222222222222:root"]
[[consumers]]
name = "analytics"
cidr = "10.20.0.0/16"
account = "222222222222"
"""
FILE = Path("here/underpass.toml")


def problems(text: str) -> tuple[Problem, ...]:
    config, found = parse(text, FILE)
    assert (config is None) == bool(found)
    return found


def told(text: str) -> list[str]:
    return [str(problem).removeprefix("here/underpass.toml:") for problem in problems(text)]


def test_a_short_file_is_enough() -> None:
    config, found = parse('name = "notes"\nservice = { port = 80, image = "a:1" }', FILE)
    assert config
    assert not found
    assert config.folder == Path("here")
    assert config.domain == "notes.internal"
    assert config.listener_port == 80
    assert config.network.cidr == IPv4Network("10.20.0.0/16")


def test_the_values_are_the_files() -> None:
    config, _ = parse(VALID, FILE)
    assert config
    assert config.service.tasks.max == 4
    assert config.service.environment == {"LOG_LEVEL": "info"}
    assert config.consumers[0].name == "analytics"
    assert config.database
    assert config.database.multi_az


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("port =", "prot =", "4: service.prot: is not a key of [service]; did you mean port?"),
        ("[service]", "[sevrice]", "2: sevrice: is not a key of the file; did you mean service?"),
        (
            "seed =",
            "zones = 3 #",
            ("11: database.zones: is not a key of [database]; it belongs in [network]"),
        ),
        (
            'name = "notes"',
            'folder = "/"\nname = "notes"',
            (
                "1: folder: is not a key of the file; its keys are "
                + ", ".join(key for section, key in explain.every_key() if not section)
            ),
        ),
        (
            "port = 8000\n",
            "",
            ("2: service.port: is missing: The port the application listens on; add port = 8000"),
        ),
        (
            'name = "analytics"\n',
            "",
            ('14: consumers[0].name: is missing: What to call it; add name = "analytics"'),
        ),
        (
            "8000",
            '"8000"',
            (
                '4: service.port: needs a whole number, and this is "8000"; '
                "write 8000 without quotes"
            ),
        ),
        ("8000", "true", "4: service.port: needs a whole number, and this is true"),
        ("8000", "80.5", "4: service.port: needs a whole number, and this is 80.5"),
        ("8000", "70000", "4: service.port: 70000 is too large; the most is 65535"),
        ("8000", "0", "4: service.port: 0 is too small; the least is 1"),
        (
            '"info"',
            "3",
            ('6: service.environment.LOG_LEVEL: needs text in quotes, and this is 3; write "3"'),
        ),
        (
            "LOG_LEVEL",
            '"log level"',
            (
                '6: service.environment."log level": "log level" is not a '
                "variable's name: letters, digits and underscores, not starting with a digit"
            ),
        ),
        (
            '["{python}", "-m", "app"]',
            '"app"',
            ('7: service.process: needs a list, and this is "app"; write ["app"]'),
        ),
        (
            '["{python}", "-m", "app"]',
            '"python -m app"',
            (
                '7: service.process: needs a list, and this is "python -m app"; '
                'write ["python", "-m", "app"]'
            ),
        ),
        ('"-m"', '""', "7: service.process[1]: is empty"),
        (
            "10.20.0.0/16",
            "10.20.1.0/16",
            (
                '9: network.cidr: "10.20.1.0/16" is an address within a '
                'block; the block is "10.20.0.0/16"'
            ),
        ),
        (
            '"10.20.0.0/16"',
            "10",
            ('9: network.cidr: needs text in quotes, and this is 10; write it like "10.20.0.0/16"'),
        ),
        (
            "10.20.0.0/16",
            "10.20",
            (
                '9: network.cidr: "10.20" is not a block of IPv4 addresses; '
                'write it like "10.20.0.0/16"'
            ),
        ),
        (
            "cidr =",
            'egress = "nats" #',
            ('9: network.egress: "nats" is not "nat" or "endpoints"; did you mean "nat"?'),
        ),
        ("cidr =", "zones = 4 #", "9: network.zones: 4 is not 2 or 3"),
        (
            'name = "notes"',
            'name = "My Notes"',
            (
                '1: name: "My Notes" is not 2 to 31 lower-case '
                'letters, digits and hyphens, starting with a letter; did you mean "my-notes"?'
            ),
        ),
        (
            "[service]",
            'region = "us-east-1a"\n[service]',
            (
                '2: region: "us-east-1a" is not an AWS '
                'region such as us-east-1; did you mean "us-east-1"?'
            ),
        ),
        (
            "seed =",
            'instance_class = "t4g.micro" #',
            (
                '11: database.instance_class: "t4g.micro" is '
                'not a database instance class such as db.t4g.micro; did you mean "db.t4g.micro"?'
            ),
        ),
        (
            "seed =",
            'multi_az = "true" #',
            (
                "11: database.multi_az: needs true or false, and this "
                'is "true"; write true without quotes'
            ),
        ),
        (
            "[database]",
            "[files]\nmount = 'data'\n[database]",
            (
                '11: files.mount: "data" is not an '
                'absolute path such as /data; did you mean "/data"?'
            ),
        ),
        (
            "arn:aws:iam::222222222222:root",
            "222222222222",
            (
                "13: privatelink.allow[0]: "
                '"222222222222" is not a principal such as arn:aws:iam::222222222222:root; '
                'did you mean "arn:aws:iam::222222222222:root"?'
            ),
        ),
        (
            "arn:aws:iam::222222222222:root",
            "arn:aws:iam::333333333333:role/dev-*",
            (
                '13: privatelink.allow[0]: "arn:aws:iam::333333333333:role/dev-*" is not a principal '
                "such as arn:aws:iam::222222222222:root; "
                'did you mean "arn:aws:iam::333333333333:root"?'
            ),
        ),
        (
            "[[consumers]]",
            "[consumers]",
            (
                "14: consumers: needs a list, and this is "
                '{"name": "analytics", "cidr": "10.20.0.0/16", "account": ...; write [[consumers]]'
            ),
        ),
        (
            '["{python}", "-m", "app"]',
            '["a\\u0000"]',
            '7: service.process[0]: "a\\u0000" is not text that a process can be given: a NUL is in it',
        ),
        (
            '"info"',
            '"\\u0000"',
            (
                '6: service.environment.LOG_LEVEL: "\\u0000" is not text that a process can be given: '
                "a NUL is in it"
            ),
        ),
        (
            'name = "notes"',
            "name = 1",
            (
                "1: name: needs text in quotes, and this is 1; write 2 to 31 lower-case letters, digits "
                "and hyphens, starting with a letter"
            ),
        ),
        (
            "arn:aws:iam::222222222222:root",
            'arn:aws:iam::222222222222:root", 1, "*',
            (
                "13: privatelink.allow[1]: needs text in quotes, and this is 1; "
                "write a principal such as arn:aws:iam::222222222222:root"
            ),
        ),
        (
            'build = "."',
            'image = "https://Registry.example/Notes:RC1"',
            (
                '3: service.image: "https://Registry.example/Notes:RC1" is not an image such as nginx:1.27 '
                'or registry.example/notes:1.0; did you mean "registry.example/notes:RC1"?'
            ),
        ),
        (
            "port = 8000",
            'port = 8000\nhealth_check = "http://notes/Healthz?full"',
            (
                '5: service.health_check: "http://notes/Healthz?full" is not a path that starts with / and '
                'has no spaces; did you mean "/Healthz?full"?'
            ),
        ),
        (
            "seed =",
            'instance_class = "db.serverless" #',
            (
                '11: database.instance_class: "db.serverless" is not a database instance class such as '
                "db.t4g.micro"
            ),
        ),
        (
            "10.20.0.0/16",
            "10.20.3.0",
            (
                '9: network.cidr: "10.20.3.0" is an address: the size of its block is missing; '
                'write "10.20.0.0/16"'
            ),
        ),
        (
            "cidr =",
            "zones = 1e30 #",
            "9: network.zones: needs a whole number, and this is 1e+30; write 2 or 3",
        ),
        (
            "[database]",
            "[database",
            ("10: is not TOML at column 10: expected ']' at the end of a table declaration"),
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_nearest(
    old: str, new: str, expected: str
) -> None:
    assert old in VALID
    assert told(VALID.replace(old, new, 1))[0] == expected


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('name = "x', 1, "is not TOML"),
        ("a = 1\nb =\n", 2, "is not TOML"),
        ("a = 1\na = 2\n", 2, "cannot overwrite a value"),
        ("a = " + "[" * 5000, 1, "nested"),
        ("a = 1\nb = " + "9" * 5000, 2, "too many digits"),
        ("a = -0x" + "f" * 5000 + "\nb = 1__0\n", 1, "is not TOML"),
        ("[service]\n[service]\n", 2, "[service] is there twice"),
        ("[a.'b c']\n[a.'b c']\n", 2, '[a."b c"] is there twice'),
        ("a = 2026-02-30\n", 1, "date"),
        ('"""', 1, "is not TOML"),
    ],
)
def test_text_that_is_not_toml_is_one_problem(text: str, line: int, says: str) -> None:
    (problem,) = problems(text)
    assert problem.line == line
    assert says in problem.message


def test_consumers_that_are_no_tables_are_told_how_they_are_written() -> None:
    (told_,) = told('consumers = "analytics"\n' + VALID.partition("[[consumers]]")[0])
    assert told_ == '1: consumers: needs a list, and this is "analytics"; write [[consumers]]'


def test_tables_within_tables_are_told_with_the_line_of_the_innermost() -> None:
    deep = ".".join("a" * 3000)
    assert told(f"{VALID}[service.{deep}]\n") == ["18: is nested too deeply"]


def test_what_to_run_next_names_the_folder() -> None:
    problem = Problem("my shop/underpass.toml", 1, "", "x")
    error = ConfigError("my shop/underpass.toml", (problem,))
    assert error.try_next == "change the file, then run `underpass check 'my shop'`"
    assert ConfigError("underpass.toml", (problem,)).try_next.endswith("run `underpass check`")
    assert ConfigError("a/b.toml", (problem,)).try_next.endswith("run `underpass check a/b.toml`")


def test_everything_wrong_is_told_at_once_and_no_fault_twice() -> None:
    text = VALID.replace("8000", "0").replace("{ min = 2, max = 4 }", "{ min = 5, max = 4 }")
    text = text.replace("cidr =", "cdir =", 1) + '[[consumers]]\nname = "analytics"\n'
    assert told(text) == [
        "4: service.port: 0 is too small; the least is 1",
        "5: service.tasks.max: 4 is less than min, 5",
        "9: network.cdir: is not a key of [network]; did you mean cidr?",
        '19: consumers[1].name: "analytics" is used already; write "analytics-2"',
    ]


def test_a_rule_is_silent_about_a_key_that_is_wrong_in_itself() -> None:
    assert told(VALID.replace('build = "."', "build = 3")) == [
        '3: service.build: needs text in quotes, and this is 3; write "3"'
    ]


_FRAGMENTS = st.sampled_from(
    [
        *"[]{}=,.#\"'\n\\ -1",
        "[[x]]",
        "[service]",
        "true",
        "nan",
        "1e9",
        "2026-01-01",
        "{}",
        "[]",
        "name",
        "port",
        "consumers",
        '""',
        "\x00",
        "é",
        "[[service]]",
        "folder = 1\n",
        '"*"',
        "= 0",
    ]
)


@settings(max_examples=500)
@given(st.data())
def test_any_change_of_a_valid_file_gives_a_configuration_or_problems(data: st.DataObject) -> None:
    text = VALID
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(_FRAGMENTS) + text[end:]
    config, found = parse(text, FILE)
    assert isinstance(config, Config) != bool(found)
    last = text.count("\n") + 1
    assert all(1 <= problem.line <= last and problem.message for problem in found)


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ('allow = ["arn:', 'allow_cidrs = ["10.1.2.3"]'),
        ('cidr = "10.20.0.0/16"\n[database]', 'allow_out = [{ port = 6379, cidr = "10.1.2.3" }]'),
    ],
)
def test_a_host_that_is_let_in_or_out_is_not_advised_to_be_a_network(
    before: str, line: str
) -> None:
    (problem,) = problems(VALID.replace(before, f"{line}\n{before}", 1))
    assert 'write "10.1.2.3/32"' in str(problem)
