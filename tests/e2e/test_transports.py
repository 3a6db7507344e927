"""gRPC and TLS as a user switches them on: options of `interlock up`, public clients."""

import datetime
import ipaddress
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.e2e.conftest import Wine
from tests.e2e.product import Product

from interlock.client import Client
from interlock.domain.errors import ServerUnreachableError

pytestmark = pytest.mark.slow

# In a process of its own, as its users have it: what the library starts lives until its process ends.
ASK = """
import sys
import numpy as np, tritonclient.grpc as triton
url, key, authority, data = sys.argv[1:]
options = {"ssl": True, "root_certificates": authority} if authority else {}
rows = np.load(data)
with triton.InferenceServerClient(url, **options) as client:
    given = triton.InferInput("rows", list(rows.shape), "FP64").set_data_from_numpy(rows)
    found = client.infer("wine", [given], headers={"authorization": f"Bearer {key}"})
    print(",".join(str(label) for label in found.as_numpy("label").tolist()))
"""


def ask(product: Product, rows: np.ndarray, folder: Path, authority: str = "") -> list[int]:
    """Labels by Triton's gRPC client."""
    np.save(folder / "rows.npy", rows)
    command = [sys.executable, "-c", ASK, product.grpc, product.key, authority, str(folder / "rows.npy")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [int(label) for label in done.stdout.split(",")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for loopback, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "interlock test")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, wine: Wine, certificate: tuple[Path, Path]) -> Iterator[Product]:
    """A server with everything: two workers, gRPC, TLS."""
    cert, key = certificate
    options = ["--workers", "2", "--grpc-port", "0", "--tls-cert", str(cert), "--tls-key", str(key)]
    product = Product(tmp_path_factory.mktemp("secured") / "home", *options)
    try:
        product.wait_until_ready()
        given = ("--reference", str(wine.reference), "--label", "cultivar")
        done = product.cli("model", "register", "wine", str(wine.forest), *given)
        assert done.returncode == 0, done.stderr
        done = product.cli("endpoint", "create", "wine", "--model", "wine:1")
        assert done.returncode == 0, done.stderr
        yield product
    finally:
        product.stop()


def test_commands_on_the_home_folder_know_its_certificate(secured: Product) -> None:
    assert secured.gateway.startswith("https://")
    assert secured.control.startswith("https://")
    assert [each["name"] for each in secured.json("endpoint", "list")["endpoints"]] == ["wine"]


def test_both_ports_speak_tls_and_nothing_older(secured: Product, certificate: tuple[Path, Path], wine: Wine) -> None:
    authority = ssl.create_default_context(cafile=str(certificate[0]))
    headers = {"Authorization": f"Bearer {secured.key}"}
    body = {"dataframe_split": {"columns": list(wine.heldout), "data": wine.heldout[:3].to_numpy().tolist()}}
    with httpx.Client(verify=authority, headers=headers, timeout=20) as client:
        answer = client.post(f"{secured.gateway}/invocations", json=body)
        assert answer.json()["predictions"] == wine.truth[:3].tolist()
        assert client.get(f"{secured.control}/api/v1/endpoints").status_code == 200
        assert client.get(f"{secured.control}/api/v1/address").json() == {"gateway": secured.gateway}
        assert client.get(secured.gateway, headers={"Host": "evil.example"}).status_code == 421
    old = ssl.create_default_context(cafile=str(certificate[0]))
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert httpx.get(f"{secured.gateway}/v2/health/live", verify=old).status_code == 200
    for url in (secured.gateway, secured.control):
        with pytest.raises(httpx.TransportError):
            httpx.get(url.replace("https", "http"), timeout=5)
        with pytest.raises(httpx.ConnectError, match="certificate"):
            httpx.get(url, timeout=5)


def test_python_client_wants_a_certificate_that_it_trusts(
    secured: Product, certificate: tuple[Path, Path], wine: Wine, tmp_path: Path
) -> None:
    with Client(secured.control, secured.key, ca_file=certificate[0]) as client:
        assert client.predict("wine", wine.heldout[:2]).values == wine.truth[:2].tolist()
    with pytest.raises(ServerUnreachableError, match="no certificate that is trusted here"):
        Client(secured.control, secured.key).monitor("wine")


def test_grpc_speaks_tls_and_answers_what_http_does(
    secured: Product, certificate: tuple[Path, Path], wine: Wine, tmp_path: Path
) -> None:
    rows = wine.heldout[:5].to_numpy(dtype=np.float64)
    for _ in range(4):  # connections go to either worker
        assert ask(secured, rows, tmp_path, str(certificate[0])) == wine.truth[:5].tolist()


def test_grpc_beside_a_model_in_a_process_of_its_own(wine: Wine, tmp_path: Path) -> None:
    product = Product(tmp_path / "home", "--grpc-port", "0")
    try:
        product.wait_until_ready()
        client = product.client()
        client.register("wine", wine.pickled, reference=wine.reference, label="cultivar", trust_pickle=True)
        client.create_endpoint("wine", "wine:1")
        rows = wine.heldout[:5].to_numpy(dtype=np.float64)
        assert ask(product, rows, tmp_path) == wine.truth[:5].tolist()
        assert product.stop() == 0
    finally:
        product.stop()
    assert not [line for line in product.said if "fork" in line or "WARNING" in line], product.said


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--tls-cert", "none.pem"], "--tls-cert and --tls-key belong together"),
        (["--tls-cert", "none.pem", "--tls-key", "none.pem"], "cannot be used"),
        (["--grpc-port", "TAKEN"], "is in use; stop what listens there, or choose another with --grpc-port"),
    ],
)
def test_what_cannot_be_switched_on_is_said_at_once(tmp_path: Path, options: list[str], error: str) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = str(taken.getsockname()[1])
        product = Product(tmp_path / "home", *(port if each == "TAKEN" else each for each in options))
        assert product.process.wait(30) == 2
        product.stop()
    assert error in "".join(product.said)
