# SPDX-License-Identifier: Apache-2.0
"""An inproc socket's duct words, notes, inbox and bell, as a model to be explored.

Writers, each a socket of its own with one duct, feed a socket that one or two threads
receive from. A step is one atomic operation, one system call, or what a section under
the reader's lock does between two of them. The tail word of a duct is (messages
written, reader asleep), the head word (messages read, writer asleep); an inbox is a
tuple of notes, or ASLEEP. A writer's inbox can only hold the one note of its duct.

Every rule that a wake-up depends on can be left out by name (see RULES).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from model.explore import Result, Step, explore

RULES = frozenset(
    {
        "reader sleeps in the tail word",
        "writer sleeps in the head word",
        "a note is taken before looking",
        "owner sleeps in the inbox word",
        "inbox taken under the leader sleeps again",
        "bell taken before sleeping in the inbox",
        "publishing rings for the leader",
        "leave wakes a follower",
    }
)

ASLEEP = -1  # an inbox whose owner sleeps
Inbox = tuple[int, ...] | int
Ways = Iterator[tuple[str, "World"]]
To = Callable[..., "World"]


class Duct(NamedTuple):
    written: int = 0
    reader_asleep: bool = True
    reported: int = 0  # messages read, as the head word has them
    writer_asleep: bool = False
    read: int = 0
    is_active: bool = False  # in the reader's list of pipes to look at
    reader_noted: bool = False  # a note is on its way
    writer_noted: bool = False


class Writer(NamedTuple):
    left: int
    at: str = "look"
    inbox: Inbox = ()
    bell_moved: bool = False  # since it was taken


class Reader(NamedTuple):
    calls: int
    at: str = "lock"
    leads: bool = False
    moved: bool = False  # the word it sleeps on
    notes: tuple[int, ...] = ()  # taken, not yet looked at
    duct: int = -1  # the duct it works at


class World(NamedTuple):
    writers: tuple[Writer, ...]
    ducts: tuple[Duct, ...]
    readers: tuple[Reader, ...]
    inbox: Inbox = ()
    holder: int = -1  # the reader that holds the lock


@dataclass(frozen=True)
class Setting:
    writers: tuple[int, ...]  # messages each
    readers: tuple[int, ...]  # calls each
    mark: int = 1
    rules: frozenset[str] = RULES


class Protocol:
    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.has = setting.rules.__contains__
        self.mark = setting.mark
        self.low = (setting.mark + 1) // 2

    def start(self) -> World:
        s = self.setting
        return World(
            writers=tuple(Writer(n) for n in s.writers),
            ducts=tuple(Duct() for _ in s.writers),
            readers=tuple(Reader(n) for n in s.readers),
        )

    def stuck(self, w: World) -> str | None:
        has_message = any(d.written > d.read for d in w.ducts)
        for k, x in enumerate(w.writers):
            d = w.ducts[k]
            if x.at == "asleep" and d.written - d.reported < self.mark:
                return f"writer {k} sleeps and has room"
            if x.at == "asleep" and d.written == d.read:
                return f"writer {k} sleeps and its duct is empty"
        for i, r in enumerate(w.readers):
            if has_message and r.at in {"asleep", "follows"}:
                return f"reader {i} sleeps and there is a message"
        return None

    def steps(self, w: World) -> Iterator[Step]:
        for k in range(len(w.writers)):
            for label, x in self.writer_steps(w, k):
                yield Step(f"writer {k}: {label}", True, x)
        for i, r in enumerate(w.readers):
            if w.holder not in {-1, i} and r.at in {"lock", "relock"}:
                continue  # L is held
            for label, x in self.reader_steps(w, i):
                # A new call may never come; what has begun goes on.
                yield Step(f"reader {i}: {label}", r.at != "lock", x)

    # --- the writer of duct k ---

    def writer_steps(self, w: World, k: int) -> Ways:
        x, d = w.writers[k], w.ducts[k]

        def to(at: str, *, duct: Duct = d, **changes: object) -> World:
            writers = list(w.writers)
            writers[k] = x._replace(at=at, **changes)
            return self.with_duct(w._replace(writers=tuple(writers)), k, duct)

        if x.at == "look":
            if x.left == 0:
                return
            is_full = d.written - d.reported >= self.mark
            yield "looks for room", to("full" if is_full else "publish")
        elif x.at == "full" and not self.has("writer sleeps in the head word"):
            yield (
                "marks itself, unlooked",
                to("bell", duct=d._replace(writer_asleep=True)),
            )
        elif x.at == "full":
            if d.written - d.reported >= self.mark:  # the CAS on the head word
                slept = d._replace(writer_asleep=True)
                yield "sleeps in the head word", to("bell", duct=slept)
            else:
                yield "finds room", to("publish")
        elif x.at == "bell":
            yield "takes the bell", to("sleep", bell_moved=False)
        elif x.at == "sleep":
            if x.inbox in {(), ASLEEP}:
                yield "sleeps in its inbox", to("futex", inbox=ASLEEP)
            else:
                yield "finds a note", to("note")
        elif x.at == "futex":
            yield "futex_wait", to("note" if x.bell_moved else "asleep")
        elif x.at == "note":
            noted = d._replace(writer_noted=False)
            yield "takes its inbox", to("look", duct=noted, inbox=())
        elif x.at == "publish":
            shown = d._replace(written=d.written + 1, reader_asleep=False)
            at = "tell" if d.reader_asleep else "look"
            yield "publishes", to(at, duct=shown, left=x.left - 1)
        elif x.at == "tell":
            noted = d._replace(reader_noted=True)
            yield "notes", to("look" if d.reader_noted else "push", duct=noted)
        elif x.at == "push":
            if w.inbox == ASLEEP:
                yield "pushes, must wake", to("ring")._replace(inbox=(k,))
            else:
                assert isinstance(w.inbox, tuple)
                yield "pushes", to("look")._replace(inbox=(*w.inbox, k))
        elif x.at == "ring":
            yield "moves the bell", self.move_bell(to("wake"))
        elif x.at == "wake":
            yield "futex_wake", self.wake_leader(to("look"))

    def with_duct(self, w: World, k: int, d: Duct) -> World:
        return w._replace(ducts=w.ducts[:k] + (d,) + w.ducts[k + 1 :])

    # --- the readers' bell, and the word of those who follow ---

    def move_bell(self, w: World) -> World:
        return w._replace(
            readers=tuple(r._replace(moved=True) if r.leads else r for r in w.readers)
        )

    def wake_leader(self, w: World) -> World:
        return w._replace(
            readers=tuple(
                r._replace(at="relock") if r.leads and r.at == "asleep" else r
                for r in w.readers
            )
        )

    def wake_follower(self, w: World) -> World:
        readers = list(w.readers)
        for i, r in enumerate(readers):
            if r.at == "follow":
                readers[i] = r._replace(moved=True)
        for i, r in enumerate(readers):
            if r.at == "follows":
                readers[i] = r._replace(at="relock")
                break
        return w._replace(readers=tuple(readers))

    # --- reader i; its lock is held from "lock" to "unlock" ---

    def reader_steps(self, w: World, i: int) -> Ways:
        r = w.readers[i]

        def to(at: str, w: World = w, **changes: object) -> World:
            readers = list(w.readers)
            readers[i] = readers[i]._replace(at=at, **changes)
            return w._replace(readers=tuple(readers))

        if r.at == "lock":
            if r.calls > 0:
                yield "calls, locks", to("take", w._replace(holder=i))
        elif r.at == "relock":
            yield "is back, locks", to("take", w._replace(holder=i))
        elif r.at == "take":
            notes = w.inbox if isinstance(w.inbox, tuple) else ()
            yield "takes the inbox", to("note", w._replace(inbox=()), notes=notes)
        elif r.at == "note":
            yield from self.note_steps(w, r, to)
        elif r.at == "refill":
            yield from self.refill_steps(w, r, to)
        elif r.at == "late note":
            d = w.ducts[r.duct]._replace(reader_noted=False)
            yield "takes the note late", to("pop", self.with_duct(w, r.duct, d))
        elif r.at == "pop":
            yield from self.pop_steps(w, r, to)
        elif r.at in {"tell", "push", "ring", "wake"}:
            yield from self.tell_steps(w, r, to)
        elif r.at == "leave":
            yield from self.leave_steps(w, to)
        elif r.at == "sleep again":
            if w.inbox in {(), ASLEEP}:
                y = w._replace(inbox=ASLEEP, holder=-1)
                yield "has the inbox sleep again", to("lock", y)
            else:  # a note came meanwhile: the leader shall look
                y = self.wake_leader(self.move_bell(w))
                yield "rings for a new note", to("lock", y._replace(holder=-1))
        elif r.at == "sleep":
            late = not self.has("owner sleeps in the inbox word")
            if late or w.inbox in {(), ASLEEP}:
                inbox = w.inbox if late and isinstance(w.inbox, tuple) else ASLEEP
                late = not self.has("bell taken before sleeping in the inbox")
                y = to("late bell" if late else "futex", w._replace(inbox=inbox))
                yield "sleeps in the inbox, unlocks", y._replace(holder=-1)
            else:
                yield "finds a note", to("take")
        elif r.at == "late bell":
            yield "takes the bell late", to("futex", moved=False)
        elif r.at == "futex":
            yield "futex_wait", to("relock" if r.moved else "asleep")
        elif r.at == "follow":
            yield "futex_wait", to("relock" if r.moved else "follows", moved=False)

    def tell_steps(self, w: World, r: Reader, to: To) -> Ways:
        """Tell the writer of the duct that there is room."""
        if r.at == "tell":
            noted = w.ducts[r.duct]._replace(writer_noted=True)
            at = "leave" if w.ducts[r.duct].writer_noted else "push"
            yield "notes", to(at, self.with_duct(w, r.duct, noted))
        elif r.at == "push":
            x = w.writers[r.duct]
            must_wake = x.inbox == ASLEEP
            y = self.with_writer(w, r.duct, x._replace(inbox=(r.duct,)))
            yield "pushes", to("ring" if must_wake else "leave", y)
        elif r.at == "ring":
            x = w.writers[r.duct]._replace(bell_moved=True)
            yield "moves the bell", to("wake", self.with_writer(w, r.duct, x))
        elif r.at == "wake":
            x = w.writers[r.duct]
            if x.at == "asleep":
                x = x._replace(at="note")
            yield "futex_wake", to("leave", self.with_writer(w, r.duct, x))

    def with_writer(self, w: World, k: int, x: Writer) -> World:
        return w._replace(writers=w.writers[:k] + (x,) + w.writers[k + 1 :])

    def note_steps(self, w: World, r: Reader, to: To) -> Ways:
        if not r.notes:
            yield "has no more notes", to("pop")
            return
        k, rest = r.notes[0], r.notes[1:]
        d = w.ducts[k]
        is_noted = not self.has("a note is taken before looking")
        d = d._replace(is_active=True, reader_noted=is_noted)
        yield "takes a note", to("note", self.with_duct(w, k, d), notes=rest)

    def refill_steps(self, w: World, r: Reader, to: To) -> Ways:
        """The duct looked empty: sleep in its tail word, if it still is."""
        d = w.ducts[r.duct]
        if d.written > d.read and self.has("reader sleeps in the tail word"):
            yield "finds a message after all", to("pop")
            return
        d = d._replace(reader_asleep=True, is_active=False)
        at = "pop" if self.has("a note is taken before looking") else "late note"
        yield "sleeps in the tail word", to(at, self.with_duct(w, r.duct, d))

    def pop_steps(self, w: World, r: Reader, to: To) -> Ways:
        active = [k for k, d in enumerate(w.ducts) if d.is_active]
        if active:
            k = active[0]
            d = w.ducts[k]
            if d.written == d.read:
                yield "finds a duct empty", to("refill", duct=k)
                return
            d = d._replace(read=d.read + 1)
            at = "leave"
            if d.read % self.low == 0:  # the exchange of the head word
                at = "tell" if d.writer_asleep else "leave"
                d = d._replace(reported=d.read, writer_asleep=False)
            y = self.with_duct(w, k, d)
            yield "pops", to(at, y, duct=k, calls=r.calls - 1)
        elif r.leads or not any(o.leads for o in w.readers):
            yield "leads, takes the bell", to("sleep", leads=True, moved=False, duct=-1)
        else:
            y = to("follow", moved=False, duct=-1)
            if self.has("inbox taken under the leader sleeps again"):
                if w.inbox not in {(), ASLEEP}:
                    yield "finds a note", to("take")
                    return
                y = y._replace(inbox=ASLEEP)
            yield "follows, unlocks", y._replace(holder=-1)

    def leave_steps(self, w: World, to: To) -> Ways:
        y = to("lock", leads=False, moved=False, notes=(), duct=-1)
        if not any(o.leads for o in y.readers):
            if self.has("leave wakes a follower"):
                y = self.wake_follower(y)
            yield "leaves, unlocks", y._replace(holder=-1)
            return
        if any(d.is_active for d in w.ducts) and self.has(
            "publishing rings for the leader"
        ):
            y = self.wake_leader(self.move_bell(y))
        if self.has("inbox taken under the leader sleeps again"):
            yield "leaves under a leader", self.keep_lock(y)
        else:
            yield "leaves, unlocks", y._replace(holder=-1)

    def keep_lock(self, w: World) -> World:
        readers = list(w.readers)
        readers[w.holder] = readers[w.holder]._replace(at="sleep again")
        return w._replace(readers=tuple(readers))


def check(setting: Setting) -> Result:
    protocol = Protocol(setting)
    return explore(protocol.start(), protocol.steps, protocol.stuck)
