"""Every command as a script runs it: plain text in pipes, JSON, exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from trainstop.cli.conftest import Place
from trainstop.cli.main import main

STAGES = [
    *("requested", "accepted", "delivered", "acknowledged", "checkpoint saved", "process exited"),
    "resources released",
]


def stages_in(text: str) -> list[str]:
    return [
        stage for line in text.splitlines() for stage in STAGES if re.match(rf"  [0-9:]+  {stage} ", line)
    ]


def test_a_stop_shows_every_receipt_and_the_honest_outcome(place: Place) -> None:
    job_id = place.start()
    said = place.say("stop", job_id, "--reason", "overfitting", "--note", "eval loss rises")
    assert said.code == 0, said
    told = stages_in(said.out)
    assert sorted(told, key=STAGES.index) == STAGES
    # Reading the checkpoint back holds up nobody: the process may be gone before it is known to be good.
    assert told[:4] == STAGES[:4]
    assert f"Steps ({job_id}) is cancelled after" in said.out
    assert "Stopped as asked, with a verified checkpoint." in said.out
    assert f"go on from it with: trainstop resume {job_id}" in said.out
    assert "\x1b" not in said.out
    command = place.job(job_id)["last_command"]
    assert (command["reason"], command["note"]) == ("overfitting", "eval loss rises")
    assert command["actor"]["type"] == "user"

    again = place.say("stop", job_id)
    assert (again.code, again.err) == (0, "")
    assert "is cancelled already; there was nothing to do." in again.out

    shown = place.say("show", job_id).out
    assert "why it ended    Stopped as asked, with a verified checkpoint." in shown
    assert "eval loss rises: succeeded." in shown
    assert "can't pause     The run is over: it is cancelled." in shown

    checkpoint = place.job(job_id)["last_checkpoint"]
    listed = place.say("checkpoints", job_id).out.splitlines()
    assert listed[0].split() == ["CHECKPOINT", "STEP", "SAVED", "SIZE", "TOOK", "WHY", "GOOD", "PATH"]
    assert listed[1].startswith(checkpoint["id"]) and listed[1].endswith(checkpoint["path"])

    resumed = place.say("resume", job_id)
    assert resumed.code == 0
    new = place.job(job_id)["resumed_as"]
    assert f"goes on from {checkpoint['id']} as {new}." in resumed.out
    place.force(new)


def test_pause_and_resume_are_the_same_job(place: Place) -> None:
    job_id = place.start()
    paused = place.say("pause", job_id)
    assert paused.code == 0, paused
    assert f"Steps ({job_id}) is paused after" in paused.out
    resumed = place.say("resume", job_id, "--from", "last")
    assert resumed.code == 0, resumed
    assert place.job(job_id)["attempt"] == 2
    place.force(job_id)


def test_force_says_what_is_lost(place: Place) -> None:
    job_id = place.start()
    assert place.say("pause", job_id).code == 0
    assert place.say("resume", job_id).code == 0
    place.job(job_id, lambda job: job["status"] == "running")
    said = place.say("stop", job_id, "--mode", "force")
    assert said.code == 0
    assert "Stopped by force; what came after the last checkpoint is lost." in said.out


def test_without_a_command_it_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "run any command as a supervised job" in said.err


def test_a_script_that_knows_nothing_of_trainstop_is_stopped_and_nothing_is_claimed_of_it(
    place: Place,
) -> None:
    run = (
        "run",
        "--detach",
        "--",
        sys.executable,
        "-c",
        "import time; print('on', flush=True); time.sleep(900)",
    )
    job_id = place.say(*run).out.strip()
    place.job(job_id, lambda job: job["status"] == "running")

    refused = place.say("stop", job_id, "--mode", "checkpoint")
    assert refused.code == 1 and refused.err.endswith("Use graceful or force.\n")

    pause = place.say("pause", job_id, "--grace", "1")
    assert pause.code == 3
    assert "Nothing in this run listens to Trainstop (trainstop.run) so far." in pause.out
    assert "Unless that changes in time, the pause expires and the run goes on." in pause.out
    assert "did not leave before the deadline, so it goes on; a pause never kills." in pause.out

    said = place.say("stop", job_id)
    assert said.code == 0
    assert "Nothing in the run listens to Trainstop (yet), so SIGTERM was sent at once." in said.out
    assert "Stopped by SIGTERM, as asked; it never came to trainstop.run" in said.out
    assert "go on from it" not in said.out and "verified" not in said.out

    resumed = place.say("resume", job_id)
    assert (
        resumed.err
        == "trainstop: The run has no verified checkpoint to go on from; start a new run instead.\n"
    )


def test_several_are_stopped_at_once_and_each_line_says_which(place: Place) -> None:
    ids = [place.start(), place.start()]
    said = place.say("stop", *ids, ids[0])
    assert said.code == 0
    for job_id in ids:
        assert f"Steps ({job_id})  " in said.out
        assert f"Steps ({job_id}) is cancelled" in said.out


def test_json_is_the_servers_own_objects(place: Place) -> None:
    job = json.loads(place.say("start", "steps", "--name", "mine", "--json").out)
    assert job["name"] == "mine"
    listed = json.loads(place.say("ls", "--json", "--limit", "1").out)["jobs"]
    assert [each["id"] for each in listed] == [job["id"]]
    assert json.loads(place.say("show", "mine", "--json").out)["id"] == job["id"]
    under_way = json.loads(place.say("stop", "mine", "--no-wait", "--json").out)
    assert under_way["outcome"] == "accepted" and under_way["command"]["job_id"] == job["id"]
    lines = place.say("stop", "mine", "--json").out.splitlines()
    assert len(lines) == 1 and json.loads(lines[0])["job"]["status"] == "cancelled"
    assert json.loads(place.say("checkpoints", "mine", "--json").out)["checkpoints"] is not None
    assert [each["id"] for each in json.loads(place.say("templates", "--json").out)["templates"]] == ["steps"]


def test_ls_is_one_stable_line_a_job(place: Place) -> None:
    job_id = place.start()
    lines = place.say("ls", "--status", "running").out.splitlines()
    assert lines[0].split() == ["JOB", "STATUS", "NAME", "PROGRESS", "STEP", "LEFT", "AGE", "NOTES"]
    row = next(line for line in lines if line.startswith(job_id))
    assert re.match(rf"{job_id}  running  Steps +0% +\d+/1000000000  ", row)
    refused = place.say("ls", "--status", "sleeping")
    assert refused.code == 1
    assert refused.err == (
        "trainstop: status must be of pending, running, pausing, paused, stopping, cancelled, completed, "
        "failed.\n"
    )
    place.force(job_id)


def test_a_job_is_found_by_the_beginning_of_its_id_and_several_are_listed(place: Place) -> None:
    ids = [json.loads(place.say("start", "steps", "--json").out)["id"] for _ in range(2)]
    assert ids[1] in place.say("show", ids[1][:12]).out
    assert ids[1] in place.say("show", ids[1].removeprefix("job_")[:9]).out
    assert ids[1] in place.say("show", "last").out
    said = place.say("stop", "job_")
    assert said.code == 1
    assert said.err.startswith("trainstop: 'job_' may mean any of these jobs; give more of an id:\n")
    assert all(job_id in said.err for job_id in ids)
    assert place.say("show", "nobody").err == (
        "trainstop: There is no job 'nobody'; `trainstop ls` lists those there are.\n"
    )
    for job_id in ids:
        place.force(job_id)


def test_a_name_that_several_had_means_the_one_that_is_not_over(place: Place) -> None:
    first = json.loads(place.say("start", "steps", "--name", "again", "--json").out)["id"]
    assert place.say("stop", "again", "--mode", "force").code == 0
    second = json.loads(place.say("start", "steps", "--name", "again", "--json").out)["id"]
    said = place.say("stop", "again", "--mode", "force")
    assert (said.code, second in said.out, first in said.out) == (0, True, False)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("start", "nothing"), "There is no template 'nothing'; this server has: steps."),
        (("start", "steps", "--param", "x=1"), "There is no parameter x; this template has: none."),
        (("start", "steps", "--param", "x"), "'x' is no parameter; write it as --param NAME=VALUE."),
        (("ls", "--watch", "--json"), "--watch is for people; leave out --json, or ask again and again."),
        (("run",), "There is nothing to run; write it as: trainstop run -- python train.py"),
        (
            ("run", "--", "/no/such"),
            "There is no program '/no/such' that could be run; look at its name and at PATH.",
        ),
    ],
)
def test_what_can_not_be_done_is_one_plain_sentence(
    place: Place, arguments: tuple[str, ...], sentence: str
) -> None:
    said = place.say(*arguments)
    assert said.err == f"trainstop: {sentence}\n"
    assert said.code in (1, 2, 127) and said.out == ""


def test_a_server_that_refuses_the_token_is_quoted_without_it(place: Place) -> None:
    wrong = place.directory / "wrong"
    wrong.write_text("0123456789abcdef\n")
    said = place.say("ls", "--token-file", str(wrong))
    assert said.code == 1
    assert said.err.startswith("trainstop: The server at http://127.0.0.1:")
    assert said.err.endswith(f"does not take the token from {wrong}.\n")


def test_a_running_job_keeps_its_log_for_later(place: Place) -> None:
    job_id = json.loads(
        place.say("run", "--detach", "--json", "--", "sh", "-c", "seq 100000; printf 'no end'").out
    )["id"]
    place.job(job_id, lambda job: job["ended_at"] is not None)
    whole = "".join(f"{n}\n" for n in range(1, 100001)) + "no end"
    assert place.say("logs", job_id).out == whole
    assert place.say("logs", job_id, "-n", "3").out == "99999\n100000\nno end"
    assert place.say("logs", job_id, "-n", "30000").out.startswith("70002\n")
    assert place.say("logs", job_id, "-n", "0").out == ""
    pieces = [json.loads(line) for line in place.say("logs", job_id, "--json").out.splitlines()]
    assert "".join(piece["text"] for piece in pieces) == whole
    assert len(pieces) > 1 and pieces[0]["next_offset"] == pieces[1]["offset"]
    missing = place.say("logs", job_id, "--attempt", "2")
    assert (missing.code, missing.err) == (1, "trainstop: The job has no such attempt.\n")


def test_a_log_is_as_it_was_written_where_no_terminal_is(place: Place) -> None:
    job_id = json.loads(
        place.say("run", "--detach", "--json", "--", "printf", r"\033[31mred\033]0;x\007 \303\244\n").out
    )["id"]
    place.job(job_id, lambda job: job["ended_at"] is not None)
    assert place.say("logs", job_id).out == "\x1b[31mred\x1b]0;x\x07 ä\n"
    assert place.say("logs", job_id, PYTHONIOENCODING="ascii").out == "\x1b[31mred\x1b]0;x\x07 ?\n"


def test_run_starts_it_here_with_this_environment_and_without_the_servers(place: Place) -> None:
    told = 'echo "$PWD|$MINE|$TRAINSTOP_TOKEN|$TRAINSTOP_URL"; test -n "$TRAINSTOP_JOB_ID" && echo known'
    said = place.say(
        "run", "--", "sh", "-c", told, MINE="x y", TRAINSTOP_TOKEN="secret", TRAINSTOP_URL="nowhere"
    )
    first, known = said.out.splitlines()
    assert first.startswith(f"{place.directory}|x y|") and known == "known"
    assert "secret" not in first and "nowhere" not in first
    assert said.code == 0


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
)
def test_run_ends_as_the_run_does(place: Place, script: str, code: int) -> None:
    said = place.say("run", "--", "sh", "-c", f"echo begun; {script}")
    assert (said.code, said.out) == (code, "begun\n"), said


def test_run_needs_the_machine_and_the_user_of_the_server(place: Place) -> None:
    token = str(place.server.data_dir / "token")
    elsewhere = Place(place.directory, place.server)
    elsewhere.data = ("--url", place.server.url)
    said = elsewhere.say("run", "--token-file", token, "--", "true")
    assert said.code == 1
    assert said.err.startswith("trainstop: trainstop run works on the machine where the server is")


def test_a_pipe_that_closes_early_is_no_failure(place: Place) -> None:
    job_id = json.loads(place.say("run", "--detach", "--json", "--", "seq", "200000").out)["id"]
    place.job(job_id, lambda job: job["ended_at"] is not None)
    argv = [sys.executable, "-m", "trainstop.cli", "logs", *place.data, job_id]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "1\n"
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait() == 0
