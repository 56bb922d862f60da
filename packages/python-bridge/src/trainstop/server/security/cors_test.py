"""Pages of listed origins, and of no other, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trainstop.server.configuration.cors_section import CorsSection
from trainstop.server.routes.conftest import Site, serving
from trainstop.server.security.conftest import (
    JSON_TYPE,
    OPERATIONS,
    Answer,
    Operation,
    allowed,
    ask,
    example,
    target,
)

APP = "https://app.example.com"
CROSS_SITE = ("Sec-Fetch-Site", "cross-site")
every = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    cors = CorsSection(origins=(APP, "http://localhost:5173"))
    with serving(tmp_path_factory.mktemp("data"), cors=cors) as (site, _):
        yield site


def page(site: Site, operation: Operation, origin: str, *, token: bool = True) -> Answer:
    headers = [*allowed(site.port)[: 2 if token else 1], ("Origin", origin), CROSS_SITE, JSON_TYPE]
    return ask(site.port, operation.method, target(operation), headers, example(operation))


def preflight(site: Site, operation: Operation, origin: str, host: str = "localhost") -> Answer:
    headers = [
        ("Host", host),
        ("Origin", origin),
        CROSS_SITE,
        ("Access-Control-Request-Method", operation.method),
        ("Access-Control-Request-Headers", "authorization,content-type,idempotency-key"),
    ]
    return ask(site.port, "OPTIONS", target(operation), headers)


@every
def test_a_page_of_a_listed_origin_is_served_and_may_read_the_answer(
    site: Site, operation: Operation
) -> None:
    for token in (True, False):  # it must be able to read a refusal too
        answer = page(site, operation, APP, token=token)
        assert (answer.status == 401) == (not token and not operation.open)
        assert answer.header("access-control-allow-origin") == APP
        assert answer.header("access-control-allow-credentials") is None
        assert "ETag" in str(answer.header("access-control-expose-headers"))
        assert "Origin" in str(answer.header("vary"))


@every
def test_its_browser_may_ask_first_without_a_token(site: Site, operation: Operation) -> None:
    answer = preflight(site, operation, APP)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("access-control-allow-origin") == APP
    assert operation.method in str(answer.header("access-control-allow-methods"))
    assert {"authorization", "content-type", "idempotency-key", "last-event-id"} <= {
        name.strip().lower() for name in str(answer.header("access-control-allow-headers")).split(",")
    }
    assert "Origin" in str(answer.header("vary"))


@every
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "https://app.example.com:8443",
        "http://app.example.com",
        "https://APP.example.com",
        "https://app.example.com/",
        "https://sub.app.example.com",
        "null",
        "*",
        "",
    ],
)
def test_pages_of_all_other_origins_still_get_nothing(site: Site, operation: Operation, origin: str) -> None:
    for answer in (page(site, operation, origin), preflight(site, operation, origin)):
        assert (answer.status, answer.code) == (403, "forbidden")
        assert answer.header("access-control-allow-origin") is None


@every
def test_a_listed_origin_excuses_no_foreign_host_and_no_second_origin(
    site: Site, operation: Operation
) -> None:
    assert preflight(site, operation, APP, host="evil.example").status == 403
    headers = [*allowed(site.port), ("Origin", APP), ("Origin", "https://evil.example"), JSON_TYPE]
    answer = ask(site.port, operation.method, target(operation), headers, example(operation))
    assert answer.status == 403


@every
def test_what_comes_without_an_origin_from_another_site_is_still_refused(
    site: Site, operation: Operation
) -> None:
    """A picture or a form: browsers send no Origin with them."""
    headers = [*allowed(site.port), CROSS_SITE, JSON_TYPE]
    answer = ask(site.port, operation.method, target(operation), headers, example(operation))
    assert answer.status == 403
