from __future__ import annotations

import asyncio
import socket

from trainstop.server.serving import listen


def test_no_answer_waits_for_the_callers_acknowledgement_of_its_head() -> None:
    async def nodelay_of_an_accepted_connection() -> int:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = listen("127.0.0.1", 0)
        async with await asyncio.start_server(accept, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            nodelay = await accepted
            writer.close()
            await writer.wait_closed()
        return nodelay

    assert asyncio.run(nodelay_of_an_accepted_connection()) != 0
