# SPDX-License-Identifier: Apache-2.0
"""Contexts: their life, their options, and the defaults they give to sockets."""

from __future__ import annotations

import copy
import pickle
import socket
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path

import pytest
from patterns.conftest import until


def test_life(zmq) -> None:
    ctx = zmq.Context()
    assert not ctx.closed
    assert ctx.underlying != 0
    ctx.term()
    assert ctx.closed
    assert ctx.underlying == 0
    ctx.term()
    ctx.destroy()


def test_with(zmq) -> None:
    with zmq.Context() as ctx, ctx.socket(zmq.PULL) as pull:
        assert not pull.closed
    assert ctx.closed
    assert pull.closed


def test_leaving_with_sockets_open(zmq) -> None:
    with pytest.warns(ResourceWarning, match="unclosed socket"), zmq.Context() as ctx:
        pull = ctx.socket(zmq.PULL)
    assert pull.closed
    assert ctx.closed


def test_destroy_closes_what_is_open(zmq) -> None:
    ctx = zmq.Context()
    sockets = [ctx.socket(kind) for kind in (zmq.PUSH, zmq.PULL, zmq.PAIR)]
    sockets[0].connect("tcp://127.0.0.1:9")
    ctx.destroy(linger=0)
    assert all(socket.closed for socket in sockets)


def test_arguments(zmq) -> None:
    with zmq.Context(io_threads=2) as ctx:
        assert ctx.io_threads == 2
    with zmq.Context(0) as ctx:
        assert ctx.get(zmq.IO_THREADS) == 0
    with pytest.raises(zmq.ZMQError) as info:
        zmq.Context(-1)
    assert info.value.errno == zmq.EINVAL
    with pytest.raises(TypeError):
        zmq.Context("1")


def test_options(zmq, ctx) -> None:
    assert ctx.get(zmq.MAX_SOCKETS) == 1023
    assert ctx.max_sockets == ctx.MAX_SOCKETS == 1023
    ctx.max_sockets = 100
    assert ctx.get(zmq.MAX_SOCKETS) == 100
    ctx.set(zmq.MAX_SOCKETS, 200)
    assert ctx.max_sockets == 200
    assert ctx.io_threads == 1
    assert ctx.get(zmq.SOCKET_LIMIT) == 65535
    for call in (lambda: ctx.get(9999), lambda: ctx.set(zmq.IO_THREADS, -1)):
        with pytest.raises(zmq.ZMQError) as info:
            call()
        assert info.value.errno == zmq.EINVAL
    with pytest.raises(TypeError):
        ctx.set(zmq.IO_THREADS, "1")


def thread_names() -> dict[Path, str]:
    names = {}
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            names[task] = (task / "comm").read_text().strip()
    return names


@pytest.mark.skipif(sys.platform != "linux", reason="threads by name in /proc")
@pytest.mark.parametrize(
    ("prefix", "name"),
    [(0, "fastmq/io/0"), (42, "42/io/0"), ("feed", "feed/io/0"), (b"abc", "abc/io/0")],
)
def test_names_of_threads(zmq, ours, prefix, name) -> None:
    if not ours:
        pytest.skip("an extension")
    before = thread_names()
    with zmq.Context() as ctx:
        ctx.set(zmq.THREAD_NAME_PREFIX, prefix)
        text = prefix.decode() if isinstance(prefix, bytes) else prefix
        assert ctx.get(zmq.THREAD_NAME_PREFIX) == ctx.thread_name_prefix == text
        with ctx.socket(zmq.PULL):
            # A thread names itself, when it runs; those of other tests may be ending.
            until(
                lambda: [
                    found
                    for task, found in thread_names().items()
                    if task not in before and found == name
                ]
            )


