"""The code of Lambda functions as it is shipped inside a template."""

from __future__ import annotations

import pkgutil


def shipped(package: str, name: str = "shipped") -> str:
    """Return the code of ``package`` as a template carries it; one that has several has them by ``name``.

    That is its modules without what only explains them, for a request may carry 51,200 bytes of template.
    `make tables` writes it and a test holds it to the module: reading code anew takes longer than all else.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    """
    return (pkgutil.get_data(package, f"{name}.txt") or b"").decode("ascii")
