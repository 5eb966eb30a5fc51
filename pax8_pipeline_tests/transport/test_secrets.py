"""No secret and no token in a log line, a message, a repr or a traceback; none over an open connection."""

from __future__ import annotations

import logging
import traceback
from urllib.parse import quote_plus

import pytest

from pax8_pipeline.errors import ConfigError, PipelineError
from pax8_pipeline.transport.redact import RedactFilter, redact, register_secret
from pax8_pipeline.transport.session import Answer, checked_url
from pax8_pipeline_tests.support.scripted_http import ScriptedRequest, ScriptedResponse, TokenServer, json_response
from pax8_pipeline_tests.transport.conftest import SECRET, Build, token_request

TOKEN = "token-1"


def spoken(caplog: pytest.LogCaptureFixture, *others: object) -> str:
    return caplog.text + "".join(f"{other!s}{other!r}" for other in others)


def secretless(text: str) -> bool:
    return not any(value in text for value in (SECRET, quote_plus(SECRET), TOKEN, "token-2"))


def test_no_log_line_of_ours_or_of_the_libraries_holds_a_secret(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    transport, server = build(TokenServer().guards(lambda asked: json_response({"ok": True})))
    transport.get_json("/Client")
    transport.post_json("/Invoice", [{}])
    assert quote_plus(SECRET) in quote_plus(server.token_calls[0].body.decode())
    assert "GET /Client" in caplog.text
    assert any(record.name == "urllib3.connectionpool" for record in caplog.records)
    assert secretless(caplog.text)


def test_an_error_never_repeats_a_secret_the_vendor_echoes(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def echo(asked: ScriptedRequest) -> ScriptedResponse:
        return json_response({"error": "access_denied", "error_description": f"bad: {asked.body.decode()}"}, 401)

    transport, _ = build(echo)
    with pytest.raises(PipelineError) as caught:
        transport.get_json("/Client")
    assert "access_denied" in str(caught.value)
    assert secretless(spoken(caplog, caught.value, "".join(traceback.format_exception(caught.value))))


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_an_error_never_repeats_a_token_the_vendor_echoes(status: int, build: Build) -> None:
    def echo(asked: ScriptedRequest) -> ScriptedResponse:
        return json_response(
            {"message": f"you sent {asked.headers['authorization']} and client_secret={SECRET}"}, status
        )

    transport, _ = build(TokenServer().guards(echo))
    with pytest.raises(PipelineError) as caught:
        transport.post_json("/Invoice", [{}])
    assert "you sent" in str(caught.value)
    assert secretless(spoken_error(caught.value))


def spoken_error(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


def test_nothing_that_holds_a_secret_shows_it_in_its_repr(build: Build) -> None:
    transport, _ = build(TokenServer().guards(lambda asked: json_response({})))
    token = transport.tokens.current()
    shown = f"{token!r} {token_request()!r} {transport!r} {Answer(200, {}, SECRET.encode())!r} {vars(transport)!r}"
    assert secretless(shown)


def test_a_kept_secret_is_masked_as_it_is_and_url_encoded() -> None:
    register_secret("pass+word/1")
    assert redact("a pass+word/1 b pass%2Bword%2F1 c") == "a *** b *** c"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdef.ghi-jkl",
        '{"access_token":"abcdef.ghi-jkl","x":1}',
        "grant_type=x&client_secret=abcdef.ghi-jkl&scope=all",
        "https://me:abcdef.ghi-jkl@example.com/",
        "'refresh_token': 'abcdef.ghi-jkl'",
    ],
)
def test_what_looks_like_a_secret_is_masked_even_if_unknown(text: str) -> None:
    assert "abcdef" not in redact(text)
    assert "***" in redact(text)


def test_ordinary_text_is_left_alone() -> None:
    text = "GET /RecurringInvoice/-94: 404, company Bearing Street, token expired"
    assert redact(text) == text


def test_the_filter_masks_arguments_and_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    register_secret("hunter2-hunter2")
    log = logging.getLogger("pax8_pipeline_tests.redact")
    log.addFilter(RedactFilter())
    try:
        raise RuntimeError("hunter2-hunter2")
    except RuntimeError:
        log.exception("failed with %s", "hunter2-hunter2")
    assert "failed with ***" in caplog.text
    assert "RuntimeError: ***" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "http://10.0.0.1/api",
        "ftp://example.com",
        "api.example.com/v1",
        "",
        "https://",
        "https://user:pass@example.com/api",
        "http://localhost.example.com/api",
        "http://[not-an-address/api",
        "https://example.com:port/api",
    ],
)
def test_an_address_that_would_send_secrets_in_the_open_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="HALO_API_URL"):
        checked_url(url, "HALO_API_URL")


@pytest.mark.parametrize(
    "url", ["https://api.example.com/v1/", "http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]:80/v1"]
)
def test_https_and_loopback_are_allowed_and_a_trailing_slash_does_not_matter(url: str) -> None:
    assert checked_url(url, "HALO_API_URL") == url.rstrip("/")
