"""Reads a list of policy documents from standard input, writes a list of what parliament finds in each.

Runs in the environment that has parliament, and imports nothing else of the tests.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")  # of pkg_resources


# What the other tests say with newer data, and with conditions taken into account.
DECIDED_ELSEWHERE = {"RESOURCE_STAR", "UNKNOWN_ACTION"}


def main() -> None:
    """Read, lint, write."""
    from parliament import analyze_policy_string

    found = [
        sorted(
            f"{one.issue} {one.detail}"
            for one in analyze_policy_string(text).findings
            if one.issue not in DECIDED_ELSEWHERE and not _is_of_all(one, text)
        )
        for text in json.load(sys.stdin)
    ]
    json.dump(found, sys.stdout)


def _is_of_all(finding: Any, text: str) -> bool:
    """Tell whether what it misses is every resource of EC2, ``*/*``, which parliament knows no pattern of.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    """
    missed = finding.detail if isinstance(finding.detail, list) else []
    return (
        finding.issue == "RESOURCE_MISMATCH"
        and ':*/*"' in text
        and all(one["required_format"].startswith("arn:*:ec2:") for one in missed)
    )


if __name__ == "__main__":
    main()
