"""checkov finds no failure in any template, save for skips that give a reason and are needed."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from tests.templates.checkov import PYTHON, Check, Verdict, scan, skips, without_skips
from tests.templates.emitted import Emitted, curated

pytestmark = pytest.mark.xdist_group("checkov")  # one worker, so that one process serves all
BARE = ".bare"  # ends the name of a template whose skips were taken out
Skipping = tuple[str, str]  # a logical id, and the resource it names with its skips


@dataclass(frozen=True)
class Scanned:
    as_emitted: Verdict
    bare: dict[Skipping, set[str]]  # the checks that fail without their skip


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    assert PYTHON.exists(), "make .venv-checkov/.ready"
    bodies = [(one.id, one.body) for one in curated()]
    bare: dict[Skipping, str] = {}  # each resource once, in the first template that has it
    for one in curated():
        for skipping in skipped(one):
            bare.setdefault(skipping, one.id + BARE)
    bodies += [
        (one.id + BARE, without_skips(one)) for one in curated() if one.id + BARE in bare.values()
    ]
    verdict = scan(tmp_path_factory.mktemp("checkov"), bodies)
    fails: dict[tuple[str, str], set[str]] = defaultdict(set)
    for check in verdict.failed:
        fails[check.template, check.logical_id].add(check.check)
    failed = frozenset(check for check in verdict.failed if not check.template.endswith(BARE))
    return Scanned(
        Verdict(failed, verdict.skipped, verdict.passed),
        {skipping: fails[template, skipping[0]] for skipping, template in bare.items()},
    )


def skipped(one: Emitted) -> dict[Skipping, list[Check]]:
    """Return the skips of a template, by the resource that asks for them."""
    found: dict[Skipping, list[Check]] = defaultdict(list)
    for skip in skips(one):
        found[skip.logical_id, json.dumps(one.resources[skip.logical_id])].append(skip)
    return found


def test_nothing_fails(scanned: Scanned) -> None:
    assert scanned.as_emitted.passed > 10 * len(curated())  # it did look
    found = summary(scanned.as_emitted.failed)
    assert not found, "\n".join(found)


def test_every_skip_has_a_reason() -> None:
    reasons = {(skip.check, skip.says) for one in curated() for skip in skips(one)}
    assert {check for check, says in reasons if len(says.split()) < 4} == set()


def test_no_skip_is_stale(scanned: Scanned) -> None:
    stale = {
        skip
        for one in curated()
        for skipping, asked in skipped(one).items()
        for skip in asked
        if skip.check not in scanned.bare[skipping]
    }
    found = summary(stale)
    assert not found, "\n".join(found)


def summary(checks: Iterable[Check]) -> list[str]:
    """Return one line per check and resource, with the templates it was found in."""
    where: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for check in sorted(checks):
        where[check.check, check.logical_id, check.says].append(check.template)
    return [
        f"{check} {logical_id} ({says}): {len(names)} templates, such as {names[0]}"
        for (check, logical_id, says), names in sorted(where.items())
    ]
