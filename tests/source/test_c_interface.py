# SPDX-License-Identifier: Apache-2.0
"""zmq.h is libzmq's interface: its functions, its numbers, in C and in C++."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import zmq
from source.tree import CSRC, ROOT, complain

INCLUDE = CSRC / "include"
STABLE = """
    atomic_counter_dec atomic_counter_destroy atomic_counter_inc atomic_counter_new
    atomic_counter_set atomic_counter_value bind close connect ctx_destroy ctx_get
    ctx_new ctx_set ctx_shutdown ctx_term curve_keypair curve_public device
    disconnect errno getsockopt has init msg_close msg_copy msg_data msg_get
    msg_gets msg_init msg_init_data msg_init_size msg_more msg_move msg_recv
    msg_send msg_set msg_size poll proxy proxy_steerable recv recviov recvmsg send
    send_const sendiov sendmsg setsockopt sleep socket socket_monitor
    stopwatch_intermediate stopwatch_start stopwatch_stop strerror term threadclose
    threadstart timers_add timers_cancel timers_destroy timers_execute timers_new
    timers_reset timers_set_interval timers_timeout unbind version z85_decode
    z85_encode
"""
DRAFT = """
    connect_peer ctx_get_ext ctx_set_ext disconnect_peer join leave msg_group
    msg_init_buffer msg_routing_id msg_set_group msg_set_routing_id poller_add
    poller_add_fd poller_destroy poller_fd poller_modify poller_modify_fd poller_new
    poller_remove poller_remove_fd poller_size poller_wait poller_wait_all ppoll
    socket_get_peer_state socket_monitor_pipes_stats socket_monitor_versioned
"""
DRAFT_SWITCH = "#define ZMQ_BUILD_DRAFT_API\n"
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
LANGUAGES = [
    ("cc", "c", "c99"),
    ("cc", "c", "c11"),
    ("c++", "c++", "c++98"),
    ("c++", "c++", "c++11"),
    ("c++", "c++", "c++20"),
]
# Written the way C++ programs use it; compiled as C as well.
PROGRAM = """
#include <zmq.h>
#include <zmq_utils.h>
#include <fastmq.h>

int
main(void)
{
    zmq_msg_t message;
    zmq_pollitem_t item = {NULL, 0, ZMQ_POLLIN, 0};
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_PAIR);

    item.socket = socket;
    zmq_msg_init(&message);
    (void)zmq_poll(&item, 1, 0);
    return zmq_msg_close(&message) + zmq_close(socket) + zmq_ctx_term(context);
}
"""


def words(text: str) -> set[str]:
    return set(text.split())


def preprocessed(switch: str, *options: str) -> str:
    """Return zmq.h as the compiler sees it."""
    done = subprocess.run(
        ["cc", "-E", *options, f"-I{INCLUDE}", "-x", "c", "-"],
        input=f"{switch}#include <zmq.h>\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def declared(switch: str) -> set[str]:
    return set(re.findall(r"\bzmq_(\w+)\(", preprocessed(switch))) - {
        "free_fn",
        "thread_fn",
        "timer_fn",
    }


def macros(switch: str) -> dict[str, str]:
    text = preprocessed(switch, "-dM")
    return dict(re.findall(r"^#define (ZMQ_\w+) (.+)$", text, re.MULTILINE))


def value(name: str, known: dict[str, str]) -> int:
    text = known[name]
    return value(text, known) if text in known else int(text.strip("()"), 0)


def test_the_functions_are_libzmqs() -> None:
    assert declared("") == words(STABLE)
    assert declared(DRAFT_SWITCH) == words(STABLE + DRAFT)


def test_the_numbers_are_libzmqs() -> None:
    """Compare with those that pyzmq has, which knows the drafts as well."""
    known = macros(DRAFT_SWITCH)
    enums = (
        (zmq.SocketType, ""),
        (zmq.SocketOption, ""),
        (zmq.ContextOption, ""),
        (zmq.MessageOption, ""),
        (zmq.Flag, ""),
        (zmq.PollEvent, ""),
        (zmq.Event, "EVENT_"),
        (zmq.SecurityMechanism, ""),
        (zmq.ReconnectStop, "RECONNECT_STOP_"),
        (zmq.RouterNotify, "NOTIFY_"),
        (zmq.NormMode, "NORM_"),
        (zmq.DeviceType, ""),
    )
    wrong = []
    n_same = 0
    for members, prefix in enums:
        for name, member in members.__members__.items():
            macro = f"ZMQ_{prefix}{name}"
            macro = macro if macro in known else f"ZMQ_{name}"
            if name.startswith("PROTOCOL_ERROR"):
                macro = f"ZMQ_{name}"
            if macro in known and re.fullmatch(r"\w+", known[macro]):
                n_same += 1
                if value(macro, known) != member.value:
                    wrong.append(f"{macro} is {known[macro]}, not {member.value}")
    complain("numbers that are not libzmq's", wrong)
    assert n_same > 150


@pytest.mark.parametrize(
    ("compiler", "language", "standard"), LANGUAGES, ids=lambda part: str(part)
)
@pytest.mark.parametrize("switch", ["", DRAFT_SWITCH], ids=["stable", "draft"])
def test_a_program_compiles(
    compiler: str, language: str, standard: str, switch: str, tmp_path: Path
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    source = tmp_path / f"program.{'c' if language == 'c' else 'cc'}"
    source.write_text(switch + PROGRAM, encoding="utf-8")
    # Drafts need sigset_t, which strict C hides.
    options = [f"-std={standard}", "-D_POSIX_C_SOURCE=200809L", f"-I{INCLUDE}"]
    command = [compiler, *options, *WARNINGS, "-fsyntax-only", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_function_has_its_test() -> None:
    tests = "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "tests" / "c").glob("test_zmq_*.c"))
    )
    complain(
        "functions of zmq.h that no test/c/test_zmq_*.c calls",
        [
            f"zmq_{name}"
            for name in sorted(words(STABLE + DRAFT))
            if not re.search(rf"\bzmq_{name}\(", tests)
        ],
    )
