"""What a cell has as the module `ssl`.

The host makes the TLS connections and checks every certificate, so there is nothing here
to encrypt with. A context keeps what a library sets on it; only what says which server is
meant has a meaning, and checking cannot be switched off.
"""

from __future__ import annotations

import enum
from typing import Any


class SSLError(OSError):
    """No TLS connection could be made."""

    reason = ""
    library = "SSL"


class SSLCertVerificationError(SSLError, ValueError):
    """The certificate of the server is not trusted."""

    verify_code = 0
    verify_message = ""


class SSLZeroReturnError(SSLError):
    """Never raised here."""


class SSLWantReadError(SSLError):
    """Never raised here."""


class SSLWantWriteError(SSLError):
    """Never raised here."""


class SSLSyscallError(SSLError):
    """Never raised here."""


class SSLEOFError(SSLError):
    """Never raised here."""


CertificateError = SSLCertVerificationError
socket_error = OSError


class TLSVersion(enum.IntEnum):
    MINIMUM_SUPPORTED = -2
    SSLv3 = 768
    TLSv1 = 769
    TLSv1_1 = 770
    TLSv1_2 = 771
    TLSv1_3 = 772
    MAXIMUM_SUPPORTED = -1


class VerifyMode(enum.IntEnum):
    CERT_NONE = 0
    CERT_OPTIONAL = 1
    CERT_REQUIRED = 2


class VerifyFlags(enum.IntFlag):
    VERIFY_DEFAULT = 0
    VERIFY_CRL_CHECK_LEAF = 4
    VERIFY_CRL_CHECK_CHAIN = 12
    VERIFY_X509_STRICT = 32
    VERIFY_X509_TRUSTED_FIRST = 32768
    VERIFY_X509_PARTIAL_CHAIN = 524288


class Options(enum.IntFlag):
    OP_ALL = 2147483728
    OP_NO_SSLv2 = 0
    OP_NO_SSLv3 = 33554432
    OP_NO_TLSv1 = 67108864
    OP_NO_TLSv1_1 = 268435456
    OP_NO_TLSv1_2 = 134217728
    OP_NO_TLSv1_3 = 536870912
    OP_NO_COMPRESSION = 131072
    OP_NO_TICKET = 16384
    OP_SINGLE_DH_USE = 0
    OP_SINGLE_ECDH_USE = 0
    OP_CIPHER_SERVER_PREFERENCE = 4194304
    OP_IGNORE_UNEXPECTED_EOF = 128
    OP_ENABLE_KTLS = 8


class _SSLMethod(enum.IntEnum):
    PROTOCOL_TLS = 2
    PROTOCOL_SSLv23 = 2
    PROTOCOL_TLS_CLIENT = 16
    PROTOCOL_TLS_SERVER = 17
    PROTOCOL_TLSv1 = 3
    PROTOCOL_TLSv1_1 = 4
    PROTOCOL_TLSv1_2 = 5


class SSLErrorNumber(enum.IntEnum):
    SSL_ERROR_SSL = 1
    SSL_ERROR_WANT_READ = 2
    SSL_ERROR_WANT_WRITE = 3
    SSL_ERROR_SYSCALL = 5
    SSL_ERROR_ZERO_RETURN = 6
    SSL_ERROR_EOF = 8


class Purpose(enum.Enum):
    SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
    CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"


class SSLSocket:
    """Only for `isinstance`: what `wrap_socket` gives back is the socket itself."""


class SSLObject:
    """Only for `isinstance`."""


class MemoryBIO:
    """TLS without a socket, which a cell does not have."""

    def __init__(self) -> None:
        raise SSLError(1, "a cell has no TLS of its own: the host makes the connections")


