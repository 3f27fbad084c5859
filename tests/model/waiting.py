# SPDX-License-Identifier: Apache-2.0
"""Decision D2, how callers of one socket wait, as a model to be explored.

One pipe with a queue of received messages, one out-queue, one connection whose kernel
buffers a peer fills and drains; E with its edge, S as a level; callers that receive,
send, poll for either or only try; the I/O thread's one-shot watch on S and what else it
publishes. A socket without connections starts without E: its leader sleeps on the bell,
a futex word, until there is one. A step is one section under the lock L, or one system
call. Futex words are kept as what they mean: a thread remembers whether the word moved
since it took it.

Followers are of two classes with a word each. Every rule that a wake-up depends on can
be left out by name, to show that the exploration misses it (see RULES).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from model.explore import Result, Step, explore

RECV, SEND, TRY = "recv", "send", "try"
POLL_IN, POLL_OUT = "poll in", "poll out"

RULES = frozenset(
    {
        "leave wakes a follower",
        "leave prefers who can go on",
        "receiver chain",
        "sender chain",
        "leave writes the edge for pollers",
        "staying writes the edge for pollers",
        "bell taken when registering",
        "first connection rings",
        "publish writes the edge",
        "publish wakes a follower",
        "publish wakes behind a leader of the other class",
        "register in one section",
        "low water unpauses",
        "low water decodes what is left",
        "harvest writes the edge again",
        "watch on S",
    }
)

# Where a thread stands. Calls begin and end at IDLE.
IDLE = "idle"
TOP = "top"  # about to enter the section that looks and registers
READ = "read"  # leads (or tries): may take the rd turn
PUBLISH = "publish"  # has the rd turn, bytes read: about to publish
WRITE = "write"  # may take the wr turn
ACCOUNT = "account"  # has the wr turn, bytes written: about to account
SLEEP_E = "sleep E"  # in epoll_wait(E) or poll(2)
HARVEST = "harvest"  # a poller back from poll(2)
HARVESTED = "harvested"  # the edge is taken; about to write it again
REGISTER = "register"  # the broken variant: looked, not yet registered
BEFORE_FUTEX = "before futex"
FUTEX = "futex"
BACK = "back"  # from the futex, about to take L
BEFORE_BELL = "before bell"  # leads, without E
BELL = "bell"


class Thread(NamedTuple):
    kind: str
    can_leave: bool  # by time-out, signal or a closing thread
    calls: int
    at: str = IDLE
    leads: bool = False
    moved: bool = False  # the word it sleeps on moved since it was taken
    n_written: int = 0
    done: bool = False  # what it came for is done; only the flush is left


class World(NamedTuple):
    threads: tuple[Thread, ...]
    queue: int = 0  # received messages that can be popped
    left_over: int = 0  # read, but not decoded: the queue was at its mark
    paused: bool = False
    rd: bool = False
    unread: int = 0  # in the kernel
    out: int = 0
    is_full: bool = False
    wr: bool = False
    kernel_room: int = 0
    want_out: bool = False  # EPOLLOUT asked for
    edge: bool = False
    has_e: bool = True
    has_connection: bool = True
    closed: bool = False
    io: str = IDLE  # the watch: armed at IDLE
    io_written: int = 0
    arrivals: int = 0  # what peers and the I/O thread may still do
    drains: int = 0
    events: int = 0
    closes: int = 0
    connects: int = 0


@dataclass(frozen=True)
class Setting:
    """Which callers there are, what may happen, and the rules they keep."""

    threads: tuple[Thread, ...]
    arrivals: int = 0
    drains: int = 0
    events: int = 0  # messages published by the I/O thread on its own
    closes: int = 0
    mark: int = 1  # both high-water marks
    out: int = 0  # queued at the start
    is_inproc: bool = False  # no connection, until the first comes
    has_watch: bool = False
    rules: frozenset[str] = RULES


def is_asleep(t: Thread) -> bool:
    return t.at in {SLEEP_E, FUTEX, BELL}


def is_following(t: Thread) -> bool:
    return t.at in {BEFORE_FUTEX, FUTEX, BACK} and not t.leads


def is_poller(t: Thread) -> bool:
    return t.kind in {POLL_IN, POLL_OUT}


def is_polling(t: Thread) -> bool:
    return is_poller(t) and t.at not in {IDLE, TOP}


class Protocol:
    """The steps of a world under a setting."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.has = setting.rules.__contains__
        self.mark = setting.mark
        self.low = (setting.mark + 1) // 2

    def start(self) -> World:
        s = self.setting
        return World(
            threads=tuple(sorted(s.threads)),
            out=s.out,
            is_full=s.out >= s.mark,
            want_out=s.out > 0,
            arrivals=s.arrivals,
            drains=s.drains,
            events=s.events,
            closes=s.closes,
            has_e=not s.is_inproc,
            has_connection=not s.is_inproc,
            connects=int(s.is_inproc),
        )

    # --- what the rules read ---

    def can_go_on(self, w: World, kind: str) -> bool:
        return w.closed or (not w.is_full if kind in {SEND, POLL_OUT} else w.queue > 0)

    def is_s_ready(self, w: World) -> bool:
        if not w.has_connection:
            return False
        return (w.unread > 0 and not w.paused) or (w.kernel_room > 0 and w.want_out)

    def stuck(self, w: World) -> str | None:
        for t in w.threads:
            if not is_asleep(t):
                continue
            if self.can_go_on(w, t.kind):
                return f"{t.kind} sleeps for ever at '{t.at}', but could go on"
            if not w.has_connection:
                continue
            if t.kind in {SEND, POLL_OUT}:
                if w.out > 0 and w.kernel_room > 0:
                    return f"{t.kind} sleeps at '{t.at}' and nobody writes"
            elif w.unread + w.left_over > 0:
                return f"{t.kind} sleeps at '{t.at}' and nobody reads"
        return None

    # --- waking: each returns the worlds that may follow ---

    def put(self, w: World, i: int, t: Thread) -> World:
        return w._replace(threads=w.threads[:i] + (t,) + w.threads[i + 1 :])

    def wake(self, w: World, kind: str) -> list[World]:
        """Move the word of a class and wake one sleeper, whichever the kernel picks."""
        moved = tuple(
            t._replace(moved=True) if t.kind == kind and t.at == BEFORE_FUTEX else t
            for t in w.threads
        )
        w = w._replace(threads=moved)
        sleepers = [i for i, t in enumerate(moved) if t.kind == kind and t.at == FUTEX]
        woken = {w.threads[i]: i for i in sleepers}.values()  # equal ones: either
        return [self.put(w, i, w.threads[i]._replace(at=BACK)) for i in woken] or [w]

    def ring(self, w: World) -> World:
        """Wake the leader, wherever it sleeps, and whoever polls."""
        threads = tuple(
            t
            if not t.leads
            else t._replace(at=TOP)
            if t.at == BELL
            else t._replace(moved=True)
            for t in w.threads
        )
        return w._replace(threads=threads, edge=w.has_e)

    def publish(self, w: World, kind: str, by: int | None) -> list[World]:
        """Tell whoever waits that messages (RECV) or room (SEND) have come."""
        leader = next((i for i, t in enumerate(w.threads) if t.leads), None)
        has_poller = any(is_polling(t) for i, t in enumerate(w.threads) if i != by)
        if self.has("publish writes the edge") and (
            has_poller or (leader is not None and leader != by)
        ):
            w = self.ring(w)
        if leader is not None:
            if w.threads[leader].kind == kind:
                return [w]
            if not self.has("publish wakes behind a leader of the other class"):
                return [w]
        if not self.has("publish wakes a follower"):
            return [w]
        return self.wake(w, kind)

    def publish_all(self, w: World) -> list[World]:
        w = self.ring(w)
        threads = tuple(
            t._replace(moved=True)
            if t.at == BEFORE_FUTEX
            else t._replace(at=BACK)
            if t.at == FUTEX
            else t
            for t in w.threads
        )
        return [w._replace(threads=threads)]

    def hand_on(self, w: World, by: int | None = None) -> World:
        """Write the edge for pollers that can go on: it may have been eaten."""
        for i, t in enumerate(w.threads):
            if i != by and is_polling(t) and self.can_go_on(w, t.kind):
                return w._replace(edge=True)
        return w

    def leave(self, w: World, i: int, at: str = IDLE, **changes: int) -> list[World]:
        """End a call's wait: with what it came for, or with any error."""
        t = w.threads[i]
        calls = t.calls - 1 if at == IDLE else t.calls
        t = t._replace(at=at, calls=calls, leads=False, moved=False, **changes)
        w = self.put(w, i, t)
        is_led = any(x.leads for x in w.threads)
        follow = [x.kind for x in w.threads if is_following(x)]
        can = [k for k in (RECV, SEND) if k in follow and self.can_go_on(w, k)]
        if self.has("leave writes the edge for pollers"):
            w = self.hand_on(w)
        if not is_led:
            if not follow or not self.has("leave wakes a follower"):
                return [w]
            if can and self.has("leave prefers who can go on"):
                return self.wake(w, can[0])
            if not self.has("leave prefers who can go on"):
                return [x for k in sorted(set(follow)) for x in self.wake(w, k)]
            return self.wake(w, follow[0])
        chain = "sender chain" if t.kind == SEND else "receiver chain"
        kind = SEND if t.kind == SEND else RECV
        if kind in can and self.has(chain):
            return self.wake(w, kind)
        return [w]

    # --- queues ---

    def decode(self, w: World) -> World:
        n = min(w.left_over, max(self.mark - w.queue, 0))
        w = w._replace(queue=w.queue + n, left_over=w.left_over - n)
        return w._replace(paused=w.queue >= self.mark)

    def pop(self, w: World) -> World:
        w = w._replace(queue=w.queue - 1)
        if w.paused and w.queue <= self.low and w.queue < self.mark:
            if not self.has("low water unpauses"):
                return w
            if self.has("low water decodes what is left"):
                return self.decode(w)
            return w._replace(paused=False)
        return w

    def take_rd(self, w: World) -> World | None:
        if w.rd or w.paused or w.unread == 0:
            return None
        return w._replace(rd=True, left_over=w.left_over + w.unread, unread=0)

    def give_rd(self, w: World, by: int | None) -> list[World]:
        w = self.decode(w._replace(rd=False))
        return self.publish(w, RECV, by)

    def take_wr(self, w: World) -> tuple[World, int] | None:
        if w.wr or w.out == 0:
            return None
        n = min(w.out, w.kernel_room)
        return w._replace(wr=True, kernel_room=w.kernel_room - n), n

    def give_wr(self, w: World, n: int, by: int | None) -> list[World]:
        """Account; stay in the turn (wr set) if more can be written at once."""
        out = w.out - n
        w = w._replace(out=out, want_out=out > 0 and w.kernel_room == 0)
        w = w._replace(wr=out > 0 and w.kernel_room > 0)
        if w.is_full and out <= self.low and out < self.mark:
            return self.publish(w._replace(is_full=False), SEND, by)
        return [w]

    # --- the steps ---

    def steps(self, w: World) -> Iterator[Step]:
        for i, t in enumerate(w.threads):
            if t in w.threads[:i]:
                continue  # an equal thread has made the same steps already
            for label, is_internal, worlds in self.thread_steps(w, i, t):
                for x in worlds:
                    x = x._replace(threads=tuple(sorted(x.threads)))
                    yield Step(f"{t.kind}: {label}", is_internal, x)
        for label, is_internal, worlds in self.other_steps(w):
            for x in worlds:
                x = x._replace(threads=tuple(sorted(x.threads)))
                yield Step(label, is_internal, x)

    def thread_steps(
        self, w: World, i: int, t: Thread
    ) -> Iterator[tuple[str, bool, list[World]]]:
        at = t.at
        if at == IDLE:
            if t.calls > 0:
                t = t._replace(at=TOP, done=False)
                yield "calls", False, [self.put(w, i, t)]
        elif at == TOP:
            yield from self.top_steps(w, i, t)
        elif at == READ:
            read = self.take_rd(w)
            if read is None:
                yield "nothing to read", True, [self.put(w, i, t._replace(at=WRITE))]
            else:
                yield "reads", True, [self.put(read, i, t._replace(at=PUBLISH))]
        elif at == PUBLISH:
            # The thread is at TOP before others are woken: it will look again.
            x = self.put(w, i, t._replace(at=TOP))
            yield "publishes", True, self.give_rd(x, i)
        elif at == WRITE:
            yield from self.write_steps(w, i, t)
        elif at == ACCOUNT:
            for x in self.give_wr(w, t.n_written, i):
                if x.wr:
                    n = min(x.out, x.kernel_room)
                    x = x._replace(kernel_room=x.kernel_room - n)
                    me = x.threads[i]._replace(n_written=n)
                    yield "writes more", True, [self.put(x, i, me)]
                else:
                    me = x.threads[i]._replace(n_written=0)
                    if t.done:
                        me = me._replace(at=IDLE, calls=me.calls - 1)
                        yield "accounts, ends its call", True, [self.put(x, i, me)]
                    elif t.n_written > 0:
                        me = me._replace(at=TOP)
                        yield "accounts", True, [self.put(x, i, me)]
                    else:
                        yield from self.sleep_steps(x, i, me)
        elif at == SLEEP_E:
            if w.edge or self.is_s_ready(w):
                if is_poller(t):
                    x = self.put(w, i, t._replace(at=HARVEST))
                    yield "poll returns", True, [x]
                else:
                    x = w._replace(edge=False)
                    yield "E wakes", True, [self.put(x, i, t._replace(at=TOP))]
            if t.can_leave:
                yield "leaves E with nothing", False, self.leave(w, i)
        elif at == HARVEST:
            x = w._replace(edge=False)
            yield "harvests E", True, [self.put(x, i, t._replace(at=HARVESTED))]
        elif at == HARVESTED:
            x = w
            if self.has("harvest writes the edge again") and any(
                o.leads for o in w.threads
            ):
                x = w._replace(edge=True)
            at = READ if self.is_s_ready(w) else TOP
            yield "looks after harvest", True, [self.put(x, i, t._replace(at=at))]
            if t.can_leave:
                yield "leaves after harvest", False, self.leave(x, i)
        elif at == REGISTER:
            yield (
                "registers late",
                True,
                [self.put(w, i, t._replace(at=BEFORE_FUTEX, moved=False))],
            )
        elif at == BEFORE_FUTEX:
            to = BACK if t.moved else FUTEX
            yield "futex_wait", True, [self.put(w, i, t._replace(at=to, moved=False))]
        elif at == FUTEX:
            if t.can_leave:
                yield "futex times out", False, [self.put(w, i, t._replace(at=BACK))]
        elif at == BACK:
            yield "is back", True, [self.put(w, i, t._replace(at=TOP))]
            if t.can_leave:
                yield "leaves unlooked", True, self.leave(w, i)
        elif at == BEFORE_BELL:
            to = TOP if t.moved else BELL
            yield (
                "futex_wait(bell)",
                True,
                [self.put(w, i, t._replace(at=to, moved=False))],
            )
        elif at == BELL and t.can_leave:
            yield "leaves the bell with nothing", False, self.leave(w, i)

    def sleep_steps(
        self, w: World, i: int, t: Thread
    ) -> Iterator[tuple[str, bool, list[World]]]:
        """Look no further: sleep in E, or on the bell while there is no E."""
        if w.has_e:
            yield "waits in E", True, [self.put(w, i, t._replace(at=SLEEP_E))]
            return
        if not self.has("bell taken when registering"):
            t = t._replace(moved=False)
        yield "waits for the bell", True, [self.put(w, i, t._replace(at=BEFORE_BELL))]

    def top_steps(
        self, w: World, i: int, t: Thread
    ) -> Iterator[tuple[str, bool, list[World]]]:
        if w.closed:
            yield "finds it closed", True, self.leave(w, i)
            return
        if self.can_go_on(w, t.kind):
            if t.kind == SEND:
                out = w.out + 1
                x = w._replace(out=out, is_full=out >= self.mark)
                yield "appends", True, self.leave(x, i, at=WRITE, done=True)
            elif is_poller(t):
                yield "is ready", True, self.leave(w, i)
            else:
                yield "pops", True, self.leave(self.pop(w), i)
            return
        if t.kind == TRY:
            if t.done:
                yield "gives up", True, self.leave(w, i)
            else:
                x = self.put(w, i, t._replace(at=READ, done=True))
                yield "finds nothing", True, [x]
        elif is_poller(t):
            x = w._replace(has_e=True)
            if self.has("staying writes the edge for pollers"):
                x = self.hand_on(x, i)
            yield "waits in poll", True, [self.put(x, i, t._replace(at=SLEEP_E))]
        elif t.leads or not any(x.leads for x in w.threads):
            x = w
            if self.has("staying writes the edge for pollers"):
                x = self.hand_on(x, i)
            me = t._replace(at=READ, leads=True, moved=False)
            yield "leads", True, [self.put(x, i, me)]
        elif self.has("register in one section"):
            x = self.put(w, i, t._replace(at=BEFORE_FUTEX, moved=False))
            yield "follows", True, [x]
        else:
            yield "will follow", True, [self.put(w, i, t._replace(at=REGISTER))]

    def write_steps(
        self, w: World, i: int, t: Thread
    ) -> Iterator[tuple[str, bool, list[World]]]:
        taken = self.take_wr(w)
        if taken is not None:
            x, n = taken
            me = t._replace(at=ACCOUNT, n_written=n)
            yield "writes", True, [self.put(x, i, me)]
        elif t.done or t.kind == TRY:
            me = t._replace(at=IDLE, calls=t.calls - 1)
            yield "ends its call", True, [self.put(w, i, me)]
        elif is_poller(t):
            yield "waits in poll", True, [self.put(w, i, t._replace(at=SLEEP_E))]
        else:
            yield from self.sleep_steps(w, i, t)

    def other_steps(self, w: World) -> Iterator[tuple[str, bool, list[World]]]:
        if w.arrivals > 0 and w.has_connection:
            x = w._replace(arrivals=w.arrivals - 1, unread=w.unread + 1)
            yield "peer sends", False, [x]
        if w.drains > 0:
            x = w._replace(drains=w.drains - 1, kernel_room=w.kernel_room + 1)
            yield "peer reads", False, [x]
        if w.events > 0:
            x = w._replace(events=w.events - 1, queue=w.queue + 1)
            yield "I/O: publishes", False, self.publish(x, RECV, None)
        if w.connects > 0:
            x = w._replace(connects=0, has_connection=True, has_e=True)
            if self.has("first connection rings"):
                x = self.ring(x)
            yield "I/O: attaches the first connection", False, [x]
        if w.closes > 0:
            x = w._replace(closes=w.closes - 1, closed=True)
            yield "I/O: closes", False, self.publish_all(x)
        if self.setting.has_watch:
            yield from self.watch_steps(w)

    def watch_steps(self, w: World) -> Iterator[tuple[str, bool, list[World]]]:
        """D5: fire; output at once; input after a grace time, if nobody called."""
        if w.io == IDLE:
            if not w.has_connection:
                return
            if self.has("watch on S"):
                if self.is_s_ready(w):
                    yield "watch: fires", False, [w._replace(io=WRITE)]
            elif w.edge or self.is_s_ready(w):
                yield "watch: fires on E", False, [w._replace(io=WRITE, edge=False)]
        elif w.io == WRITE:
            taken = self.take_wr(w) if w.want_out else None
            if taken is None:
                yield "watch: nothing to write", True, [w._replace(io=READ)]
            else:
                x, n = taken
                yield "watch: writes", True, [x._replace(io=ACCOUNT, io_written=n)]
        elif w.io == ACCOUNT:
            for x in self.give_wr(w, w.io_written, None):
                if x.wr:
                    n = min(x.out, x.kernel_room)
                    x = x._replace(kernel_room=x.kernel_room - n, io_written=n)
                else:
                    x = x._replace(io=READ, io_written=0)
                yield "watch: accounts", True, [x]
        elif w.io == READ:
            yield "watch: arms again", True, [w._replace(io=IDLE)]
            x = self.take_rd(w)
            if x is not None:
                yield "watch: reads", True, [x._replace(io=PUBLISH)]
        elif w.io == PUBLISH:
            yield (
                "watch: publishes",
                True,
                [x._replace(io=IDLE) for x in self.give_rd(w, None)],
            )


def check(setting: Setting) -> Result:
    protocol = Protocol(setting)
    return explore(protocol.start(), protocol.steps, protocol.stuck)
