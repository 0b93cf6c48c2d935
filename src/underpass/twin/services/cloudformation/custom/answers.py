"""Where functions put their answers: a bucket of CloudFormation's own, in another account than the region's.

A function reaches it as it reaches all of S3: by its host's name, so the VPC's routes and endpoints decide.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-vpce-bucketnames.html
"""

from __future__ import annotations

from urllib.parse import quote

from underpass.twin.region.aws import INSIDE
from underpass.twin.region.aws_hosts import API_DOMAIN
from underpass.twin.region.records import records

_OWNER = "000000000000"  # CloudFormation's own account: nobody lists its buckets
_VALID_S = 7200


def bucket(region: str) -> str:
    """Return the name of the bucket; in it, regions have no dashes."""
    return f"cloudformation-custom-resource-response-{region.replace('-', '')}"


def url(region: str, key: str) -> str:
    """Return the presigned address to put an answer to: HTTP on the port of HTTPS, as the twin's APIs are."""
    from botocore.auth import S3SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    host = f"{bucket(region)}.s3.{region}.{API_DOMAIN}:443"
    asked = AWSRequest(method="PUT", url=f"http://{host}/{quote(key)}")
    key_pair = Credentials(INSIDE.access_key_id, INSIDE.secret_access_key)
    S3SigV4QueryAuth(key_pair, "s3", region, expires=_VALID_S).add_auth(asked)
    return str(asked.url)


@records()
def expect(region: str) -> None:
    """Make sure that the bucket is there."""
    from moto.s3.models import s3_backends

    backend = s3_backends[_OWNER]["aws"]
    if bucket(region) not in backend.buckets:
        backend.create_bucket(bucket(region), region)


@records()
def take(region: str, key: str) -> bytes | None:
    """Return an answer and forget it; None while there is none."""
    from moto.s3.models import s3_backends

    backend = s3_backends[_OWNER]["aws"]
    found = backend.get_object(bucket(region), key)
    if found is None:
        return None
    body = bytes(found.value)
    backend.delete_object(bucket(region), key)
    return body
