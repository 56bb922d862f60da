"""People with tokens of their own, against a real server."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from trainstop.server.configuration.people_section import PeopleSection
from trainstop.server.routes.conftest import WAIT_SECONDS, Site, serving
from trainstop.server.security.conftest import JSON_TYPE, OPERATIONS, Operation, ask, example, target

SECRET = b"people-secret-0123456789-" * 3
ISSUER, AUDIENCE = "https://login.example.com", "trainstop"
PEOPLE = PeopleSection(
    jwt_secret_file="secret",
    issuer=ISSUER,
    audience=AUDIENCE,
    leeway_seconds=0,
    operator_claim="roles",
    operator_value="ml-ops",
)


def claims(**more: Any) -> dict[str, Any]:
    """Ada's; a claim that is None is left out."""
    now = int(time.time())
    all_ = {"sub": "ada", "name": "Ada", "iss": ISSUER, "aud": AUDIENCE, "exp": now + 600, "iat": now, **more}
    return {name: value for name, value in all_.items() if value is not None}


def token(secret: bytes = SECRET, algorithm: str = "HS256", **more: Any) -> str:
    return jwt.encode(claims(**more), secret, algorithm)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("data"), jwt_secret=SECRET, people=PEOPLE) as (site, _):
        yield site


def get(site: Site, path: str, token: str, **headers: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", **headers}
    return httpx.get(f"{site.url}{path}", headers=headers, timeout=WAIT_SECONDS)


def test_a_person_has_their_own_jobs_and_no_others(site: Site) -> None:
    eves = site.desk.running(owner="eve")
    headers = {"Authorization": f"Bearer {token()}"}
    answer = httpx.post(
        f"{site.url}/jobs", json={"template": "digits"}, headers=headers, timeout=WAIT_SECONDS
    )
    job = answer.json()["job"]
    assert (answer.status_code, job["owner"]) == (201, "ada")
    assert [each["id"] for each in get(site, "/jobs", token()).json()["jobs"]] == [job["id"]]
    assert get(site, f"/jobs/{eves}", token()).status_code == 404
    stopped = httpx.post(f"{site.url}/cancel/{job['id']}", headers=headers, timeout=WAIT_SECONDS).json()
    assert stopped["result"]["command"]["actor"] == {"type": "user", "id": "ada", "name": "Ada"}
    assert site.desk.status(eves) == "running"


def test_an_operator_sees_everybodys_jobs_and_starts_their_own(site: Site) -> None:
    eves = site.desk.running(owner="eve")
    for roles in ("ml-ops", ["reader", "ml-ops"]):
        assert get(site, f"/jobs/{eves}", token(roles=roles)).status_code == 200
    for other in ("ml-ops-not", ["ML-OPS"], {"ml-ops": 1}, None, True):
        assert get(site, f"/jobs/{eves}", token(roles=other)).status_code == 404
    headers = {"Authorization": f"Bearer {token(roles='ml-ops')}"}
    answer = httpx.post(
        f"{site.url}/jobs", json={"template": "digits"}, headers=headers, timeout=WAIT_SECONDS
    )
    assert answer.json()["job"]["owner"] == "ada"


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if not each.open], ids=str)
@pytest.mark.parametrize("header", ["Trainstop-Owner", "Trainstop-Actor"])
def test_a_person_speaks_for_nobody_else_on_any_route(site: Site, operation: Operation, header: str) -> None:
    for roles in (None, "ml-ops"):
        headers = [
            ("Host", f"127.0.0.1:{site.port}"),
            ("Authorization", f"Bearer {token(roles=roles)}"),
            (header, "eve"),
            JSON_TYPE,
        ]
        answer = ask(site.port, operation.method, target(operation), headers, example(operation))
        assert (answer.status, answer.code) == (403, "forbidden")


def unsigned(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def raw(payload: Any) -> str:
    """Well signed, whatever it says."""
    return jwt.PyJWS().encode(json.dumps(payload).encode(), SECRET, "HS256")


def tampered() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{unsigned({}, claims(sub='eve')).split('.')[1]}.{signature}"


NOW = int(time.time())
BAD_TOKENS = {
    "expired": token(exp=NOW - 10),
    "not yet good": token(nbf=NOW + 3600),
    "no expiry": token(exp=None),
    "an expiry that is none": token(exp="never"),
    "an endless expiry": raw(claims(exp=1e400)),
    "an expiry that no clock can hold": raw(claims(exp=10**400)),
    "other issuer": token(iss="https://evil.example"),
    "issuer with a slash": token(iss=f"{ISSUER}/"),
    "no issuer": token(iss=None),
    "other audience": token(aud="another-service"),
    "other audiences": token(aud=["another-service"]),
    "no audience": token(aud=None),
    "nobody": token(sub=None),
    "an empty name": token(sub=""),
    "a name with a line break": token(sub="ada\neve"),
    "a name with blanks around it": token(sub=" ada"),
    "a number": raw(claims(sub=7)),
    "other secret": token(secret=b"x" * 64),
    "HS512": token(algorithm="HS512"),
    "none": unsigned({"alg": "none"}, claims()),
    "None": unsigned({"alg": "None"}, claims()),
    "no algorithm": unsigned({}, claims()),
    "tampered": tampered(),
    "no signature": token().rpartition(".")[0] + ".",
    "critical extension": jwt.encode(claims(), SECRET, "HS256", headers={"crit": ["b64"], "b64": True}),
    "kid that is none": unsigned({"alg": "HS256", "kid": ["../../dev/null"]}, claims()),
    "huge": token(name="x" * 20_000),
    "deep": raw(json.loads("[" * 500 + "]" * 500)),
    "two dots": "..",
    "no base64": "é.é.é",
}


@pytest.mark.parametrize("bad", BAD_TOKENS)
def test_a_token_that_is_not_good_is_refused_and_never_repeated(site: Site, bad: str) -> None:
    authorization = ("Authorization", f"Bearer {BAD_TOKENS[bad]}")
    answer = ask(site.port, "GET", "/api/training/jobs", [("Host", "localhost"), authorization])
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert BAD_TOKENS[bad].encode() not in answer.body or bad == "two dots"
    assert (b"expired" in answer.body) == (bad == "expired")


def test_a_stream_ends_with_the_token_that_opened_it(site: Site) -> None:
    job_id = site.desk.running(owner="ada")
    seen = []
    short = token(exp=int(time.time()) + 2)
    with httpx.stream(
        "GET",
        f"{site.url}/jobs/{job_id}/events",
        headers={"Authorization": f"Bearer {short}"},
        timeout=WAIT_SECONDS,
    ) as stream:
        seen = list(stream.iter_lines())  # to its end, though the job runs on
    assert "event: job" in seen and "event: end" not in seen
    assert time.time() >= jwt.decode(short, options={"verify_signature": False})["exp"]
    assert get(site, f"/jobs/{job_id}", short).status_code == 401
    assert get(site, f"/jobs/{job_id}", token()).status_code == 200


def test_a_persons_token_in_the_url_is_refused(site: Site) -> None:
    answer = get(site, f"/jobs?cursor={token()}", token())
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
