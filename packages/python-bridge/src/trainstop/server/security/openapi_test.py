"""The OpenAPI file against the real server: what is documented is what happens, whatever is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from trainstop.server.routes.conftest import PROTOCOL, TOKEN, WAIT_SECONDS, Site, serving
from trainstop.server.security.conftest import OPERATIONS, Operation, document, worker_token

EXAMPLES = 12
"""Of each operation and kind. A stream's job is over, so that it ends by itself."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("data")) as (site, _):
        yield site


@pytest.fixture(scope="module")
def ids(site: Site) -> dict[str, str]:
    """A job that is over, and its command."""
    job_id = site.desk.running()
    site.desk.cancel(job_id)
    site.desk.obey(job_id)
    site.desk.exit(job_id)
    return {"job_id": job_id, "command_id": site.desk.command(job_id)["id"]}


@pytest.fixture(scope="module")
def run_id(site: Site) -> str:
    """A job that runs, and may report."""
    return site.desk.running()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_nothing_that_is_sent_leads_to_what_is_not_documented(
    site: Site, operation: Operation, mode: GenerationMode, ids: dict[str, str], run_id: str
) -> None:
    described = document()
    negative = mode is GenerationMode.NEGATIVE
    told = described["paths"][operation.path][operation.method.lower()]
    if negative and not told["parameters"] and operation.body is None:
        return  # there is nothing to get wrong
    if negative:
        del described["security"]  # it would leave out the token, as attacks_test.py does
    schema = schemathesis.openapi.from_dict(described)
    strategy = schema[operation.path][operation.method].as_strategy(mode)
    known = {**ids, "job_id": run_id if operation.of_runs else ids["job_id"]}
    token = worker_token(site, run_id) if operation.of_runs else TOKEN

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, there_is_one=st.booleans())
    def check(case: Any, there_is_one: bool) -> None:
        if there_is_one and not negative and case.path_parameters:
            case.path_parameters.update({name: known[name] for name in case.path_parameters})
        response = case.call_and_validate(
            base_url=site.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=WAIT_SECONDS,
            # A template's name and a page's cursor have meanings that no schema knows.
            excluded_checks=[positive_data_acceptance],
        )
        if operation.streams and response.status_code == 200:
            for line in response.text.splitlines():
                if line.startswith("data: "):
                    PROTOCOL.check("Event", json.loads(line.removeprefix("data: ")))

    check()
