"""A machine on which everything repeats: its loop, its processes, and how they die.

`Machine` is the event loop of `virtual.py` with all chance taken out: sockets are served in a fixed
order, and work for an executor is done by the loop itself, after a wait that is drawn from a seed.

A `Process` is whatever runs in its context. When it is killed nothing of it runs any more: its tasks
are abandoned at the await they stand at (no `finally`, no `except`), its sockets are cut, its
lock is free, its SQLite files are left as they are. It is killed at a step (one `send` of one of its
coroutines) or at a call to the disk (see `disk.py`), counted from its start.
"""

from __future__ import annotations

import asyncio
import io
import random
import selectors
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from filelock import FileLock

from campaign_runner import tasks
from tests.virtual import PATIENCE, Address, End, NothingWillHappen, Selector, VirtualLoop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
MOST_AWAITS = 1000


class Killed(BaseException):
    """Raised into the one call at which a process dies, and never seen by anybody: its task is abandoned."""


class Process:
    """A process of the machine; it dies at its `at_step`th step or its `at_call`th call to the disk, if ever."""

    def __init__(self, machine: Machine, id: int, *, at_step: int = 0, at_call: int = 0) -> None:
        self.machine = machine
        self.id = id
        self.is_dead = False
        self.died = asyncio.Event()
        self.steps = self.calls = self.changes = 0
        self.refused = range(0)
        """The calls to the disk that find it full."""
        self.held_at = 0
        """The change of a name that is refused, once, counted from its start; 0 is none."""
        self.ends: list[End] = []
        self.connecting: list[socket.socket] = []
        self.files: list[io.IOBase] = []
        self.locks: list[FileLock] = []
        self.databases: list[tuple[Path, sqlite3.Connection]] = []
        self._at_step, self._at_call = at_step, at_call

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` as this process."""
        context = copy_context()
        context.run(PROCESS.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def step(self) -> None:
        """One of its tasks goes on."""
        self.steps += 1
        if self.steps == self._at_step:
            self.die()

    def call(self) -> bool:
        """One of its tasks calls the disk. Whether it is full; raises Killed where the process ends here."""
        self.calls += 1
        if self.calls == self._at_call:
            self.die()
        if self.is_dead:
            raise Killed
        return self.calls in self.refused

    @property
    def is_disk_full(self) -> bool:
        """Whether the next call will find the disk full."""
        return self.calls + 1 in self.refused

    def is_held(self) -> bool:
        """One of its tasks changes a name. Whether another program holds the file, this once."""
        self.changes += 1
        return self.changes == self.held_at

    def end(self) -> None:
        """It ended by itself."""
        self.machine.forget(self)

    def die(self) -> None:
        """What the kernel does with a killed process."""
        self.is_dead = True
        self.machine.forget(self)
        for end in self.ends:
            end.transport.abort()
        for file in self.files:
            file.close()
        for lock in self.locks:
            lock.release(force=True)
        _close_as_found(self.databases)
        self.died.set()


def _close_as_found(databases: list[tuple[Path, sqlite3.Connection]]) -> None:
    """Closing would tidy up the files, which a killed process does not: put them back as they were."""
    paths = {path for path, _ in databases if path.name}  # a copy in memory has none
    files = {path.with_name(path.name + part) for path in paths for part in ("", "-wal", "-journal")}
    found = {file: file.read_bytes() for file in files if file.exists()}
    for _, connection in databases:
        connection.close()
    for file, content in found.items():
        file.write_bytes(content)


class _Life(Coroutine[Any, Any, Any]):
    """A coroutine of a process: it goes on while the process lives, and waits for ever afterwards."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], process: Process) -> None:
        self._coroutine = coroutine
        self._process = process
        process.machine.lives.append(self)

    def __await__(self) -> Any:
        raise NotImplementedError("only a task runs it")

    def send(self, value: Any) -> Any:
        if not self._process.is_dead:
            self._process.step()
        return self._go_on(self._coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        return self._go_on(self._coroutine.throw, *error)

    def close(self) -> None:
        self._coroutine.close()

    def _go_on(self, go_on: Callable[..., Any], *arguments: Any) -> Any:
        machine = self._process.machine
        if self.is_abandoned:
            if machine.is_over:
                self._coroutine.close()
            return machine.limbo()
        try:
            awaited = go_on(*arguments)
        except BaseException:
            if self._process.is_dead:
                return machine.limbo()
            raise
        return machine.limbo() if self._process.is_dead else awaited

    @property
    def is_abandoned(self) -> bool:
        return self._process.is_dead

    def bury(self) -> None:
        """Unwind what a killed process left in memory; nothing that it does now reaches anything."""
        token = PROCESS.set(self._process)
        with suppress(BaseException):
            for _ in range(MOST_AWAITS):
                self._coroutine.throw(asyncio.CancelledError)
        PROCESS.reset(token)


class _InOrder(Selector):
    """Tells what is ready in the order in which it was registered, once all that is under way has arrived."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[int, int] = {}
        self._count = 0

    def register(self, file: Any, events: int, data: Any = None) -> Any:
        key = super().register(file, events, data)
        self._numbers[key.fd] = self._count = self._count + 1
        return key

    def select(self, timeout: float | None = None) -> list[Any]:
        assert isinstance(self.loop, Machine)
        if timeout is not None and timeout <= 0 and not self.loop.is_anything_under_way():
            return []  # the kernel is asked once there is nothing else to do
        events = super().select(timeout)
        deadline = time.monotonic() + PATIENCE
        while self._late(events):
            if time.monotonic() > deadline:
                raise NothingWillHappen("bytes under way did not arrive")
            time.sleep(0.0001)  # it would not wait: others are ready
            events = selectors.DefaultSelector.select(self, 0)
        return sorted(events, key=lambda event: self._numbers[event[0].fd])

    def _late(self, events: list[Any]) -> bool:
        """Whether bytes, or a connection, are under way to a socket that is not yet ready."""
        assert isinstance(self.loop, Machine)
        reads, writes = self.loop.expected(), self.loop.dialling
        if not (reads or writes):
            return False
        ready = {key.fd: mask for key, mask in events}
        return any(
            not ready.get(fd, 0) & event and self._is_asked_for(fd, event)
            for event, expected in ((selectors.EVENT_READ, reads), (selectors.EVENT_WRITE, writes))
            for fd in expected
        )

    def _is_asked_for(self, fd: int, event: int) -> bool:
        return (key := self.get_map().get(fd)) is not None and bool(key.events & event)


class Machine(VirtualLoop):
    """See the module. `chance` decides how long the disk takes; `slowest` is the longest wait of its executor."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(_InOrder())
        self.chance = random.Random(f"{seed}: disk")
        self.slowest = 0.0
        self.seen: Counter[str] = Counter()
        self.lives: list[_Life] = []
        self.is_over = False
        self.dialling: set[int] = set()
        """Sockets that are connecting: to a socket of this loop that takes no time."""
        self._listeners: dict[Address, int] = {}
        self._accepted: set[tuple[Address, Address]] = set()
        self._limbo: list[asyncio.Future[Any]] = []
        self._processes: dict[int, Process] = {}
        self._count = 0
        self.set_task_factory(self._make_task)

    def process(self, **death: int) -> Process:
        """A new process, with an id of its own."""
        self._count += 1
        process = self._processes[self._count] = Process(self, self._count, **death)
        return process

    def started(self, id: int) -> int | None:
        """When a process started, as the kernel tells; None for one that is dead."""
        return id if id in self._processes else None

    def limbo(self) -> asyncio.Future[Any]:
        """What an abandoned task waits for: nothing, until the machine is switched off."""
        if self.is_over:
            raise asyncio.CancelledError
        future = self.create_future()
        future._asyncio_future_blocking = True
        self._limbo.append(future)
        return future

    async def switch_off(self) -> None:
        """The night is over: abandoned tasks may end, and their memory is given back."""
        self.is_over = True
        for life in self.lives:  # grows while it is walked
            if life.is_abandoned:
                life.bury()
        for future in self._limbo:
            future.cancel()
        for task in asyncio.all_tasks(self):
            if isinstance(waited_for := getattr(task, "_fut_waiter", None), tasks._Unbroken):
                waited_for._future.cancel()  # its task would wait for an end that does not come here
        await asyncio.sleep(0)

    def forget(self, process: Process) -> None:
        """It is no more; what it was connecting to is cut."""
        del self._processes[process.id]
        for sock in process.connecting:
            self._remove_writer(sock.fileno())  # type: ignore[attr-defined]
            self.dialling.discard(sock.fileno())
            sock.close()
            self._connecting.discard(sock)

    def is_anything_under_way(self) -> bool:
        """Whether bytes, an end, or a connection may be under way to a socket of this loop."""
        return bool(self._inbound or self._alone or self.dialling)

    def expected(self) -> set[int]:
        """The sockets that have bytes, an end, or a connection under way to them."""
        return {*(end.fileno() for end in self._inbound if end.is_due()), *self._unaccepted()}

    def _unaccepted(self) -> Iterator[int]:
        """The listeners that are to accept a connection."""
        for local, remote in self._alone:
            if remote in self._listeners and (remote, local) not in self._accepted:
                yield self._listeners[remote]

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Do it here, after a wait: threads would make an order of their own."""
        answer: asyncio.Future[T] = self.create_future()
        context = copy_context()
        before, after = self.chance.uniform(0, self.slowest), self.chance.uniform(0, self.slowest)
        self.call_later(before, self._work, context, answer, lambda: func(*args), after)
        return answer

    def _work(self, context: Context, answer: asyncio.Future[Any], work: Callable[[], Any], after: float) -> None:
        process = context.get(PROCESS)
        if process is not None and process.is_dead:
            return
        try:
            result = context.run(work)
        except BaseException as error:  # noqa: BLE001  it belongs to who waits for the answer
            if process is None or not process.is_dead:
                self.call_later(after, _tell, answer.set_exception, answer, error)
        else:
            if process is not None and isinstance(result, io.IOBase):
                process.files.append(result)
            self.call_later(after, _tell, answer.set_result, answer, result)

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        process = PROCESS.get()
        connecting = process.connecting if process is not None else []
        connecting.append(sock)
        self.dialling.add(number := sock.fileno())
        try:
            await super().sock_connect(sock, address)
        finally:  # it may have been refused, too
            self.dialling.discard(number)
            with suppress(ValueError):
                connecting.remove(sock)

    def _start_serving(self, protocol_factory: Any, sock: socket.socket, *more: Any) -> None:
        self._listeners[sock.getsockname()[:2]] = sock.fileno()
        super()._start_serving(protocol_factory, sock, *more)

    def _stop_serving(self, sock: socket.socket) -> None:
        self._listeners.pop(sock.getsockname()[:2], None)
        super()._stop_serving(sock)

    def _accept_connection2(self, protocol_factory: Any, sock: socket.socket, *more: Any) -> Any:
        self._accepted.add((sock.getsockname()[:2], sock.getpeername()[:2]))
        return super()._accept_connection2(protocol_factory, sock, *more)  # type: ignore[misc]

    def _make_socket_transport(self, *arguments: Any, **named: Any) -> Any:
        transport = super()._make_socket_transport(*arguments, **named)
        process = PROCESS.get()
        if process is not None:
            process.ends.append(transport.get_extra_info("socket")._sock)
        return transport

    def _make_task(self, loop: Any, coroutine: Any, **named: Any) -> asyncio.Task[Any]:
        context = named.get("context")
        process = context.get(PROCESS) if context is not None else PROCESS.get()
        return asyncio.Task(_Life(coroutine, process) if process is not None else coroutine, loop=loop, **named)


def _tell(tell: Callable[[Any], None], answer: asyncio.Future[Any], what: Any) -> None:
    if not answer.done():
        tell(what)
