# SPDX-License-Identifier: Apache-2.0
"""Decision D2, how callers of one socket wait, as a model to be explored.

One pipe with a queue of received messages, one out-queue, one connection whose kernel
buffers a peer fills and drains; E with its edge, S as a level; callers that receive,
send, poll for either or only try; the I/O thread's one-shot watch on S and what else it
publishes. A socket without connections starts without E: its leader sleeps on the bell,
a futex word, until there is one. A step is one section under the lock L, or one system
call. Futex words are kept as what they mean: a thread remembers whether the word moved
since it took it.

A flat socket (pollers do not nest) has no E and no S, ever: its leader sleeps on the
bell, polls see the edge alone, as a level, and the I/O thread serves every connection
at once. There `has_e` says that the edge has a descriptor.

A leader that receives may look for messages before it sleeps, awake all the while. It
reads and writes as it looks, and so may find what is for others only.

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
        "publish rings",
        "leave hands on",
        "leave makes a leader",
        "leave rings for pollers",
        "a leader that stays hands on",
        "a leader that stays rings for pollers",
        "a leader that has looked does so once more",
        "room is told of beside a look",
        "pollers are rung by direction",
        "harvest rings again",
        "harvest rings a leader that was rung already",
        "leader's sleep decided in one section",
        "follower registers in one section",
        "bell taken in one section",
        "first connection rings",
        "low water unpauses",
        "low water decodes what is left",
        "watch on S",
        "a flat set is served",
        "a flat edge is given back",
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
HARVESTED = "harvested"  # about to take L again
LOOK = "look"  # leads, between two looks for messages
WOKEN = "woken"  # the leader, from E or the bell, about to take L
DECIDE = "decide"  # the broken variant: looked, about to decide to sleep
REGISTER = "register"  # the broken variant: looked, not yet registered
BEFORE_FUTEX = "before futex"
FUTEX = "futex"
BACK = "back"  # from the futex, about to take L
BEFORE_BELL = "before bell"  # leads, without E
BELL = "bell"
# What a leader that receives does before it sleeps, and whether that comes to its end.
NONE, SHORT, LONG = "none", "short", "long"
# How far a leader is with that.
TO_COME, LOOKING, LOOKED = "to come", "looking", "looked"
BACK_SOON = {SLEEP_E, WOKEN, BEFORE_BELL, BELL}  # a leader that decided to sleep


class Thread(NamedTuple):
    kind: str
    can_leave: bool  # by time-out, signal or a closing thread
    calls: int
    at: str = IDLE
    leads: bool = False
    moved: bool = False  # the word it sleeps on moved since it was taken
    n_written: int = 0
    done: bool = False  # what it came for is done; only the flush is left
    polls: bool = False  # is counted as a poller
    ate: bool = False  # took the edge out of E
    look: str = TO_COME  # as the leader


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
    is_leader_asleep: bool = False  # decided to sleep, and not rung since
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
    is_flat: bool = False
    look: str = NONE
    rules: frozenset[str] = RULES


def is_asleep(t: Thread) -> bool:
    return t.at in {SLEEP_E, FUTEX, BELL}


def is_following(t: Thread) -> bool:
    return t.at in {BEFORE_FUTEX, FUTEX, BACK} and not t.leads


def is_poller(t: Thread) -> bool:
    return t.kind in {POLL_IN, POLL_OUT}


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
            has_e=not (s.is_inproc or s.is_flat),
            has_connection=not s.is_inproc,
            connects=int(s.is_inproc),
        )

    def sleeps_at(self, w: World) -> str:
        return SLEEP_E if w.has_e and not self.setting.is_flat else BEFORE_BELL

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
            else t._replace(at=WOKEN)
            if t.at == BELL
            else t._replace(moved=t.at == BEFORE_BELL)
            for t in w.threads
        )
        return w._replace(threads=threads, edge=w.has_e, is_leader_asleep=False)

    def publish(self, w: World, kind: str) -> list[World]:
        """Tell whoever waits that messages (RECV) or room (SEND) have come.

        The sleeping leader is rung for either: it hands on what is not for it. So does
        an awake one before it sleeps or leaves, but that may be long in coming while it
        looks for messages.
        """
        worlds = [w]
        is_told = kind == SEND and self.has("room is told of beside a look")
        if is_told and any(t.look == LOOKING for t in w.threads):
            worlds = self.wake(w, kind)
        if w.is_leader_asleep or any(t.polls for t in w.threads):
            if self.has("publish rings"):
                worlds = [self.ring(x) for x in worlds]
        elif not any(t.leads for t in w.threads):
            worlds = self.wake(w, kind)
        return worlds

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

    def hand_on(self, w: World, who: str) -> list[World]:
        """Wake who can go on; else see to it that there is a leader."""
        follow = {t.kind for t in w.threads if is_following(t)}
        can = [k for k in (RECV, SEND) if k in follow and self.can_go_on(w, k)]
        if not self.has(f"{who} hands on"):
            can = []
        if not can and not any(t.leads for t in w.threads):
            can = sorted(follow)[:1] if self.has("leave makes a leader") else []
        if self.has(f"{who} rings for pollers"):
            w = self.ring_pollers(w)
        worlds = [w]
        for kind in can:
            worlds = [x for v in worlds for x in self.wake(v, kind)]
        return worlds

    def ring_pollers(self, w: World) -> World:
        """Ring for pollers that can go on: the edge may have been eaten."""
        by_direction = self.has("pollers are rung by direction")
        for t in w.threads:
            kinds = (t.kind,) if by_direction else (POLL_IN, POLL_OUT)
            if t.polls and any(self.can_go_on(w, kind) for kind in kinds):
                return self.ring(w)
        return w

    def leave(self, w: World, i: int, at: str = IDLE, **changes: int) -> list[World]:
        """End a call's wait: with what it came for, or with any error."""
        t = w.threads[i]
        calls = t.calls - 1 if at == IDLE else t.calls
        if t.leads:
            w = w._replace(is_leader_asleep=False)
        t = t._replace(at=at, calls=calls, leads=False, polls=False, moved=False)
        t = t._replace(look=TO_COME, **changes)
        return self.hand_on(self.put(w, i, t), "leave")

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

    def give_rd(self, w: World) -> list[World]:
        w = self.decode(w._replace(rd=False))
        return self.publish(w, RECV)

    def take_wr(self, w: World) -> tuple[World, int] | None:
        if w.wr or w.out == 0:
            return None
        n = min(w.out, w.kernel_room)
        return w._replace(wr=True, kernel_room=w.kernel_room - n), n

    def give_wr(self, w: World, n: int) -> list[World]:
        """Account; stay in the turn (wr set) if more can be written at once."""
        out = w.out - n
        w = w._replace(out=out, want_out=out > 0 and w.kernel_room == 0)
        w = w._replace(wr=out > 0 and w.kernel_room > 0)
        if w.is_full and out <= self.low and out < self.mark:
            return self.publish(w._replace(is_full=False), SEND)
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
            # The thread is there before others are woken: it will look again.
            x = self.put(w, i, t._replace(at=self.after_reading(t)))
            yield "publishes", True, self.give_rd(x)
        elif at == WRITE:
            yield from self.write_steps(w, i, t)
        elif at == ACCOUNT:
            for x in self.give_wr(w, t.n_written):
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
                    else:
                        me = me._replace(at=self.after_reading(t))
                        yield "accounts", True, [self.put(x, i, me)]
        else:
            yield from self.waiting_steps(w, i, t)

    def after_reading(self, t: Thread) -> str:
        return LOOK if t.look == LOOKING else TOP

    def waiting_steps(
        self, w: World, i: int, t: Thread
    ) -> Iterator[tuple[str, bool, list[World]]]:
        at = t.at
        if at == SLEEP_E:
            yield from self.sleep_steps(w, i, t)
        elif at == WOKEN:
            x = w._replace(is_leader_asleep=False)
            is_s_ready = self.is_s_ready(w) and not self.setting.is_flat
            at = READ if is_s_ready else TOP
            yield "is woken", True, [self.put(x, i, t._replace(at=at))]
        elif at == LOOK:
            yield from self.look_steps(w, i, t)
        elif at == HARVEST:
            x = w._replace(edge=False)
            me = t._replace(at=HARVESTED, ate=w.edge)
            yield "harvests E", True, [self.put(x, i, me)]
        elif at == HARVESTED:
            yield from self.harvested_steps(w, i, t)
        elif at == DECIDE:
            x = w._replace(is_leader_asleep=True)
            me = t._replace(at=self.sleeps_at(w))
            yield "decides late", True, [self.put(x, i, me)]
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
            saw_ring = t.moved and self.has("bell taken in one section")
            me = t._replace(at=WOKEN if saw_ring else BELL, moved=False)
            yield "futex_wait(bell)", True, [self.put(w, i, me)]
        elif at == BELL and t.can_leave:
            yield "leaves the bell with nothing", False, self.leave(w, i)

    def sleep_steps(
        self, w: World, i: int, t: Thread
    ) -> Iterator[tuple[str, bool, list[World]]]:
        """In epoll_wait(E), which eats the edge, or in poll(2), which does not."""
        if w.edge or (self.is_s_ready(w) and not self.setting.is_flat):
            if is_poller(t):
                x = self.put(w, i, t._replace(at=HARVEST))
                yield "poll returns", True, [x]
            else:
                x = self.put(w._replace(edge=False), i, t._replace(at=WOKEN))
                yield "E wakes", True, [x]
        if t.can_leave:
            yield "leaves E with nothing", False, self.leave(w, i)

    def harvested_steps(
        self, w: World, i: int, t: Thread
    ) -> Iterator[tuple[str, bool, list[World]]]:
        """What a poller ate may have been meant for others."""
        at = READ if self.is_s_ready(w) else TOP
        x = self.put(w, i, t._replace(at=at, ate=False))
        if self.setting.is_flat:
            x = self.ring_pollers(x) if self.has("a flat edge is given back") else x
        elif t.ate and self.has("harvest rings again"):
            is_owed = any(o.leads and o.at in BACK_SOON for o in w.threads)
            if w.is_leader_asleep or not self.has(
                "harvest rings a leader that was rung already"
            ):
                is_owed = False  # nobody has rung for it
            x = self.ring(x) if is_owed else self.ring_pollers(x)
        yield "looks after harvest", True, [x]
        if t.can_leave:
            yield "leaves after harvest", False, self.leave(x, i)

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
            x = self.put(w._replace(has_e=True), i, t._replace(at=SLEEP_E, polls=True))
            yield "waits in poll", True, [x]
        elif t.leads:
            yield from self.stay_steps(w, i, t)
        elif not any(x.leads for x in w.threads):
            me = t._replace(at=READ, leads=True)
            yield "leads", True, [self.put(w, i, me)]
        elif self.has("follower registers in one section"):
            x = self.put(w, i, t._replace(at=BEFORE_FUTEX, moved=False))
            yield "follows", True, [x]
        else:
            yield "will follow", True, [self.put(w, i, t._replace(at=REGISTER))]

    def stay_steps(
        self, w: World, i: int, t: Thread
    ) -> Iterator[tuple[str, bool, list[World]]]:
        """The leader found nothing for itself: hand on, and look or decide to sleep."""
        in_one = self.has("leader's sleep decided in one section")
        looks = self.setting.look != NONE and w.has_connection and t.kind == RECV
        once_more = self.has("a leader that has looked does so once more")
        worlds = [w]
        if t.look != LOOKED or once_more:
            worlds = self.hand_on(w, "a leader that stays")
        for x in worlds:
            if looks and t.look == TO_COME:
                me = x.threads[i]._replace(at=LOOK, look=LOOKING)
                yield "stays, looks", True, [self.put(x, i, me)]
                continue
            at = self.sleeps_at(x)
            me = x.threads[i]._replace(at=at if in_one else DECIDE, look=TO_COME)
            x = x._replace(is_leader_asleep=in_one)
            yield f"stays, goes to {at}", True, [self.put(x, i, me)]

    def look_steps(
        self, w: World, i: int, t: Thread
    ) -> Iterator[tuple[str, bool, list[World]]]:
        """Between two looks: there is something, or the time is over, or it goes on."""
        if self.can_go_on(w, t.kind):
            me = t._replace(at=TOP, look=TO_COME)
            yield "has found something", True, [self.put(w, i, me)]
            return
        if self.is_s_ready(w):
            yield "looks", True, [self.put(w, i, t._replace(at=READ))]
        me = t._replace(at=TOP, look=LOOKED)
        ends = self.setting.look == SHORT
        yield "has looked in vain", ends, [self.put(w, i, me)]

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
            me = t._replace(at=self.after_reading(t))
            yield "has looked", True, [self.put(w, i, me)]

    def other_steps(self, w: World) -> Iterator[tuple[str, bool, list[World]]]:
        if w.arrivals > 0 and w.has_connection:
            x = w._replace(arrivals=w.arrivals - 1, unread=w.unread + 1)
            yield "peer sends", False, [x]
        if w.drains > 0:
            x = w._replace(drains=w.drains - 1, kernel_room=w.kernel_room + 1)
            yield "peer reads", False, [x]
        if w.events > 0:
            x = w._replace(events=w.events - 1, queue=w.queue + 1)
            yield "I/O: publishes", False, self.publish(x, RECV)
        if w.connects > 0:
            x = w._replace(connects=0, has_connection=True, has_e=True)
            if self.setting.is_flat:
                x = x._replace(has_e=w.has_e)
            elif self.has("first connection rings"):
                x = self.ring(x)
            yield "I/O: attaches the first connection", False, [x]
        if w.closes > 0:
            x = w._replace(closes=w.closes - 1, closed=True)
            yield "I/O: closes", False, self.publish_all(x)
        if self.setting.has_watch:
            yield from self.watch_steps(w)

    def watch_steps(self, w: World) -> Iterator[tuple[str, bool, list[World]]]:
        """D5: fire; output at once; input after a grace time, if nobody called.

        A flat set has neither: what it has is served as soon as it has it.
        """
        is_flat = self.setting.is_flat
        if w.io == IDLE:
            if not w.has_connection:
                return
            if is_flat:
                if self.is_s_ready(w) and self.has("a flat set is served"):
                    yield "watch: sees", True, [w._replace(io=WRITE)]
            elif self.has("watch on S"):
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
            for x in self.give_wr(w, w.io_written):
                if x.wr:
                    n = min(x.out, x.kernel_room)
                    x = x._replace(kernel_room=x.kernel_room - n, io_written=n)
                else:
                    x = x._replace(io=READ, io_written=0)
                yield "watch: accounts", True, [x]
        elif w.io == READ:
            x = self.take_rd(w)
            if x is None or not is_flat:
                yield "watch: arms again", True, [w._replace(io=IDLE)]
            if x is not None:
                yield "watch: reads", True, [x._replace(io=PUBLISH)]
        elif w.io == PUBLISH:
            yield (
                "watch: publishes",
                True,
                [x._replace(io=IDLE) for x in self.give_rd(w)],
            )


def check(setting: Setting) -> Result:
    protocol = Protocol(setting)
    return explore(protocol.start(), protocol.steps, protocol.stuck)
