"""Keys and TLS: what leaves this process on its way to a server."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import free_port, ostro_binary, wait_for
from ostro import workflows

KEY = "ostro_secret_key"


def own_address() -> str | None:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            found = str(probe.getsockname()[0])
        except OSError:
            return None
    return None if found.startswith("127.") else found


class Listener:
    """Takes one connection and keeps what comes first."""

    def __init__(self, host: str) -> None:
        self._socket = socket.create_server((host, 0))
        self.port = self._socket.getsockname()[1]
        self.heard = b""
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        self._socket.settimeout(20)
        try:
            connection, _ = self._socket.accept()
            with connection:
                connection.settimeout(1)
                while True:
                    some = connection.recv(65536)
                    if not some:
                        return
                    self.heard += some
        except OSError:
            return

    def close(self) -> bytes:
        """What was heard."""
        self._socket.close()
        self._thread.join(30)
        return self.heard


@pytest.fixture
def far() -> Iterator[str]:
    """A host that is not loopback."""
    found = own_address()
    if found is None:
        pytest.skip("this machine has no address but loopback")
    yield found


def connect(address: str, **settings: str) -> str:
    """What a program says that connects there with these variables, and calls once."""
    code = (
        "import asyncio, sys\nfrom ostro import workflows\n"
        "async def main():\n"
        f"    client = await workflows.Client.connect({address!r})\n"
        "    await client.count()\n"
        "try:\n    asyncio.run(asyncio.wait_for(main(), 15))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OSTRO_", "TEMPORAL_"))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**environment, **settings}, timeout=60)
    return done.stdout + done.stderr


def test_a_key_to_another_machine_goes_over_tls(far: str) -> None:
    listener = Listener(far)
    connect(f"{far}:{listener.port}", OSTRO_API_KEY=KEY)
    heard = listener.close()
    assert heard[:1] == b"\x16" and KEY.encode() not in heard


@pytest.mark.parametrize("name", ["OSTRO_TLS", "TEMPORAL_TLS"])
def test_without_tls_a_key_to_another_machine_is_refused(far: str, name: str) -> None:
    listener = Listener(far)
    said = connect(f"{far}:{listener.port}", TEMPORAL_API_KEY=KEY, **{name: "false"})
    assert "over plain text" in said and "OSTRO_PLAIN_TEXT_KEY" in said and KEY not in said
    assert listener.close() == b""


def test_a_key_leaves_over_plain_text_if_that_is_said(far: str) -> None:
    listener = Listener(far)
    connect(f"{far}:{listener.port}", OSTRO_API_KEY=KEY, OSTRO_TLS="false", OSTRO_PLAIN_TEXT_KEY="true")
    assert listener.close().startswith(b"PRI * HTTP/2.0")


@pytest.mark.parametrize("name", ["OSTRO_TLS", "TEMPORAL_TLS"])
def test_tls_is_spoken_with_host_and_port(name: str) -> None:
    listener = Listener("127.0.0.1")
    connect(f"127.0.0.1:{listener.port}", OSTRO_API_KEY=KEY, **{name: "true"})
    assert listener.close()[:1] == b"\x16"


def test_a_connection_that_fails_says_what_to_do(tmp_path: Path) -> None:
    port = free_port()
    assert "nothing answers at" in connect(f"127.0.0.1:{port}")
    assert "there is no such host" in connect("no-such-host.invalid:7233")
    missing = connect("127.0.0.1:1", OSTRO_TLS_CA=str(tmp_path / "missing.pem"))
    assert "cannot read" in missing and "OSTRO_TLS_CA" in missing
    (tmp_path / "own.pem").write_text("x")
    assert "OSTRO_TLS_KEY is not" in connect("127.0.0.1:1", OSTRO_TLS_CERT=str(tmp_path / "own.pem"))
    assert "neither true nor false" in connect("127.0.0.1:1", OSTRO_TLS="perhaps")
    assert "leave one of them out" in connect("https://127.0.0.1:1", OSTRO_TLS="false")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates of a server and a client that it signed."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    for name, more in (("server", "subjectAltName=DNS:ostro.test"), ("client", "extendedKeyUsage=clientAuth")):
        (folder / f"{name}.ext").write_text(f"basicConstraints=CA:FALSE\n{more}\n")
        openssl("req", *new_key[:5], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return folder


def test_a_server_that_wants_certificates(certificates: Path, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [ostro_binary(), "serve", "--listen", address, "--http-listen", "127.0.0.1:0", "--data", str(tmp_path)]
    tls = ["--tls-cert", "server.pem", "--tls-key", "server.key", "--tls-client-ca", "ca.pem"]
    server = subprocess.Popen([*command, *tls], cwd=certificates, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_for(address, server)
        whole = workflows.TLS(
            ca=certificates / "ca.pem", cert=certificates / "client.pem", key=certificates / "client.key", server_name="ostro.test"
        )

        async def count(given: workflows.TLS | bool) -> int:
            async with await workflows.Client.connect(address, tls=given) as client:
                await client.wait_until_ready()
                return await client.count()

        assert asyncio.run(count(whole)) == 0
        with pytest.raises(workflows.RpcError, match="no TLS with|nothing answers"):
            asyncio.run(count(workflows.TLS(ca=certificates / "ca.pem")))
        with pytest.raises(workflows.RpcError, match="no TLS with.*OSTRO_TLS_CA"):
            asyncio.run(count(True))
    finally:
        server.kill()
        server.wait()
