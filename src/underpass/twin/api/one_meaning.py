"""Whether a request says one thing: what is judged, by its description, is what moto does.

moto's services find names in a request in ways of their own: in the query before the body, by what stands
between a path's slashes, by the first of S3's subresources that they look for. AWS's own clients send nothing
that is read differently so; AWS refuses most of what is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

_OF_SIGNATURES = ("x-amz-", "awsaccesskeyid", "signature", "expires")
_COPIES = frozenset({"CopyObject", "UploadPartCopy"})
_IN_A_FORM = "PostObject"  # what a browser uploads: the form names the key, and signs itself


def says_one_thing(model: Any, protocol: str, request: Any, places: Mapping[str, Any]) -> bool:
    """Return whether a request for an operation can be read in one way only.

    Parameters
    ----------
    model, protocol
        The operation, and how it was asked for.
    request
        moto's.
    places
        What the path names.
    """
    names = {name for name in request.args if not name.lower().startswith(_OF_SIGNATURES)}
    if protocol in {"query", "ec2"}:
        return not names or not request.form
    if not protocol.startswith("rest"):
        return not names
    if model.service_model.service_name == "s3":
        queried = {name for name in names if not name.lower().startswith("x-")}  # S3 logs these
        if model.name == _IN_A_FORM:
            return False
        copies = model.name in _COPIES or "x-amz-copy-source" not in request.headers
        return copies and _is_in_query(model, queried) and _is_the_same_object(request, places)
    whole = _has_the_same_parts(model, request.raw_path)
    return whole and _is_in_query(model, names) and not request.form


def _is_in_query(model: Any, names: set[str]) -> bool:
    """Return whether an operation knows all these names in its query."""
    members = model.input_shape.members.values() if model.input_shape else ()
    queried = [one for one in members if one.serialization.get("location") == "querystring"]
    if any(one.type_name == "map" for one in queried):
        return True
    known = {one.serialization.get("name", one.name) for one in queried}
    return names <= known | {*model.http_trait.query_args}


def _has_the_same_parts(model: Any, path: str) -> bool:
    """Return whether a path has as many parts as its description, where that says how many."""
    described = model.http_trait.path
    if "+}" in described:
        return True
    whole = path.count("/") - described.count("/")
    return not {";", "#"} & set(path) and (whole == 0 or (whole == -1 and described.endswith("/")))


def _is_the_same_object(request: Any, places: Mapping[str, Any]) -> bool:
    """Return whether S3's own code in moto reads this bucket and this key from a request."""
    from moto.s3.responses import S3Response, parse_key_name
    from moto.s3.utils import bucket_name_from_url
    from moto.s3bucket_path import utils

    path = unquote(request.raw_path)
    if S3Response.subdomain_based_buckets(request):
        bucket, key = bucket_name_from_url(request.raw_url), parse_key_name(path)
    else:
        bucket, key = utils.bucket_name_from_url(request.raw_url), utils.parse_key_name(path)
    return (bucket or "", key) == (places.get("Bucket", ""), places.get("Key", ""))