def test_thread_options(zmq, ctx) -> None:
    assert ctx.get(zmq.THREAD_SCHED_POLICY) == -1
    assert ctx.get(zmq.THREAD_NAME_PREFIX) == 0
    ctx.set(zmq.THREAD_PRIORITY, 0)
    ctx.set(zmq.THREAD_SCHED_POLICY, 0)
    assert ctx.get(zmq.THREAD_SCHED_POLICY) == 0
    ctx.set(zmq.THREAD_AFFINITY_CPU_ADD, 0)
    ctx.set(zmq.THREAD_AFFINITY_CPU_REMOVE, 0)
    ctx.set(zmq.THREAD_NAME_PREFIX, 7)
    assert ctx.get(zmq.THREAD_NAME_PREFIX) == 7
    for option, value in (
        (zmq.THREAD_PRIORITY, -1),
        (zmq.THREAD_SCHED_POLICY, -1),
        (zmq.THREAD_AFFINITY_CPU_ADD, -1),
        (zmq.THREAD_AFFINITY_CPU_REMOVE, 0),
        (zmq.MSG_T_SIZE, 64),
    ):
        with pytest.raises(zmq.ZMQError) as info:
            ctx.set(option, value)
        assert info.value.errno == zmq.EINVAL
    with ctx.socket(zmq.PULL):
        pass


def test_bad_options_are_named(zmq, ours, ctx) -> None:
    if not ours:
        pytest.skip("pyzmq names none")
    for call, name in (
        (lambda: ctx.set(zmq.THREAD_PRIORITY, -1), "THREAD_PRIORITY=-1"),
        (lambda: ctx.set(zmq.THREAD_NAME_PREFIX, "x" * 17), "THREAD_NAME_PREFIX='xx"),
        (lambda: ctx.set(9999, 1), "option 9999=1"),
        (lambda: ctx.get(9999), "option 9999"),
        (lambda: ctx.set(zmq.SOCKET_LIMIT, -1), "THREAD_PRIORITY=-1"),
    ):
        with pytest.raises(zmq.ZMQError, match=name) as info:
            call()
        assert info.value.errno == zmq.EINVAL


def test_affinity(zmq) -> None:
    with zmq.Context(2) as ctx, ctx.socket(zmq.PULL) as pull:
        for affinity in (1, 2, 3, 2):
            pull.affinity = affinity
            pull.bind("tcp://127.0.0.1:*")
        pull.affinity = 4
        with pytest.raises(zmq.ZMQError) as info:
            pull.bind("tcp://127.0.0.1:*")
        assert info.value.errno == zmq.EMTHREAD
        with pytest.raises(zmq.ZMQError) as info:
            pull.connect("tcp://127.0.0.1:9")
        assert info.value.errno == zmq.EMTHREAD
        pull.bind("inproc://needs-no-thread")
        with ctx.socket(zmq.PUSH) as push:
            push.affinity = 2
            pull.affinity = 2
            pull.bind("tcp://127.0.0.1:*")
            push.connect(pull.last_endpoint)
            push.send(b"served by the second thread")
            assert pull.recv() == b"served by the second thread"


@pytest.mark.skipif(sys.platform != "linux", reason="threads by name in /proc")
def test_affinity_chooses_the_thread(zmq, ours) -> None:
    """What comes for a socket is the work of the thread it asked for."""
    if not ours:
        pytest.skip("an extension")

    def switches(name: str) -> int:
        (task,) = (task for task, found in thread_names().items() if found == name)
        status = (task / "status").read_text()
        return int(status.split("voluntary_ctxt_switches:")[1].split()[0])

    names = {f"aff/io/{i}" for i in range(3)}
    with zmq.Context(3) as ctx:
        ctx.set(zmq.THREAD_NAME_PREFIX, "aff")
        with ctx.socket(zmq.PULL) as pull:
            until(lambda: names <= {*thread_names().values()})
            pull.affinity = 4
            pull.bind("tcp://127.0.0.1:*")
            host, _, port = pull.last_endpoint.decode()[6:].rpartition(":")
            before = switches("aff/io/2")
            for _ in range(500):  # a busy machine may not let it sleep in between
                with socket.create_connection((host, int(port))) as peer:
                    assert len(peer.recv(11)) > 0
                if switches("aff/io/2") >= before + 20:
                    break
            assert switches("aff/io/2") >= before + 20
            # They started, and that is all.
            assert max(switches(f"aff/io/{i}") for i in (0, 1)) < 10


