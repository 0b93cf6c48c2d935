"""Whether the certificate is there, and issued."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from underpass.errors import UsageError


def check(acm: Any, arn: str, domain: str) -> tuple[str, ...]:
    """Return what to warn of.

    Raises
    ------
    UsageError
        When there is no such certificate, or a load balancer could not use it yet or any more.
    """
    try:
        found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "AccessDeniedException":
            return (f"whether {arn} can be used is not known: {error}",)
        if code != "ResourceNotFoundException":
            raise
        raise UsageError(
            "there is no such certificate", arn, "change [tls] certificate, or leave [tls] out"
        ) from error
    if found["Status"] != "ISSUED":
        raise UsageError(
            f"the certificate is {found['Status']}",
            f"{arn}: a load balancer takes only one that is issued",
            "finish its validation, or name another in [tls]",
        )
    names = {found["DomainName"], *found.get("SubjectAlternativeNames", ())}
    if names.isdisjoint((domain, f"*.{domain.partition('.')[2]}")):
        return (f"the certificate is for {', '.join(sorted(names))}, and consumers use {domain}",)
    return ()