class SSLContext:
    """Keeps what is set on it, and marks sockets as those of https."""

    sslsocket_class = SSLSocket
    sslobject_class = SSLObject

    def __init__(self, protocol: int = _SSLMethod.PROTOCOL_TLS_CLIENT) -> None:
        self.protocol = protocol
        self.options = Options.OP_ALL
        self.verify_mode = VerifyMode.CERT_REQUIRED
        self.verify_flags = VerifyFlags.VERIFY_X509_TRUSTED_FIRST
        self.check_hostname = True
        self.hostname_checks_common_name = False
        self.minimum_version = TLSVersion.TLSv1_2
        self.maximum_version = TLSVersion.MAXIMUM_SUPPORTED
        self.post_handshake_auth = False
        self.keylog_filename: str | None = None
        self.sni_callback: Any = None

    def wrap_socket(
        self, sock: Any, server_side: bool = False, *_: Any, server_hostname: Any = None, **__: Any
    ) -> Any:
        """Makes the requests of a socket https. The server must be the one it is connected to."""
        if server_side:
            raise SSLError(1, "a cell is no server of TLS")
        name = server_hostname.decode() if isinstance(server_hostname, bytes) else server_hostname
        if name and _plain(name) != _plain(sock.peer[0]):
            raise SSLError(1, "the server's name must be that of the URL")
        sock.secure = True
        return sock

    def wrap_bio(self, *_: Any, **__: Any) -> Any:
        return MemoryBIO()

    def load_cert_chain(self, *_: Any, **__: Any) -> None:
        raise SSLError(1, "a cell cannot show a certificate of its own")

    def load_verify_locations(self, *_: Any, **__: Any) -> None:
        """Does nothing: the host decides whom it trusts."""

    load_default_certs = set_default_verify_paths = load_verify_locations
    set_ciphers = set_alpn_protocols = set_npn_protocols = load_verify_locations
    set_ecdh_curve = load_dh_params = set_servername_callback = load_verify_locations

    def get_ca_certs(self, binary_form: bool = False) -> list[Any]:
        return []

    def get_ciphers(self) -> list[Any]:
        return []

    def cert_store_stats(self) -> dict[str, int]:
        return {"x509": 0, "crl": 0, "x509_ca": 0}


def _plain(name: str) -> str:
    ascii_name = name if name.isascii() else name.encode("idna").decode()
    return ascii_name.lower().strip("[]").removesuffix(".")


def create_default_context(*_: Any, **__: Any) -> SSLContext:
    return SSLContext()


def _create_unverified_context(*_: Any, **__: Any) -> SSLContext:
    context = SSLContext()
    # Kept as it was asked for; the host checks all the same.
    context.check_hostname = False
    context.verify_mode = VerifyMode.CERT_NONE
    return context


def get_default_verify_paths() -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(
        cafile=None,
        capath=None,
        openssl_cafile_env="SSL_CERT_FILE",
        openssl_cafile="",
        openssl_capath_env="SSL_CERT_DIR",
        openssl_capath="",
    )


def names() -> dict[str, Any]:
    """Returns what the module `ssl` has."""
    found = {
        name: value for name, value in globals().items() if name not in ("annotations", "names")
    }
    for kind in (VerifyMode, VerifyFlags, Options, _SSLMethod, SSLErrorNumber):
        found.update(kind.__members__)
    found.update(
        {
            "__doc__": __doc__,
            "OPENSSL_VERSION": "OpenSSL 3.0.0 (none: the host's TLS)",
            "OPENSSL_VERSION_INFO": (3, 0, 0, 0, 0),
            "OPENSSL_VERSION_NUMBER": 0x30000000,
            "HAS_SNI": True,
            "HAS_ALPN": True,
            "HAS_NPN": False,
            "HAS_ECDH": True,
            "HAS_SSLv2": False,
            "HAS_SSLv3": False,
            "HAS_TLSv1": False,
            "HAS_TLSv1_1": False,
            "HAS_TLSv1_2": True,
            "HAS_TLSv1_3": True,
            "HAS_NEVER_CHECK_COMMON_NAME": True,
            "_create_default_https_context": create_default_context,
            "_create_stdlib_context": _create_unverified_context,
        }
    )
    for private in ("__name__", "__spec__", "__loader__", "__package__", "__file__", "__cached__"):
        found.pop(private, None)
    return found
