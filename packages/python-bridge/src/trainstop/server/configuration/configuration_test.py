from __future__ import annotations

import re
from pathlib import Path

import pytest

from trainstop.server.configuration.configuration import read_configuration
from trainstop.server.configuration.configuration_error import ConfigurationError

GOOD = """
[server]
max_running_jobs = 2
grace_seconds = 90
allowed_hosts = ["train.example.com"]

[templates.digits]
title = "Digits"
description = "Learns digits."
command = ["{python}", "train.py", "--epochs={epochs}", "{mode}", "{fast}", "{rate}", "{name}"]
cwd = "scripts"
env = { OMP_NUM_THREADS = "1" }

[templates.digits.params.epochs]
type = "integer"
title = "Epochs"
default = 10
minimum = 1
maximum = 100

[templates.digits.params.mode]
type = "choice"
choices = ["small", "large"]
default = "small"

[templates.digits.params.fast]
type = "boolean"
default = false

[templates.digits.params.rate]
type = "number"
default = 0.5

[templates.digits.params.name]
type = "string"
"""


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "scripts").mkdir(exist_ok=True)
    path = tmp_path / "trainstop.toml"
    path.write_text(text)
    return path


def test_a_configuration_is_read(tmp_path: Path) -> None:
    configuration = read_configuration(written(tmp_path, GOOD))
    assert configuration.server.max_running_jobs == 2
    assert configuration.server.grace_seconds == 90
    assert configuration.server.allowed_hosts == ("train.example.com",)
    template = configuration.templates["digits"]
    assert template.cwd == str((tmp_path / "scripts").resolve())
    values = template.values({"epochs": 3, "name": "x; rm -rf /", "fast": True})
    assert template.argv(values, "/python") == [
        *("/python", "train.py", "--epochs=3", "small", "true", "0.5", "x; rm -rf /")
    ]


def test_a_value_that_looks_like_a_hole_stays_a_value(tmp_path: Path) -> None:
    template = read_configuration(written(tmp_path, GOOD)).templates["digits"]
    assert template.argv(template.values({"name": "{python}"}), "/python")[-1] == "{python}"


def test_nothing_need_be_configured(tmp_path: Path) -> None:
    configuration = read_configuration(written(tmp_path, ""))
    assert (configuration.server.max_running_jobs, configuration.templates) == (0, {})


def changed(before: str, after: str) -> str:
    assert before in GOOD
    return GOOD.replace(before, after, 1)


def people(key: str, value: str) -> str:
    return f'[people]\nissuer = "i"\naudience = "a"\n{key} = "{value}"'


BAD = [
    ("[server", "can't be read as TOML"),
    ("colour = 1", "colour is not known; "),
    ("[sever]", "sever is not known; did you mean server?"),
    ("server = 1", "server must be a table"),
    ("[limits]\nreads_per_second = 0", "limits.reads_per_second must be more than 0"),
    ('[cors]\norigins = ["*"]', "cors has an origin '*' that no browser sends"),
    ('[cors]\norigins = ["https://app.example.com/"]', "that no browser sends; write scheme"),
    ('[people]\njwt_secret_file = "s"', "people needs issuer and audience"),
    ('[people]\nissuer = "i"', "people needs jwt_secret_file or jwks_url"),
    (people("jwt_secret_file", "s") + '\njwks_url = "https://a"', "jwt_secret_file and jwks_url; keep one"),
    (people("jwks_url", "http://keys.example.com/"), "people has a jwks_url that is neither https"),
    (people("jwks_url", "https://u:p@keys.example.com/"), "people has a jwks_url that is neither https"),
    (people("jwks_url", "file:///etc/passwd"), "people has a jwks_url that is neither https"),
    (people("jwks_url", "https://a") + '\noperator_claim = "role"', "operator_claim and operator_value"),
    ("[templates]\nx = 1", "templates.x must be a table"),
    (changed("max_running_jobs = 2", "max_jobs = 2"), "server.max_jobs is not known"),
    (changed("max_running_jobs", "max_runing_jobs"), "did you mean max_running_jobs?"),
    (changed("max_running_jobs = 2", "max_running_jobs = -1"), "server.max_running_jobs must be 0 or more"),
    (changed("max_running_jobs = 2", "max_running_jobs = true"), "server.max_running_jobs must be a whole"),
    (changed("grace_seconds = 90", 'grace_seconds = "90"'), "server.grace_seconds must be a number"),
    (changed('["train.example.com"]', '"train"'), "server.allowed_hosts must be a list of texts"),
    (changed("[templates.digits]", '[templates."a b"]'), "templates.a b has a name with other characters"),
    (changed('title = "Digits"', "title = 3"), "templates.digits.title must be a text"),
    (changed('title = "Digits"', 'shell = "x"'), "templates.digits.shell is not known"),
    (changed('"{python}", "train.py"', '"{pyhton}"'), "names {pyhton}, which is no parameter"),
    (changed(', "{name}"]', "]"), "never uses the parameter name"),
    (changed('command = ["{python}", ', 'command = ["", '), "templates.digits.command must be a list"),
    (changed('cwd = "scripts"', 'cwd = "nowhere"'), "templates.digits.cwd must be a directory"),
    (changed('OMP_NUM_THREADS = "1"', "OMP_NUM_THREADS = 1"), "templates.digits.env.OMP_NUM_THREADS must"),
    (changed("OMP_NUM_THREADS", "TRAINSTOP_TOKEN"), "templates.digits.env.TRAINSTOP_TOKEN is set by"),
    (changed('type = "integer"', 'type = "int"'), "templates.digits.params.epochs.type must be one of"),
    (changed("default = 10", "default = 1000"), "epochs.default is no value of its own parameter"),
    (changed("default = 10", "default = 1.5"), "epochs.default is no value of its own parameter"),
    (changed("minimum = 1", 'minimum = "1"'), "epochs.minimum must be a number"),
    (changed("minimum = 1", "least = 1"), "templates.digits.params.epochs.least is not known"),
    (changed('choices = ["small", "large"]', ""), "mode.choices must list the choices"),
    (changed("default = false", "minimum = 1"), "fast.minimum is for integer and number parameters only"),
    (changed('default = "small"', 'default = "huge"'), "mode.default is no value of its own parameter"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[message for _, message in BAD])
def test_a_mistake_is_named_by_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError, match=re.escape(message)) as error:
        read_configuration(path)
    assert str(error.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file"):
        read_configuration(tmp_path / "trainstop.toml")
