"""checkov finds no failure in any template, save for skips that give a reason and are needed."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from tests.templates.checkov import PYTHON, Check, Verdict, scan, skips, without_skips
from tests.templates.emitted import curated

pytestmark = pytest.mark.xdist_group("checkov")  # one worker, so that one process serves all
BARE = ".bare"  # ends the name of a template whose skips were taken out


@dataclass(frozen=True)
class Scanned:
    as_emitted: Verdict
    bare: frozenset[tuple[str, str, str]]  # template, logical id, check: fails without its skip


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    assert PYTHON.exists(), "make .venv-checkov/.ready"
    bodies = [(one.id, one.body) for one in curated()]
    bodies += [(one.id + BARE, without_skips(one)) for one in curated() if any(skips(one))]
    verdict = scan(tmp_path_factory.mktemp("checkov"), bodies)
    bare = {
        (check.template.removesuffix(BARE), check.logical_id, check.check)
        for check in verdict.failed
        if check.template.endswith(BARE)
    }
    failed = frozenset(check for check in verdict.failed if not check.template.endswith(BARE))
    return Scanned(Verdict(failed, verdict.skipped, verdict.passed), frozenset(bare))


def test_nothing_fails(scanned: Scanned) -> None:
    assert scanned.as_emitted.passed > 10 * len(curated())  # it did look
    assert summary(scanned.as_emitted.failed) == []


def test_every_skip_has_a_reason() -> None:
    reasons = {(skip.check, skip.says) for one in curated() for skip in skips(one)}
    assert {check for check, says in reasons if len(says.split()) < 4} == set()


def test_no_skip_is_stale(scanned: Scanned) -> None:
    asked = {skip for one in curated() for skip in skips(one)}
    needed = {
        skip for skip in asked if (skip.template, skip.logical_id, skip.check) in scanned.bare
    }
    assert summary(asked - needed) == []


def summary(checks: Iterable[Check]) -> list[str]:
    """Return one line per check and resource, with the templates it was found in."""
    where: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for check in sorted(checks):
        where[check.check, check.logical_id, check.says].append(check.template)
    return [
        f"{check} {logical_id} ({says}): {len(names)} templates, such as {names[0]}"
        for (check, logical_id, says), names in sorted(where.items())
    ]
