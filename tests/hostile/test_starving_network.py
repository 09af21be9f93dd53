"""What one client holds of the network, whatever it is, costs no other its answer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import grpc
import pytest
import temporalio.api.workflowservice.v1 as service
from lab import Server, answer, start
from starving import HalfSender, closed_by_server, silent
from temporalio.api.workflowservice.v1 import WorkflowServiceStub

CERTIFICATES = Path(__file__).resolve().parents[2] / "crates/ostro-wire/tests/wire/certificates"
#: Memory that an attack may cost, in MiB.
MEMORY_MAX = 100.0
#: An honest call beside an attack may take this long, in seconds.
ANSWER_SECONDS_MAX = 3.0
UNAUTHENTICATED, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED = "16", "8", "4"


def assert_serves(server: Server, key: str | None = None) -> None:
    began = time.monotonic()
    answered = server.caller(key).call("GetSystemInfo", service.GetSystemInfoRequest(), ANSWER_SECONDS_MAX)
    assert answered.ok, (answered, time.monotonic() - began, server.log()[-1000:])


def test_without_a_key_no_body_is_waited_for(serve: Any) -> None:
    server = serve("--access", "key")
    key = server.key("operator", "default")
    before = server.memory()
    attacker = HalfSender(server)
    answers = attacker.answered([attacker.begin() for _ in range(600)])
    assert [status for status, _ in answers] == [UNAUTHENTICATED] * 600
    assert server.memory() - before < MEMORY_MAX
    assert_serves(server, key)


def test_half_sent_requests_hold_no_more_than_a_connection_may(server: Server) -> None:
    before = server.memory()
    attacker = HalfSender(server)
    streams = [attacker.begin() for _ in range(600)]
    answers = attacker.answered(streams[20:])
    assert len(answers) == len(streams) - 20, "64 MiB of them wait for their bodies, 4 MiB each"
    assert {status for status, _ in answers} == {RESOURCE_EXHAUSTED}
    assert all("request_bytes_per_connection_max" in words for _, words in answers), answers[0]
    assert server.memory() - before < MEMORY_MAX
    assert_serves(server)
    assert "ostro_requests_cut_total" in server.http("GET", "/metrics").text


def test_half_sent_requests_of_many_connections_hold_no_more_than_all_may(serve: Any) -> None:
    server = serve(config='[network]\nrequest_bytes_max = "40MiB"\nbody_timeout = "2s"\n')
    attackers = [HalfSender(server) for _ in range(5)]
    begun = [(attacker, attacker.begin()) for _ in range(4) for attacker in attackers]
    answers = [attacker.answered([stream])[0] for attacker, stream in begun]
    refused = [words for status, words in answers if status == RESOURCE_EXHAUSTED]
    assert refused and all("request_bytes_max" in words for words in refused), answers
    held = [words for status, words in answers if status == DEADLINE_EXCEEDED]
    assert 0 < len(held) <= 10 and all("body_timeout" in words for words in held), answers
    assert len(refused) + len(held) == len(begun), answers
    assert_serves(server)
    assert server.caller().call("StartWorkflowExecution", start("w")).ok, "what the bodies held is free again"


def test_a_body_that_comes_by_bytes_is_ended(serve: Any) -> None:
    server = serve(config='[network]\nbody_timeout = "1s"\n')
    attacker = HalfSender(server)
    stream = attacker.begin(message_bytes=200)
    for _ in range(8):
        if attacker.answered([stream], 0.3):
            break
        attacker.connection.send_data(stream, b"\n")
        attacker.flush()
    (answered,) = attacker.answered([stream])
    assert answered[0] == DEADLINE_EXCEEDED and "body_timeout" in answered[1], answered


def test_an_http_body_that_does_not_come_is_ended(serve: Any) -> None:
    server = serve(config='[network]\nbody_timeout = "1s"\n')
    head = b"POST /v1/workflows/W/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
    (connection,) = silent(server.http_port, 1, head)
    connection.settimeout(5)
    said = connection.recv(2000)
    assert b" 400 " in said.split(b"\r\n")[0] and b"body_timeout" in said, said


HALF_HEADS = {"nothing": b"", "half of HTTP/2": b"PRI * HTTP/2.0\r\n", "half of a head": b"POST / HTTP/1.1\r\nHost: local"}


@pytest.mark.parametrize("said", HALF_HEADS.values(), ids=HALF_HEADS)
def test_silent_connections_lock_nobody_out(serve: Any, said: bytes) -> None:
    """A process that may open few files, and more silent connections than those."""
    server = serve(prefix=["prlimit", "--nofile=320:320"])
    for port in (server.port, server.http_port):
        held = silent(port, 400, said)
        assert_serves(server)
        assert server.http("GET", "/healthz").status == 200
        assert server.caller().call("StartWorkflowExecution", start(f"w-{port}")).ok
        assert closed_by_server(held[:50], 2) == 50, "the oldest made room"
    assert "ostro_connections_ended_total" in server.http("GET", "/metrics").text


def test_who_says_nothing_is_sent_away(serve: Any) -> None:
    server = serve(config='[network]\nheader_timeout = "1s"\n')
    ways = [(port, said) for port in (server.port, server.http_port) for said in HALF_HEADS.values()]
    held = [silent(port, 5, said) for port, said in ways]
    for way, connections in zip(ways, held, strict=True):
        assert closed_by_server(connections, 4) == 5, way


def test_slow_handshakes_delay_no_good_client(serve: Any) -> None:
    certificate, private = CERTIFICATES / "server.pem", CERTIFICATES / "server.key"
    server = serve("--tls-cert", str(certificate), "--tls-key", str(private), config='[network]\nheader_timeout = "2s"\n')
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    held = [*silent(server.port, 200, hello), *silent(server.http_port, 200, hello)]
    credentials = grpc.ssl_channel_credentials((CERTIFICATES / "ca.pem").read_bytes())
    for _ in range(3):
        began = time.monotonic()
        with grpc.secure_channel(f"localhost:{server.port}", credentials) as channel:
            stub = WorkflowServiceStub(channel)
            asked = answer(lambda stub=stub: stub.GetSystemInfo(service.GetSystemInfoRequest(), timeout=ANSWER_SECONDS_MAX))
        assert asked.ok, (asked, time.monotonic() - began)
    assert closed_by_server(held, 6) == len(held)
