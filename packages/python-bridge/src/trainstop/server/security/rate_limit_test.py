"""Limits: for floods, never for a stop or a dashboard."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainstop.server.configuration.limits_section import LimitsSection
from trainstop.server.routes.conftest import TOKEN, WAIT_SECONDS, Site, serving
from trainstop.server.security.rate_limit import BURST_SECONDS, Places, RateLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    st.floats(0.05, 1000),
    st.lists(st.floats(0, 30), max_size=200),
)
def test_never_more_than_the_burst_and_the_rate_and_what_is_told_to_wait_is_enough(
    rate: float, pauses: list[float]
) -> None:
    clock = Clock()
    limit = RateLimit(rate, clock)
    for granted, pause in enumerate(pauses, 1):
        clock.now += pause
        wait = limit.take("a")
        if wait:
            clock.now += wait
            assert limit.take("a") == 0
        elapsed = clock.now - 1000.0
        assert granted <= rate * (elapsed + BURST_SECONDS) + 1.001


def test_one_caller_uses_up_nothing_of_anothers() -> None:
    limit = RateLimit(1, Clock())
    while not limit.take("eve"):
        pass
    assert limit.take("ada") == 0


def test_however_many_callers_there_are_only_so_many_are_remembered() -> None:
    limit = RateLimit(1, Clock(), max_keys=100)
    for caller in range(1000):
        limit.take(caller)
    assert len(limit._full_at) == 100


def test_places_are_given_back_however_one_leaves() -> None:
    places = Places(2, 1)
    with pytest.raises(ValueError, match="left"), places.take("ada"):
        assert not places.free("ada") and places.free("eve") and places.free(None)
        raise ValueError("left")
    assert places.free("ada")
    with places.take("ada"), places.take("eve"):
        assert not places.free("bob") and not places.free(None)


def headers(owner: str | None, token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} | ({} if owner is None else {"Trainstop-Owner": owner})


def flood(site: Site, method: str, path: str, sent: dict[str, str]) -> httpx.Response:
    """Until it is too much."""
    with httpx.Client(base_url=site.url, timeout=WAIT_SECONDS, headers=sent) as client:
        for _ in range(10_000):
            answer = client.request(method, path)
            if answer.status_code == 429:
                return answer
    raise AssertionError("never too much")


def test_a_flood_is_told_when_to_come_back_and_stops_and_others_are_not_in_its_way(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    slow = LimitsSection(reads_per_second=0.1, starts_per_second=0.1, refusals_per_second=0.1)
    with serving(tmp_path_factory.mktemp("data"), limits=slow) as (site, _):
        job_id = site.desk.running(owner="eve")
        for method in ("GET", "POST"):
            answer = flood(site, method, "/jobs", headers("eve"))
            assert answer.json()["code"] == "rate_limited"
            assert 1 <= int(answer.headers["retry-after"]) <= 11
        get = {"timeout": WAIT_SECONDS}
        assert httpx.get(f"{site.url}/jobs", headers=headers("ada"), **get).status_code == 200  # type: ignore[arg-type]
        for _ in range(50):
            stop = httpx.post(f"{site.url}/cancel/{job_id}", headers=headers("eve"), timeout=WAIT_SECONDS)
            assert stop.status_code == 200
        assert httpx.get(f"{site.url}/health", timeout=WAIT_SECONDS).status_code == 200


def test_who_guesses_is_slowed_down_and_who_knows_is_not(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = LimitsSection(refusals_per_second=0.1)
    with serving(tmp_path_factory.mktemp("data"), limits=limits) as (site, _):
        answer = flood(site, "GET", "/jobs", headers(None, "wrong"))
        assert answer.headers["retry-after"] and answer.headers["connection"] == "close"
        assert httpx.get(f"{site.url}/jobs", headers=headers(None), timeout=WAIT_SECONDS).status_code == 200


def test_streams_at_once_are_counted_and_given_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = LimitsSection(streams_per_owner=1, streams=2)
    with serving(tmp_path_factory.mktemp("data"), limits=limits) as (site, _):
        adas, eves = site.desk.running(owner="ada"), site.desk.running(owner="eve")

        def open_one(job_id: str, owner: str | None) -> httpx.Response:
            request = site.client.build_request("GET", f"/jobs/{job_id}/events", headers=headers(owner))
            return site.client.send(request, stream=True)

        first = open_one(adas, "ada")
        second = open_one(adas, "ada")
        assert (first.status_code, second.status_code) == (200, 429)
        assert second.headers["retry-after"]
        other = open_one(eves, "eve")
        operators = open_one(eves, None)
        assert (other.status_code, operators.status_code) == (200, 429)
        site.desk.exit(adas)
        first.read()  # ends with the job
        last = open_one(adas, "ada")
        assert last.status_code == 200
        for response in (second, other, operators, last):
            response.close()
