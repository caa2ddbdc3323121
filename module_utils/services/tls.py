"""TLS as a browser would have it, and as whoever only wants to see the certificate."""

import os
import socket
import ssl
import time
from functools import lru_cache
from typing import Any, Dict, NamedTuple, Optional

from ..host.certificates import parse_der
from ..host.journal import iso
from ..measuring import files
from ..measuring.errors import Unmeasurable
from .connecting import Deadline, Unanswered, connect, failure
from .probes import Page, tls_name

#: X509_V_FLAG_NO_CHECK_TIME of OpenSSL 1.1 and newer (x509_vfy.h): everything but the dates.
NO_CHECK_TIME = 0x200000
#: X509_V_FLAG_PARTIAL_CHAIN: whoever is in the list is trusted, whether a root or not.
PARTIAL_CHAIN = 0x80000

#: Verification results of OpenSSL (x509_vfy.h), as far as people act on them differently.
EXPIRED = 10
PROBLEMS = {
    2: "issuer is not trusted",
    9: "not valid yet",
    EXPIRED: "a certificate above it has expired",
    18: "self-signed",
    19: "issuer is not trusted",
    20: "issuer is not trusted",
    21: "issuer is not trusted",
    62: "issued for another name",
    64: "issued for another name",
}

#: Problems that a host without a list of authorities has with every certificate.
OF_AUTHORITIES = ("issuer is not trusted", "self-signed", "not trusted")


class Secured(NamedTuple):
    """A TLS connection, what is wrong with its trust (empty: nothing; None: nobody asked), and its certificate.

    ``unknown`` is why its trust cannot be told; ``started`` is the monotonic clock's time.
    """

    connection: ssl.SSLSocket
    problem: Optional[str]
    certificate: bytes
    started: float
    unknown: Optional[Unmeasurable] = None


@lru_cache(maxsize=None)
def verifying(ca_file: str, flags: int = 0) -> ssl.SSLContext:
    """Return a context that trusts whom the host trusts, or only those in ``ca_file``. Raises Unmeasurable."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError as error:
        raise Unmeasurable("unparsable", source=ca_file) from error
    except OSError as error:
        raise files.reason(error, ca_file) from error
    # The same on every Python: 3.13 refuses what browsers take, and older ones refuse an authority below another.
    context.verify_flags = (context.verify_flags & ~ssl.VERIFY_X509_STRICT) | PARTIAL_CHAIN | flags
    return context


@lru_cache(maxsize=None)
def lenient() -> ssl.SSLContext:
    """Return a context that takes any certificate and old protocols, to see what a server has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        context.set_ciphers("ALL:@SECLEVEL=0")
    except ssl.SSLError:  # OpenSSL before 1.1 has no levels
        context.set_ciphers("ALL")
    if hasattr(context, "minimum_version"):  # Python 3.7
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED  # novm
    return context


def secure(page: Page, deadline: Deadline) -> Secured:
    """Return a connection to a page's server, as trusted as it can be had.

    Where it is not trusted, it is one that takes any certificate. A server's own certificate that has expired does
    not make it untrusted: its days left tell that. Raises Unanswered, Unmeasurable, socket.timeout.
    """
    if not page.verify:
        return _secured(page, lenient(), deadline, None)
    context = verifying(page.ca_file)
    try:
        return _secured(page, context, deadline, "")
    except (ssl.SSLError, ssl.CertificateError) as error:  # two families in Python 3.6
        code, problem = getattr(error, "verify_code", None), trust_problem(error)
    shown = _secured(page, lenient(), deadline, problem)
    if code in (EXPIRED, None) and _has_expired(shown.certificate):  # Python 3.6 has no codes
        shown.connection.close()  # a server that serves one at a time would keep the next one waiting
        try:
            return _secured(page, verifying(page.ca_file, NO_CHECK_TIME), deadline, "")
        except (ssl.SSLError, ssl.CertificateError) as error:
            problem = trust_problem(error)
        shown = _secured(page, lenient(), deadline, problem)
    if not page.ca_file and problem in OF_AUTHORITIES and not knows_authorities():
        return shown._replace(unknown=Unmeasurable("source_missing", source="list of certificate authorities"))
    return shown


def _secured(page: Page, context: ssl.SSLContext, deadline: Deadline, problem: Optional[str]) -> Secured:
    """Return a connection. Raises ssl.SSLError only where a context that verifies finds something."""
    started = time.monotonic()
    plain, _ = connect(page.host, page.port, deadline)
    plain.settimeout(deadline.left())
    try:
        connection = context.wrap_socket(plain, server_hostname=tls_name(page))
        return Secured(connection, problem, connection.getpeercert(binary_form=True) or b"", started)
    except socket.timeout:
        plain.close()
        raise
    except (ssl.SSLError, ssl.CertificateError) as error:
        plain.close()
        if problem == "" and not isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            raise
        raise Unanswered("no TLS connection") from error
    except OSError as error:
        plain.close()
        raise failure(error) from error


def trust_problem(error: Exception) -> str:
    """Return what is wrong with a certificate, or with the connection, as a code word."""
    code = getattr(error, "verify_code", None)
    if code is not None:
        return PROBLEMS.get(code) or str(getattr(error, "verify_message", "")) or "not trusted"
    if not isinstance(error, ssl.SSLError):
        return "issued for another name"
    reason = str(error.reason or "")
    return "not trusted" if reason == "CERTIFICATE_VERIFY_FAILED" else "too old for today's clients, %s" % reason


def knows_authorities() -> bool:
    """Return whether this host has a list of authorities at all."""
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and files.names(paths.capath)) or os.environ.get("SSL_CERT_FILE"))


def _has_expired(certificate: bytes) -> bool:
    try:
        return parse_der(certificate).expires < time.time()
    except ValueError:
        return False


def described(certificate: bytes) -> Dict[str, Any]:
    """Return what matters of a certificate: ``{common_name, expires, seconds}``; empty where it can't be read."""
    try:
        parsed = parse_der(certificate)
    except ValueError:
        return {}
    return {"common_name": parsed.common_name, "expires": iso(parsed.expires), "seconds": parsed.expires}
