"""An event loop whose clock jumps: hours pass in the time it takes to compute what happens in them.

Where an ordinary loop would wait for its next timer, this one moves its clock there. It may do so
only while nothing is under way, or a timer would fire before the bytes that were. They are counted,
never guessed at: each end of a socket between two ends of this loop counts what it sent and received,
so bytes are under way exactly while the receiver has fewer than the sender sent, has not yet seen
that the sender closed, or has not yet been accepted. The loop does not wait for a receiver that is closed or
does not want to read now. Meanwhile the loop waits really, for the kernel; there is no real
sleep otherwise. A loop with nothing under way and no timer would wait for ever: it raises instead.

Work for an executor is done by the loop itself, in its turn. Threads are real where other processes are.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
PATIENCE = 60.0
"""Real seconds for what is under way; then something is wrong with this file, and it says so."""

Address = tuple[str, int]


class NothingWillHappen(RuntimeError):
    """Everybody waits for somebody else."""


class End(socket.socket):
    """One end of a connection, which counts what passes."""

    sent = received = 0
    saw_end = is_gone = False
    transport: asyncio.Transport
    peer: End | None = None
    """The other end, once both are there."""
    inbound: set[End]
    """Those ends of the loop to which bytes, or an end, may be under way."""

    def send(self, *arguments: Any) -> int:
        return self._sent(super().send(*arguments))

    def sendmsg(self, *arguments: Any) -> int:
        return self._sent(super().sendmsg(*arguments))

    def recv(self, *arguments: Any) -> bytes:
        return self._received(super().recv, arguments, len)

    def recv_into(self, *arguments: Any) -> int:
        return self._received(super().recv_into, arguments, int)

    def close(self) -> None:
        self.is_gone = True
        self.inbound.discard(self)
        self._concerns_peer()
        super().close()

    def meet(self, peer: End) -> None:
        """`peer` is the other end."""
        self.peer, peer.peer = peer, self
        self.inbound |= {self, peer}

    def is_due(self) -> bool:
        """Whether it is to see bytes, or an end, that the other end has let go already."""
        return self.wants_bytes() and self.peer is not None and (self.received < self.peer.sent or self.peer.is_gone)

    def wants_bytes(self) -> bool:
        return not self.is_gone and not self.saw_end and self.transport.is_reading()

    def _sent(self, count: int) -> int:
        self.sent += count
        self._concerns_peer()
        return count

    def _concerns_peer(self) -> None:
        if self.peer is not None and not self.peer.is_gone:
            self.inbound.add(self.peer)

    def _received(self, receive: Callable[..., T], arguments: tuple[Any, ...], size: Callable[[T], int]) -> T:
        try:
            answer = receive(*arguments)
        except BlockingIOError:
            raise
        except OSError:
            self.saw_end = True
            self.inbound.discard(self)
            raise
        self.received += size(answer)
        self.saw_end = size(answer) == 0
        if self.saw_end or (self.peer is not None and self.received == self.peer.sent and not self.peer.is_gone):
            self.inbound.discard(self)
        return answer


class Selector(selectors.DefaultSelector):
    """Waits by moving the loop's clock, unless somebody is at work."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if self.loop.is_at_work():
            return self._wait_really()
        if timeout is None:
            raise NothingWillHappen("no timer, nothing under way: every task waits for another one")
        self.loop.jump(timeout)
        return []

    def _wait_really(self) -> list[Any]:
        events = super().select(PATIENCE)
        if not events:
            raise NothingWillHappen(f"what was under way did not arrive within {PATIENCE} real seconds")
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module. `time()` is virtual seconds."""

    refusal: int | None = None
    """While it is set, no new connection is had: the system says so with this error number."""

    def __init__(self, selector: Selector | None = None) -> None:
        selector = selector or Selector()
        selector.loop = self
        self._seconds = 1000.0
        self._connecting: set[socket.socket] = set()
        self._listening: set[Address] = set()
        self._ends: dict[tuple[Address, Address], End] = {}
        self._inbound: set[End] = set()
        self._alone: set[tuple[Address, Address]] = set()
        super().__init__(selector)

    def time(self) -> float:
        return self._seconds

    def jump(self, seconds: float) -> None:
        self._seconds += seconds

    def is_at_work(self) -> bool:
        """Whether anything is under way that will reach the loop by itself."""
        self._forget_closed()
        return bool(self._connecting) or any(map(self._is_awaited, self._ends.items()))

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Do it here: a thread costs more than most of what it is given, and makes an order of its own."""
        answer: asyncio.Future[T] = self.create_future()
        self.call_soon(_work, answer, copy_context(), lambda: func(*args))
        return answer

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        if self.refusal is not None:
            raise OSError(self.refusal, os.strerror(self.refusal))
        self._connecting.add(sock)
        try:
            await super().sock_connect(sock, address)
        finally:
            self._connecting.discard(sock)

    def _make_socket_transport(self, sock: socket.socket, protocol: Any, *more: Any, **named: Any) -> Any:
        local, remote = sock.getsockname()[:2], sock.getpeername()[:2]
        end = End(sock.family, sock.type, sock.proto, fileno=sock.detach())
        end.inbound = self._inbound
        end.setblocking(False)
        end.transport = super()._make_socket_transport(end, protocol, *more, **named)  # type: ignore[misc]
        self._ends[local, remote] = end
        if (peer := self._ends.get((remote, local))) is None:
            self._alone.add((local, remote))
        else:
            end.meet(peer)
            self._alone.discard((remote, local))
        return end.transport

    def _start_serving(self, protocol_factory: Any, sock: socket.socket, *more: Any) -> None:
        self._listening.add(sock.getsockname()[:2])
        super()._start_serving(protocol_factory, sock, *more)  # type: ignore[misc]

    def _stop_serving(self, sock: socket.socket) -> None:
        self._listening.discard(sock.getsockname()[:2])
        super()._stop_serving(sock)  # type: ignore[misc]

    def _is_awaited(self, entry: tuple[tuple[Address, Address], End]) -> bool:
        """Whether something is on its way to this end."""
        (local, remote), end = entry
        peer = self._ends.get((remote, local))
        if peer is None:
            return remote in self._listening  # connected, but not accepted yet
        if not end.wants_bytes():
            return False
        return end.received < peer.sent or peer.is_gone or peer.transport.get_write_buffer_size() > 0

    def _forget_closed(self) -> None:
        for pair, end in list(self._ends.items()):
            other = pair[1], pair[0]
            is_over = self._ends[other].is_gone if other in self._ends else pair[1] not in self._listening
            if end.is_gone and is_over:
                self._ends.pop(pair, None)
                self._ends.pop(other, None)
                self._alone -= {pair, other}


def _work(answer: asyncio.Future[T], context: Context, work: Callable[[], T]) -> None:
    try:
        result = context.run(work)
    except BaseException as error:  # noqa: BLE001  it belongs to who waits for the answer
        if not answer.done():
            answer.set_exception(error)
    else:
        if not answer.done():
            answer.set_result(result)
