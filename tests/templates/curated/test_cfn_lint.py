"""cfn-lint finds nothing in any template: no error, no warning, no informational note.

cfn-lint validates every resource against the registry's schema (required, additional and read-only
properties, enums, patterns, formats), so nothing here does so again.
"""

from dataclasses import replace

import pytest
from tests.templates.cfn_lint import findings
from tests.templates.emitted import Emitted, curated


@pytest.mark.parametrize("one", curated(), ids=lambda one: one.id)
def test_cfn_lint_finds_nothing(one: Emitted) -> None:
    assert findings(one) == []


def test_cfn_lint_finds_what_is_wrong() -> None:
    one = next(one for one in curated() if one.part == "foundation")
    wrong = replace(one, body=one.body.replace('"AWS::KMS::Key"', '"AWS::KMS::Kye"', 1))
    assert any(finding.startswith("E3006 Resources/Key") for finding in findings(wrong))
