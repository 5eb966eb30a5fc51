"""One request, one answer: what is told apart when none came."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from itertools import count

import pytest
import requests
from pydantic import SecretStr

from pax8_pipeline.transport import session as wire_module
from pax8_pipeline.transport.session import HttpSession, NoResponse, NotSent
from pax8_pipeline_tests.support.scripted_http import ScriptedResponse, json_response, serving


@pytest.fixture
def anybody() -> Iterator[str]:
    with serving(
        lambda asked: json_response({"token": asked.token, "cookie": asked.headers.get("cookie")}, Set_Cookie="a=1")
    ) as server:
        yield server.url


def wire(url: str, clock: float = 0.0) -> HttpSession:
    return HttpSession(url, connect_s=5, read_s=5, threads=2, clock=lambda: clock)


def test_a_body_that_never_ends_is_given_up() -> None:
    hours = count()
    with serving(lambda asked: ScriptedResponse(200, b"x" * 1_000_000)) as server:
        slow = HttpSession(server.url, connect_s=5, read_s=5, threads=2, clock=lambda: next(hours) * 3600.0)
        with pytest.raises(NoResponse, match="still not complete after 50 s"):
            slow.send("GET")


def test_a_cookie_is_never_sent_back(anybody: str) -> None:
    one = wire(anybody)
    one.send("GET")
    assert one.send("GET").json()["cookie"] is None


def test_a_password_from_netrc_never_replaces_the_token(
    anybody: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:
        file.write("machine 127.0.0.1 login someone password something\n")
    monkeypatch.setenv("NETRC", netrc)
    one = wire(anybody)
    one._session.trust_env = True  # as it is for addresses that are not this machine
    assert one.send("GET", token=SecretStr("token-7")).json()["token"] == "token-7"
    assert one.send("GET").json()["token"] == ""


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(anybody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert wire(anybody).send("GET").status == 200


def test_a_certificate_that_cannot_be_verified_is_certain_and_not_worth_another_try(anybody: str) -> None:
    refused = requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed")
    explained = wire(anybody)._explain(refused)
    assert isinstance(explained, NotSent)
    assert explained.permanent


def test_a_broken_encryption_may_have_let_the_request_through(anybody: str) -> None:
    with pytest.raises(NoResponse, match="encrypted connection"):
        wire(anybody.replace("http://", "https://")).send("GET")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_a_body_longer_than_the_limit_is_not_read_to_its_end(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "LONGEST_BODY", 1 << 20)
    zeros = b"\0" * (40 << 20)
    packers: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}
    packed = packers[encoding](zeros)
    with serving(lambda asked: ScriptedResponse(200, packed, {"Content-Encoding": encoding})) as server:
        tracemalloc.start()
        with pytest.raises(NoResponse, match="longer than 1 MB") as found:
            wire(server.url).send("GET")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert found.value.permanent
    assert peak < 20 << 20, "the body was unpacked whole before it was refused"


def test_a_body_of_the_usual_length_is_read_whole() -> None:
    body = b"[" + b" " * (5 << 20) + b"]"
    with serving(lambda asked: ScriptedResponse(200, gzip.compress(body), {"Content-Encoding": "gzip"})) as server:
        assert wire(server.url).send("GET").body == body
