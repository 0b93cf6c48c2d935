"""Reads a list of policy documents from standard input, writes a list of what parliament finds in each.

Runs in the environment that has parliament, and imports nothing else of the tests.
"""

from __future__ import annotations

import json
import sys
import warnings

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
            if one.issue not in DECIDED_ELSEWHERE
        )
        for text in json.load(sys.stdin)
    ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
