# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The engine process: loads a build, owns its arena, its programs and its lanes, and may die of it.

The main thread only listens to the front, so that a command, or the front's end, is heard whatever the structure's
code does; the run itself goes on in a thread of its own, which spends its time in native code.
"""

from __future__ import annotations

import os
import queue
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

from workbench.engine import messages
from workbench.engine.run import Run, RunFailed
from workbench.engine.sides import Stopped

_POLL_S = 0.2


class _Channel:
    """The engine's end of the socket; both threads send on it."""

    def __init__(self, descriptor: int) -> None:
        self.socket = socket.socket(fileno=descriptor)
        self._lock = threading.Lock()

    def send(self, event: messages.Event, descriptors: list[int] | None = None) -> None:
        with self._lock:
            packet = messages.encode(event)
            if descriptors:
                socket.send_fds(self.socket, [packet], descriptors)
            else:
                self.socket.sendall(packet)

    def receive(self) -> messages.Command | None:
        """The next command; None when the front has gone."""
        packet = self.socket.recv(messages.PACKET)
        return messages.command(packet) if packet else None


def main(descriptor: int) -> None:
    """Serve the front at the other end of socket `descriptor` until it leaves."""
    channel = _Channel(descriptor)
    first = channel.receive()
    if not isinstance(first, messages.Configure):
        return
    run = Run(first, channel.send)
    thread = threading.Thread(target=_guarded, args=(run.perform, channel), name="run", daemon=True)
    thread.start()
    by_hand: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    threading.Thread(target=_perform_by_hand, args=(by_hand, channel), name="by hand", daemon=True).start()
    try:
        _serve(channel, run, by_hand)
    finally:
        # Structure code may be running in any thread and may never end: no orderly shutdown waits for it. Links,
        # maps and threads go with the process.
        os._exit(0)


def _perform_by_hand(orders: queue.SimpleQueue[Callable[[], None]], channel: _Channel) -> None:
    """What a person asks for during a run, one after another, while the main thread goes on listening."""
    while True:
        _guarded(orders.get(), channel)


def _serve(channel: _Channel, run: Run, by_hand: queue.SimpleQueue[Callable[[], None]]) -> None:
    while True:
        select.select([channel.socket], [], [])
        try:
            command = channel.receive()
        except ConnectionError:
            return
        if command is None or isinstance(command, messages.Leave):
            return
        if isinstance(command, messages.Stop):
            run.stop()
        elif isinstance(command, messages.SetTrigger):
            run.set_trigger(command.trigger, on=command.on)
        elif isinstance(command, messages.Burst):
            by_hand.put(partial(run.burst, command.operations))
        elif isinstance(command, messages.VerifyNow):
            by_hand.put(run.verify_now)
        elif isinstance(command, messages.QueryKernel):
            channel.send(run.kernel_facts(statistics=command.statistics))


def _guarded(perform: Callable[[], None], channel: _Channel) -> None:
    """Tell the front of everything that ends the run early; what is a mistake of ours goes to stderr as well."""
    try:
        perform()
    except Stopped:
        return
    except RunFailed as failure:
        channel.send(messages.Failed(failure.kind, str(failure), failure.log))
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)
    except BaseException as error:
        import traceback

        traceback.print_exc()
        channel.send(messages.Failed("run", f"a mistake in the engine itself: {type(error).__name__}: {error}"))
        time.sleep(_POLL_S)


if __name__ == "__main__":
    main(int(sys.argv[1]))
