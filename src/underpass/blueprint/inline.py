"""The code of Lambda functions as it is shipped inside a template."""

from __future__ import annotations

import pkgutil


def shipped(package: str) -> str:
    """Return the code of ``package`` as a template carries it.

    That is its ``index`` without what only explains it, for a request may carry 51,200 bytes of template.
    `make tables` writes it and a test holds it to the module: reading code anew takes longer than all else.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    """
    return (pkgutil.get_data(package, "shipped.txt") or b"").decode("ascii")
