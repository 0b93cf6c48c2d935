"""AWS's own descriptions of its APIs, which boto3 and moto both read."""

from __future__ import annotations

import functools


def share_descriptions() -> None:
    """Have every boto3 session of this process read them once; to be called before moto is imported.

    Each session reads them anew, and moto opens dozens while it is imported: sharing them saves about a
    second of a region's start.
    """
    import botocore.loaders
    import botocore.session

    botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)
