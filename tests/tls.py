"""Names with a certificate in front of plain addresses, for clients that insist on https."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATIENCE = 30


@contextmanager
def https(sites: Mapping[str, str], folder: Path) -> Iterator[dict[str, str]]:
    """Run a proxy that ends TLS for these names; gives the environment that leads to it."""
    certificate = _certificate(list(sites), folder)
    with _Proxy(sites, certificate) as proxy:
        serving = Thread(target=proxy.serve_forever, args=(0.02,))
        serving.start()
        try:
            address = f"http://127.0.0.1:{proxy.server_address[1]}"
            yield {
                "HTTPS_PROXY": address,
                "https_proxy": address,
                "REQUESTS_CA_BUNDLE": str(certificate),
            }
        finally:
            proxy.shutdown()
            serving.join()


class _Proxy(ThreadingHTTPServer):
    def __init__(self, sites: Mapping[str, str], certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Connect)
        self.sites = sites
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)


class _Connect(BaseHTTPRequestHandler):
    """One CONNECT, and inside it one request, which is passed on."""

    server: _Proxy
    timeout = PATIENCE

    def do_CONNECT(self) -> None:
        self.site = urlsplit(self.server.sites[self.path.partition(":")[0]])
        self.send_response_only(200)
        self.end_headers()
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.close_connection = False

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with closing(HTTPConnection(self.site.netloc, timeout=PATIENCE)) as inner:
            inner.request(self.command, self.path, body, dict(self.headers))
            response = inner.getresponse()
            answer = response.read()
        self.send_response_only(response.status)
        self.send_header("Content-Type", response.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = True

    def finish(self) -> None:
        super().finish()
        self.connection.close()


def _certificate(names: list[str], folder: Path) -> Path:
    """A certificate that vouches for itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, names)), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path