def test_options_of_a_closed_context(zmq, ctx) -> None:
    ctx.term()
    for call in (
        lambda: ctx.get(zmq.IO_THREADS),
        lambda: ctx.set(zmq.IO_THREADS, 1),
        lambda: ctx.max_sockets,
    ):
        with pytest.raises(RuntimeError, match="Context has been destroyed"):
            call()
    with pytest.raises(zmq.ZMQError) as info:
        ctx.socket(zmq.PULL)
    assert info.value.errno == zmq.ENOTSUP


def test_defaults_of_sockets(zmq, ctx) -> None:
    ctx.linger = 5
    ctx.RCVTIMEO = 7
    ctx.setsockopt(zmq.SNDHWM, 9)
    # Not an option of the types below, and no reason to fail.
    ctx.subscribe = b""
    assert ctx.linger == ctx.LINGER == ctx.getsockopt(zmq.LINGER) == 5
    assert ctx.sockopts[zmq.SNDHWM] == 9
    with ctx.socket(zmq.PULL) as pull:
        assert (pull.linger, pull.rcvtimeo, pull.sndhwm) == (5, 7, 9)
    del ctx.linger
    with ctx.socket(zmq.PULL) as pull:
        assert pull.linger == -1
    for call in (lambda: ctx.linger, lambda: delattr(ctx, "linger")):
        with pytest.raises(AttributeError):
            call()
    with pytest.raises(KeyError):
        ctx.getsockopt(zmq.LINGER)


def test_a_default_of_the_wrong_type(zmq, ctx) -> None:
    made = []

    def make(ctx, kind):
        made.append(zmq.Socket(ctx, kind))
        return made[0]

    ctx.linger = "soon"
    with pytest.raises(TypeError):
        ctx.socket(zmq.PULL, make)
    made[0].close()


def test_unknown_attributes(ctx) -> None:
    with pytest.raises(AttributeError, match="Context has no such option: NOPE"):
        ctx.nope  # noqa: B018
    with pytest.raises(AttributeError, match="Context has no such option: NOPE"):
        ctx.nope = 1
    with pytest.raises(AttributeError, match="NOPE"):
        del ctx.nope
    assert not hasattr(ctx, "_private")
    with pytest.raises(AttributeError):
        ctx._private = 1


def test_attributes_of_subclasses(zmq) -> None:
    class Mine(zmq.Context):
        declared: int
        known = 0

    with Mine() as ctx:
        ctx.declared = 1
        ctx.known = 2
        assert (ctx.declared, ctx.known) == (1, 2)
        with pytest.raises(AttributeError):
            ctx.unknown = 3
        object.__setattr__(ctx, "unknown", 3)
        ctx.unknown = 4
        assert ctx.unknown == 4


def test_socket_arguments(zmq, ctx) -> None:
    with pytest.raises(zmq.ZMQError) as info:
        ctx.socket(999)
    assert info.value.errno == zmq.EINVAL
    with pytest.raises(TypeError):
        ctx.socket(-1)
    with pytest.raises(TypeError):
        ctx.socket("PULL")

    class Mine(zmq.Socket):
        pass

    with ctx.socket(zmq.PULL, socket_class=Mine) as pull:
        assert type(pull) is Mine
    with ctx.socket(zmq.PULL, lambda ctx, kind: zmq.Socket(ctx, kind)) as pull:
        assert pull.type == zmq.PULL
    ctx._socket_class = Mine
    with ctx.socket(zmq.PULL) as pull:
        assert type(pull) is Mine


def test_too_many_sockets(zmq, ctx) -> None:
    ctx.max_sockets = 3
    sockets = []
    with pytest.raises(zmq.ZMQError) as info:
        for _ in range(4):
            sockets.append(ctx.socket(zmq.PULL))
    assert info.value.strerror == "Too many open files"
    for made in sockets:
        made.close()


def test_representation(zmq, ctx) -> None:
    name = zmq.__name__
    assert repr(ctx).startswith(f"<{name}.Context() at 0x")
    with ctx.socket(zmq.PULL):
        assert "(1 socket)" in repr(ctx)
        with ctx.socket(zmq.PULL):
            assert "(2 sockets)" in repr(ctx)
    assert "()" in repr(ctx)
    ctx.term()
    assert repr(ctx).endswith(" closed>")

    class Mine(zmq.Context):
        pass

    with Mine() as mine:
        assert f"{__name__}.Mine()" in repr(mine)


