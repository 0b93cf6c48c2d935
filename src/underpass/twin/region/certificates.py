"""The certificates of HTTPS listeners and databases: issued by the twin, whatever they name in AWS.

A real certificate's key never leaves ACM or RDS, so the twin has an authority of its own, kept with its state
for clients to trust (``tls/ca.pem``). One certificate covers every hosted zone and load balancer.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

AUTHORITY = "underpass twin"
VALID = timedelta(days=397)  # the most that clients accept
_ISSUING = threading.Lock()  # there is one authority, whoever asks first


class Authority:
    """The twin's own certificate authority, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def issue(self, names: Iterable[str]) -> tuple[Path, Path]:
        """Return the files of a certificate for ``names``, and of its key; the same names, the same files."""
        wanted = sorted(set(names))
        digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]
        chain, key = self._folder / f"{digest}.pem", self._folder / f"{digest}.key"
        with _ISSUING:
            if not chain.exists():
                issuer, signer = self._own()
                _write(key, chain, *_signed(wanted[0], wanted, issuer, signer))
        return chain, key

    def _own(self) -> tuple[Any, Any]:
        """Return the authority's certificate and key, made on first use."""
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        chain, key = self._folder / "ca.pem", self._folder / "ca.key"
        if not chain.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(key, chain, *_signed(AUTHORITY, (), None, None))
        return (
            x509.load_pem_x509_certificate(chain.read_bytes()),
            load_pem_private_key(key.read_bytes(), password=None),
        )


def _signed(common_name: str, names: Iterable[str], issuer: Any, signer: Any) -> tuple[Any, Any]:
    """Return a new certificate and its key; without an issuer it is an authority, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name[:64])])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(signer or key, SHA256()), key


def _write(key_file: Path, chain_file: Path, certificate: Any, key: Any) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    chain_file.write_bytes(certificate.public_bytes(Encoding.PEM))
