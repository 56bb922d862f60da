from __future__ import annotations

import pytest

from trainstop.server.jobs.states import ENDINGS, FINAL, SUPERVISED, TRANSITIONS, Answer, State, Trigger

EVERY_PAIR = [(state, trigger) for state in State for trigger in Trigger]
WITH_A_PROCESS = sorted(SUPERVISED - {State.PENDING})


def test_the_table_answers_every_trigger_in_every_state_and_no_other() -> None:
    answered = [(state, trigger) for state, row in TRANSITIONS.items() for trigger in row]
    assert sorted(answered) == sorted(EVERY_PAIR)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nothing_leads_out_of_a_final_state(state: State) -> None:
    assert not [outcome for outcome in TRANSITIONS[state].values() if isinstance(outcome, State)]


@pytest.mark.parametrize("state", sorted(set(State) - FINAL))
def test_cancel_works_in_every_state_that_is_not_final(state: State) -> None:
    assert TRANSITIONS[state][Trigger.CANCEL] in (State.CANCELLED, State.STOPPING, Answer.JOIN)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_cancel_of_a_final_job_is_no_error(state: State) -> None:
    assert TRANSITIONS[state][Trigger.CANCEL] is Answer.NO_OP


@pytest.mark.parametrize("state", WITH_A_PROCESS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_no_supervised_job_outlives_its_process_tree(state: State, ending: Trigger) -> None:
    outcome = TRANSITIONS[state][ending]
    assert outcome in FINAL or outcome is State.PAUSED


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_stop_ends_cancelled_unless_the_run_had_finished_before_it_heard(ending: Trigger) -> None:
    expected = State.COMPLETED if ending is Trigger.FINISHED else State.CANCELLED
    assert TRANSITIONS[State.STOPPING][ending] is expected


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("asked", [Trigger.CANCEL, Trigger.PAUSE, Trigger.HOLD, Trigger.RESUME])
def test_what_somebody_asks_is_never_silently_ignored(state: State, asked: Trigger) -> None:
    assert TRANSITIONS[state][asked] is not Answer.IGNORE


@pytest.mark.parametrize("state", sorted(SUPERVISED))
@pytest.mark.parametrize("fact", [Trigger.EXPIRED, Trigger.EXPIRED_UNSTARTED])
def test_an_expired_pause_ends_no_run(state: State, fact: Trigger) -> None:
    assert TRANSITIONS[state][fact] in (Answer.IGNORE, State.RUNNING, State.STARTING, State.HELD)


def test_every_state_can_be_reached() -> None:
    reached = {State.PENDING}
    while True:
        further = {
            outcome
            for state in reached
            for outcome in TRANSITIONS[state].values()
            if isinstance(outcome, State)
        }
        if further <= reached:
            break
        reached |= further
    assert reached == set(State)