def test_dir(zmq, ctx) -> None:
    assert {"IO_THREADS", "MAX_SOCKETS", "socket", "term"} <= set(dir(ctx))


def test_sockets_hold_their_context(zmq, ctx) -> None:
    with ctx.socket(zmq.PULL) as pull:
        assert pull.context is ctx


def test_instance(zmq) -> None:
    ctx = zmq.Context.instance()
    assert zmq.Context.instance(io_threads=7) is ctx
    ctx.term()
    other = zmq.Context.instance()
    assert other is not ctx
    assert not other.closed
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(zmq.Context.instance()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {other}
    other.term()


def test_instances_of_subclasses(zmq) -> None:
    class Shares(zmq.Context):
        pass

    class Own(zmq.Context):
        _instance = None

    ctx = zmq.Context.instance()
    own = Own.instance()
    assert Shares.instance() is ctx
    assert type(own) is Own
    assert Own.instance() is own
    assert zmq.Context.instance() is ctx
    own.term()
    ctx.term()


def test_shadows(zmq, ctx) -> None:
    for shadow in (
        zmq.Context.shadow(ctx.underlying),
        zmq.Context.shadow(ctx),
        zmq.Context(ctx),
        zmq.Context(shadow=ctx),
        copy.copy(ctx),
        copy.deepcopy(ctx),
    ):
        assert shadow is not ctx
        assert shadow.underlying == ctx.underlying
        with shadow.socket(zmq.PULL) as pull, ctx.socket(zmq.PUSH) as push:
            pull.bind("inproc://shadow")
            push.connect("inproc://shadow")
            push.send(b"x")
            assert pull.recv() == b"x"
            pull.unbind("inproc://shadow")
        del shadow
    assert not ctx.closed
    with pytest.raises(ValueError, match="Cannot cast"):
        zmq.Context.shadow("address")


def test_a_shadow_terminates_for_all(zmq, ours) -> None:
    ctx = zmq.Context()
    shadow = zmq.Context.shadow(ctx)
    shadow.term()
    assert shadow.closed
    with pytest.raises(zmq.ZMQError) as info:
        ctx.socket(zmq.PULL)
    assert info.value.errno == zmq.EFAULT
    if ours:
        ctx.term()
        assert ctx.closed
    else:
        # It would complain for ever.
        ctx._shadow = True


def test_what_cannot_be_done(ctx) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(ctx)
    assert weakref.ref(ctx)() is ctx
    assert len({ctx, ctx}) == 1
    assert ctx == ctx


def test_subscript(zmq) -> None:
    assert zmq.Context[zmq.Socket[bytes]]
    with zmq.SyncContext() as ctx, zmq.SyncSocket(ctx, zmq.PULL) as pull:
        assert type(pull) is zmq.Socket


def test_term_waits_for_the_sockets(zmq) -> None:
    ctx = zmq.Context()
    pull = ctx.socket(zmq.PULL)
    done = threading.Event()

    def terminate() -> None:
        ctx.term()
        done.set()

    thread = threading.Thread(target=terminate)
    thread.start()
    with pytest.raises(zmq.ContextTerminated) as info:
        pull.recv()
    assert info.value.errno == zmq.ETERM
    assert not done.is_set()
    with pytest.raises(zmq.ContextTerminated):
        pull.poll(1000)
    with pytest.raises(zmq.ContextTerminated):
        pull.bind("inproc://late")
    pull.close()
    assert done.wait(10)
    thread.join()


def test_term_for_a_while(zmq, ours) -> None:
    if not ours:
        pytest.skip("pyzmq waits for ever")
    ctx = zmq.Context()
    pull = ctx.socket(zmq.PULL)
    for timeout in (0, 10):
        with pytest.raises(zmq.ZMQError) as info:
            ctx.term(timeout)
        assert info.value.errno == zmq.ETIMEDOUT
        assert isinstance(info.value, zmq.TermTimeout)
        assert info.value.open_sockets == (zmq.PULL,)
        assert info.value.unsent == ()
        assert str(info.value) == "Connection timed out (PULL not closed)"
    with pytest.raises(zmq.ContextTerminated):
        pull.recv()
    pull.close()
    ctx.term(timeout=10_000)
    assert ctx.closed


def test_term_says_what_is_not_sent(zmq, ours, tmp_path) -> None:
    if not ours:
        pytest.skip("pyzmq waits for ever")
    ctx = zmq.Context()
    push = ctx.socket(zmq.PUSH)
    nobody = f"ipc://{tmp_path}/nobody"
    push.connect(nobody)
    for i in range(3):
        push.send_multipart([b"to nobody", b"%d" % i])
    push.disconnect(nobody)
    push.close()
    with pytest.raises(zmq.TermTimeout) as info:
        ctx.term(timeout=20)
    assert info.value.open_sockets == ()
    assert info.value.unsent == (zmq.Unsent(zmq.PUSH, nobody, 3),)
    assert info.value.unsent[0].messages == 3
    assert str(info.value) == (
        f"Connection timed out (PUSH to {nobody}: 3 messages unsent)"
    )
    again = pickle.loads(pickle.dumps(info.value))
    assert again.unsent == info.value.unsent
    assert str(again) == str(info.value)
    # What was begun goes on: somebody comes, and the context ends.
    with zmq.Context() as there, there.socket(zmq.PULL) as late:
        late.bind(nobody)
        ctx.term(timeout=20_000)
        got = [late.recv_multipart() for _ in range(3)]
        assert got == [[b"to nobody", b"%d" % i] for i in range(3)]


def test_term_counts_for_each_peer(zmq, ours) -> None:
    if not ours:
        pytest.skip("pyzmq waits for ever")
    ctx = zmq.Context()
    push = ctx.socket(zmq.PUSH)
    push.bind("tcp://127.0.0.1:*")
    there = zmq.Context()
    with there.socket(zmq.PULL) as pull:
        pull.rcvhwm = 1
        pull.connect(push.last_endpoint)
        # More than the buffers of both sides and of the kernel take.
        for _ in range(900):
            push.send(bytes(100_000))
        with pytest.raises(zmq.TermTimeout) as info:
            ctx.term(timeout=0)
        assert info.value.open_sockets == (zmq.PUSH,)
        (unsent,) = info.value.unsent
        assert unsent[:2] == (zmq.PUSH, "127.0.0.1")
        assert 0 < unsent.messages <= 900
        push.close()
        with pytest.raises(zmq.TermTimeout, match=r"PUSH to 127.0.0.1: \d+ messages"):
            ctx.term(timeout=0)
    there.term()
    ctx.term()


def test_term_ends_blocking_calls(zmq) -> None:
    ctx = zmq.Context()
    calls = {
        zmq.PULL: lambda socket: socket.recv(),
        zmq.PAIR: lambda socket: socket.recv_multipart(),
        zmq.PUSH: lambda socket: socket.send(b"x"),
        zmq.REQ: lambda socket: socket.poll(),
        zmq.REP: lambda socket: socket.recv(copy=False),
    }
    raised = {}

    def block(kind: int) -> None:
        with ctx.socket(kind, copy_threshold=None) as socket:
            socket.linger = 0
            started.release()
            try:
                calls[kind](socket)
            except zmq.ContextTerminated as error:
                raised[kind] = error.errno

    started = threading.Semaphore(0)
    threads = [threading.Thread(target=block, args=(kind,)) for kind in calls]
    for thread in threads:
        thread.start()
        started.acquire()
    ctx.term()
    for thread in threads:
        thread.join()
    assert raised == dict.fromkeys(calls, zmq.ETERM)


def test_messages_linger(zmq) -> None:
    with zmq.Context() as ctx, zmq.Context() as other:
        with other.socket(zmq.PULL) as pull:
            pull.rcvtimeo = 10_000
            port = pull.bind_to_random_port("tcp://127.0.0.1")
            with ctx.socket(zmq.PUSH) as push:
                push.connect(f"tcp://127.0.0.1:{port}")
                for i in range(100):
                    push.send(b"%d" % i)
            ctx.term()
            assert [pull.recv() for _ in range(100)] == [b"%d" % i for i in range(100)]


def test_no_linger(zmq, make) -> None:
    with zmq.Context() as ctx:
        push = ctx.socket(zmq.PUSH)
        push.connect("tcp://127.0.0.1:9")
        push.send(b"lost")
        push.close(linger=0)


def test_destroy_by_hand_is_quiet(zmq, recwarn) -> None:
    ctx = zmq.Context()
    pull = ctx.socket(zmq.PULL)
    ctx.destroy()
    assert pull.closed
    assert not recwarn.list


def test_destroy_lets_messages_linger(zmq) -> None:
    with zmq.Context() as other, other.socket(zmq.PULL) as pull:
        pull.rcvtimeo = 10_000
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        ctx = zmq.Context()
        push = ctx.socket(zmq.PUSH)
        push.connect(f"tcp://127.0.0.1:{port}")
        push.send(b"x" * 100_000)
        ctx.destroy(linger=10_000)
        assert len(pull.recv()) == 100_000


def test_only_sockets_made_here_are_destroyed(zmq, ctx) -> None:
    shadow = zmq.Context.shadow(ctx)
    with ctx.socket(zmq.PULL), shadow.socket(zmq.PULL):
        assert "(1 socket)" in repr(ctx)
        assert "(1 socket)" in repr(shadow)


def test_numbers_of_a_context(zmq, ctx) -> None:
    assert ctx.get(zmq.MSG_T_SIZE) == 64
    assert ctx.Io_Threads == ctx.IO_THREADS == 1
    assert ctx.get(zmq.MAX_MSGSZ) == (1 << 31) - 1
    for name in ("MAX_SOCKETS", "max_sockets", "Max_Sockets"):
        setattr(ctx, name, 77)
        assert ctx.get(zmq.MAX_SOCKETS) == 77


def test_a_context_that_does_not_block(zmq, ctx) -> None:
    assert ctx.get(zmq.BLOCKY) == 1
    ctx.set(zmq.BLOCKY, 0)
    with ctx.socket(zmq.PULL) as pull:
        assert pull.linger == 0


def test_defaults_are_per_object(zmq, ctx) -> None:
    shadow = zmq.Context.shadow(ctx)
    ctx.linger = 5
    with pytest.raises(AttributeError):
        shadow.linger  # noqa: B018
    with shadow.socket(zmq.PULL) as pull:
        assert pull.linger == -1


def test_keywords_of_sockets(zmq, ctx) -> None:
    with ctx.socket(zmq.PULL, copy_threshold=7) as pull:
        assert pull.copy_threshold == 7
    with pytest.raises(TypeError):
        ctx.socket(zmq.PULL, nope=1)


def test_the_instance_of_a_subclass_first(zmq, monkeypatch) -> None:
    monkeypatch.setattr(
        zmq.Context, "_instance", None
    )  # another test may have left one

    class Shares(zmq.Context):
        pass

    first = Shares.instance()
    assert type(first) is Shares
    assert Shares.instance() is first
    # The class above has none of its own yet.
    other = zmq.Context.instance()
    assert (other is first) is (zmq.Context.__dict__["_instance"] is first)
    first.term()
    other.term()


def test_instances_by_process(zmq) -> None:
    ctx = zmq.Context.instance()
    zmq.Context._instance_pid = -1
    other = zmq.Context.instance()
    assert other is not ctx
    other.term()
    ctx.term()


def test_a_shadow_of_nothing(zmq, ctx) -> None:
    ctx.term()
    for make in (zmq.Context.shadow, zmq.Context, copy.copy):
        with make(ctx) as other:
            assert not other.closed
            assert other.underlying != 0


def test_sockets_are_closed_while_the_context_ends(zmq, ours) -> None:
    """With a linger that is given only then."""
    if not ours:
        pytest.skip("libzmq takes none any more, and waits for ever")
    ctx = zmq.Context()
    push = ctx.socket(zmq.PUSH)
    push.connect("tcp://127.0.0.1:9")
    push.send(b"never delivered")
    ender = threading.Thread(target=ctx.term)
    ender.start()
    with pytest.raises(zmq.ContextTerminated):
        while True:
            push.poll(10)
    push.close(linger=0)
    ender.join()
