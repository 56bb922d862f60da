from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from trainstop.server.conftest import postgres
from trainstop.server.jobs.conftest import TEMPLATE, Clock, Desk
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.server_lease import ServerLease, Worker
from trainstop.server.jobs.supervision_view import Launching
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store.store_error import StoreError


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database(PostgresUrl(postgres().new_database()))
    yield database
    database.close()


def lease(database: Database, place: str = "/data", *, host: str = "a", boot: str = "1") -> ServerLease:
    """Of a server that has no time to wait."""
    return ServerLease(database, Worker("srv_1", place, host, boot), sleep=lambda _: None)


def test_the_next_server_in_the_same_place_goes_on_at_once(database: Database) -> None:
    dead, next_one = lease(database), lease(database)
    dead.take()
    next_one.take()
    assert next_one.renew()
    assert not dead.renew()


@pytest.mark.parametrize("elsewhere", [{"place": "/copy"}, {"host": "b"}, {"boot": "2"}])
def test_a_copy_of_the_directory_is_refused_while_the_other_lives(
    database: Database, elsewhere: dict[str, str]
) -> None:
    living = lease(database)
    living.take()
    copy = lease(database, **elsewhere)
    copy._sleep = lambda _: None if living.renew() else pytest.fail("its own lease")
    with pytest.raises(StoreError, match=r"a server on a works just now \(/data\).*remove server.json"):
        copy.take()
    assert living.renew()


def test_a_directory_that_moved_is_taken_over_when_the_lease_is_given_back_or_over(
    database: Database,
) -> None:
    first = lease(database)
    first.take()
    first.give_back()
    second = lease(database, host="b")
    second.take()
    assert (first.renew(), second.renew()) == (False, True)
    third = lease(database, host="c")
    slept = []

    def time_passes(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            second.give_back()  # as far as the store knows: its last sign of life is old

    third._sleep = time_passes
    third.take()
    assert len(slept) == 3


def desk_of(database: Database, server_id: str, run: str | None = None) -> Desk:
    launching = Launching(Path("/data"), {}, 1, server_id=server_id, run=run)
    clock = Clock()
    return Desk(Jobs(database, launching, {"digits": TEMPLATE}, clock=clock), clock)


def test_a_server_that_lost_its_lease_launches_nothing(database: Database) -> None:
    lost, newer = lease(database), lease(database)
    lost.take()
    desk = desk_of(database, "srv_1", lost.worker.run)
    job_id = desk.start()
    newer.take()
    assert not desk.jobs.claim_launch(job_id, 1)
    assert desk_of(database, "srv_1", newer.worker.run).jobs.claim_launch(job_id, 1)


def test_each_server_has_its_own_jobs_and_places_and_all_may_be_told_to_stop(store: Database) -> None:
    ours, theirs = desk_of(store, "srv_1"), desk_of(store, "srv_2")
    one, other = ours.running(), theirs.running()
    assert [job.job_id for job in ours.jobs.supervised()] == [one]
    assert [job.job_id for job in theirs.jobs.supervised()] == [other]
    assert ours.jobs.supervised_job(other) is None
    ours.cancel(other)
    job = theirs.jobs.supervised_job(other)
    assert job is not None and job.control is not None
    theirs.obey(other)
    resumed = ours.resume(other)["job"]["id"]
    assert theirs.jobs.supervised_job(resumed) is not None, "its checkpoint lies there"
    assert ours.jobs.attempt(one, None, None) == (1, False)
    with pytest.raises(Refusal, match="lie on another machine") as refusal:
        ours.jobs.attempt(other, None, None)
    assert refusal.value.code == "not_supported"
    with pytest.raises(Refusal, match="no such job"):
        ours.jobs.attempt(other, "somebody", None)


def test_a_file_belongs_to_its_one_server_whoever_that_was(memory: Path) -> None:
    file = Database(memory / "trainstop.db")
    job_id = desk_of(file, "srv_0").start()
    ServerLease(file, Worker("srv_1", "/data")).take()
    assert [job.job_id for job in desk_of(file, "srv_1").jobs.supervised()] == [job_id]
    file.close()
