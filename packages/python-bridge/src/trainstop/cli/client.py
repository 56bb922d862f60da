"""Asking a server, and its answers or plain sentences about why there are none."""

from __future__ import annotations

import argparse
import getpass
import json
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from trainstop.cli.plain_error import PlainError
from trainstop.cli.server_choice import Server, choose_server

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
SILENCE_SECONDS = 20.0
"""A stream says something every 10 s; after this long without a word the connection is dead."""
TRIES = 3
"""Of a request whose answer was lost on the way. It bears a key, so it is carried out once."""

Answer = dict[str, Any]


class ServerRefusal(PlainError):
    """The server answered, and it is no. The sentence is the server's own."""

    def __init__(self, sentence: str, status: int, code: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.refusal = code


class NoAnswer(PlainError):
    """Nobody answered, or no Trainstop server did."""


def connect(options: argparse.Namespace) -> Client:
    """Raises PlainError when no server is known, or an extra is missing."""
    return Client(choose_server(options))


def needs(extra: str, name: str | None) -> PlainError:
    return PlainError(f'{name} is not installed; run: pip install "trainstop[{extra}]"')


class Client:
    """Blocks. Safe to use from several threads. Everything raises PlainError."""

    def __init__(self, server: Server, unix_socket: str | None = None) -> None:
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise needs("cli", error.name) from None
        self.server = server
        self._httpx = httpx
        host = urlsplit(server.url).hostname or ""
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {server.token}", "Trainstop-Actor": _actor()},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            transport=None if unix_socket is None else httpx.HTTPTransport(uds=unix_socket),
            # A proxy has no business between this machine and itself.
            trust_env=host not in ("localhost", "127.0.0.1", "::1"),
        )

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, **params: Any) -> Answer:
        given = {name: value for name, value in params.items() if value is not None}
        return self._answer(lambda: self._client.get(self.server.url + path, params=given))

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Tried again while it is not known whether it arrived: the key makes one of all tries."""
        headers = {"Idempotency-Key": f"cli-{secrets.token_hex(12)}"}
        for left in reversed(range(TRIES)):
            try:
                return self._answer(
                    lambda: self._client.post(self.server.url + path, json=body, headers=headers),
                    ambiguous_is=_Ambiguous,
                )
            except _Ambiguous as error:
                if not left:
                    raise NoAnswer(
                        f"{error} It is not known whether the server heard it; look with: trainstop ls"
                    ) from None
        raise AssertionError

    def events(self, job_id: str, cursor: str | None) -> Iterator[Answer]:
        """A job's events until the server ends the stream. Silence and a lost connection raise NoAnswer."""
        httpx = self._httpx
        url = f"{self.server.url}/jobs/{quote(job_id, safe='')}/events"
        headers = {} if cursor is None else {"Last-Event-ID": cursor}
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
        try:
            with self._client.stream("GET", url, headers=headers, timeout=timeout) as response:
                if response.status_code != 200:
                    response.read()
                    self._checked(response)
                data: list[str] = []
                for line in response.iter_lines():
                    if line.startswith("data:"):
                        data.append(line[5:].removeprefix(" "))
                    elif not line and data:
                        yield json.loads("\n".join(data))
                        data = []
        except (httpx.TransportError, ValueError) as error:
            raise self._no_answer(error) from None

    def _answer(self, ask: Any, ambiguous_is: type[NoAnswer] = NoAnswer) -> Answer:
        httpx = self._httpx
        try:
            response = ask()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise self._no_answer(error) from None
        except httpx.TransportError as error:
            raise ambiguous_is(str(self._no_answer(error))) from None
        return self._checked(response)

    def _checked(self, response: httpx.Response) -> Answer:
        try:
            value = response.json()
        except ValueError:
            value = None
        if not isinstance(value, dict) or not isinstance(value.get("success"), bool):
            raise NoAnswer(
                f"What answers at {self.server.url} is no Trainstop server (HTTP {response.status_code}); "
                "look at the address."
            )
        if response.is_success and value["success"]:
            return value
        sentence = str(value.get("error") or f"The server answered with HTTP {response.status_code}.")
        if response.status_code == 401:
            sentence = (
                f"The server at {self.server.url} does not take the token from {self.server.token_from}."
            )
        elif response.status_code >= 500 and value.get("request_id"):
            sentence += f" (Request {value['request_id']}.)"
        raise ServerRefusal(sentence, response.status_code, str(value.get("code")))

    def _no_answer(self, error: Exception) -> NoAnswer:
        httpx, url = self._httpx, self.server.url
        if isinstance(error, httpx.ConnectTimeout):
            return NoAnswer(f"Nobody answers at {url}; look at the address and the network.")
        if isinstance(error, httpx.ConnectError):
            how = "" if self.server.data_dir is None else f" (trainstop serve --data {self.server.data_dir})"
            return NoAnswer(f"No server answers at {url}: {_why(error)}. Is it running?{how}")
        if isinstance(error, httpx.TimeoutException):
            return NoAnswer(f"The server at {url} did not answer in time; it may be overloaded or stuck.")
        return NoAnswer(f"The connection to {url} was lost: {_why(error)}.")


class _Ambiguous(NoAnswer):
    """It may have arrived."""


def operator_client(server: Server, socket_path: str) -> Client:
    """The same server by the operator's socket."""
    return Client(
        Server(f"http://localhost{urlsplit(server.url).path}", server.token, server.token_from, None),
        socket_path,
    )


def job_path(job_id: str, *more: str) -> str:
    return "/".join(("/jobs", quote(job_id, safe=""), *more))


def _actor() -> str:
    try:
        name: str | None = getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        name = None
    return quote(json.dumps({"type": "user", "id": name, "name": name}))


def _why(error: Exception) -> str:
    text = str(error).rstrip(".") or type(error).__name__
    return text.removeprefix("[Errno 111] ").lower() if text.startswith("[Errno 111] ") else text
