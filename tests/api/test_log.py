# SPDX-License-Identifier: Apache-2.0
"""Logging over sockets: topics, texts, and the command that shows them."""

from __future__ import annotations

import importlib
import io
import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from datetime import datetime
from typing import Any

import pytest


@pytest.fixture
def handlers(zmq: Any) -> Any:
    return importlib.import_module(f"{zmq.__name__}.log.handlers")


@pytest.fixture
def handler(zmq: Any, handlers: Any, pair: Any) -> Any:
    """A handler, whose attribute ``got`` receives what it publishes."""
    publisher, receiver = pair(zmq.PUSH, zmq.PULL)
    handler = handlers.PUBHandler(publisher)
    handler.got = receiver.recv_multipart
    handler.has_more = receiver.poll
    return handler


@pytest.fixture
def logger(handler: Any) -> Iterator[logging.Logger]:
    logger = logging.Logger("test", level=1)
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_levels(logger: Any, handler: Any) -> None:
    place = r"test_log.py"
    for level, name in logging._levelToName.items():
        if level == logging.NOTSET:
            continue
        logger.log(level, "text")
        topic, text = handler.got()
        assert topic.decode() == name
        if name == "INFO":
            assert text == b"text\n"
        else:
            assert text.decode().startswith(f"{name} {place}:")
            assert " - text" in text.decode()
            assert text.endswith(b"\n")


def test_subtopics(logger: Any, handler: Any) -> None:
    for message, topic, text in (
        ("sub::text::more", b"INFO.sub", b"text::more\n"),
        ("a.b::text", b"INFO.a.b", b"text\n"),
        ("::text", b"INFO", b"text\n"),
        ("text", b"INFO", b"text\n"),
        (("a", 3), b"INFO", b"('a', 3)\n"),
        (3, b"INFO", b"3\n"),
    ):
        logger.info(message)
        assert handler.got() == [topic, text]
    logger.info("%s of %d", "a::b", 3)
    assert handler.got() == [b"INFO", b"a::b of 3\n"]


def test_other_handlers_get_it_as_it_was(logger: Any, handler: Any) -> None:
    seen = io.StringIO()
    logger.addHandler(logging.StreamHandler(seen))
    logger.info("sub::text")
    assert seen.getvalue() == "sub::text\n"
    assert handler.got() == [b"INFO.sub", b"text\n"]


def test_root_topic(logger: Any, handler: Any, handlers: Any) -> None:
    handler.root_topic = "röt"
    logger.info("sub::text")
    assert handler.got() == ["röt.INFO.sub".encode(), b"text\n"]
    handler.setRootTopic(b"bytes")
    assert handler.root_topic == "bytes"

    class Mine(handlers.PUBHandler):
        """As programs do: the topic is found when it is needed."""

        root_topic = property(lambda self: "engine.3", lambda self, value: None)

    mine = Mine(handler.socket)
    logger.addHandler(mine)
    logger.removeHandler(handler)
    logger.info("text")
    assert handler.got() == [b"engine.3.INFO", b"text\n"]


def test_formatters(logger: Any, handler: Any) -> None:
    handler.setFormatter(logging.Formatter("all %(message)s"))
    handler.setFormatter(logging.Formatter("error %(message)s"), logging.ERROR)
    logger.info("a")
    logger.error("b")
    assert [handler.got()[1], handler.got()[1]] == [b"all a", b"error b"]
    assert sorted(handler.formatters) == [10, 20, 30, 40, 50]


def test_exceptions(logger: Any, handler: Any) -> None:
    try:
        raise KeyError("gone")
    except KeyError:
        logger.exception("sub::text")
    topic, text = handler.got()
    assert topic == b"ERROR.sub"
    assert b"KeyError: 'gone'" in text


def test_a_level_of_ones_own(
    logger: Any, handler: Any, ours: bool, monkeypatch: Any
) -> None:
    """Ours takes the next lower level's formatter; pyzmq drops the message."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger.log(35, "text")
    logger.info("after")
    if ours:
        topic, text = handler.got()
        assert topic == b"Level 35"
        assert text.startswith(b"Level 35 test_log.py:")
        logger.log(5, "low")
        logger.info("after")
        assert handler.got()[0] == b"INFO"
        assert handler.got()[0] == b"Level 5"
    assert handler.got() == [b"INFO", b"after\n"]


def test_new_sockets(zmq: Any, handlers: Any, ctx: Any, make: Any) -> None:
    handler = handlers.PUBHandler("inproc://log", ctx, "root")
    assert handler.ctx is ctx
    assert handler.socket.type == zmq.PUB
    receiver = make(zmq.SUB)
    receiver.subscribe("root.INFO")
    receiver.connect("inproc://log")
    record = logging.makeLogRecord({"levelno": 20, "levelname": "INFO", "msg": "x"})
    handler.handle(record)
    assert receiver.recv_multipart() == [b"root.INFO", b"x\n"]
    handler.close()
    assert not handler.socket.closed
    handler.socket.close()


def test_errors_are_handled(zmq: Any, handlers: Any, make: Any, ours: bool) -> None:
    """As of any other handler; in pyzmq that of a socket reaches who logs."""
    socket = make(zmq.PUSH)
    handler = handlers.PUBHandler(socket)
    handled: list[Any] = []
    handler.handleError = handled.append
    socket.close()
    logger = logging.Logger("closed")
    logger.addHandler(handler)
    with nullcontext() if ours else pytest.raises(zmq.ZMQError):
        logger.info("x")
    assert len(handled) == ours


class TestTopicLogger:
    """In pyzmq all but ``log`` raise TypeError."""

    def logger(self, handlers: Any, handler: Any) -> Any:
        logger = handlers.TopicLogger("topics")
        logger.addHandler(handler)
        handler.setFormatter(logging.Formatter("%(filename)s %(message)s"))
        return logger

    def test_log(self, handlers: Any, handler: Any) -> None:
        logger = self.logger(handlers, handler)
        logger.log(logging.INFO, "disk", "%d full", 3)
        topic, text = handler.got()
        assert topic == b"INFO.disk"
        assert text.endswith(b" 3 full")

    def test_methods(self, handlers: Any, handler: Any, ours: bool) -> None:
        if not ours:
            pytest.skip("they raise TypeError")
        logger = self.logger(handlers, handler)
        names = ("debug", "info", "warning", "warn", "error", "critical", "fatal")
        for name in (*names, "exception"):
            getattr(logger, name)("disk", "%d full", 3)
            topic, text = handler.got()
            levels = {"warn": "WARNING", "fatal": "CRITICAL", "exception": "ERROR"}
            assert topic.decode() == levels.get(name, name.upper()) + ".disk"
            assert text.startswith(b"test_log.py 3 full")


class TestViewer:
    """``python -m fastmq.log``."""

    @pytest.fixture
    def lines(self) -> Callable[..., Any]:
        command = importlib.import_module("fastmq.log.__main__")

        def make(*words: str) -> Callable[[Any], str]:
            now = datetime(2001, 2, 3, 4, 5, 6)
            arguments = command.parse(["tcp://127.0.0.1:1", *words])
            line: Callable[[Any], str] = command.Lines(arguments, lambda: now).line
            return line

        return make

    def test_lines(self, lines: Any) -> None:
        assert lines()([b"INFO.a", b"text\n"]) == "INFO.a | text"
        assert (
            lines("--separator", ": ")([b"A", b"b\xff", b"c\n"])
            == "A: b\N{REPLACEMENT CHARACTER}c"
        )
        plain = lines("--timestamp")([b"A", b"b"])
        assert plain == "2001-02-03 04:05:06 | A | b"
        assert lines("--timestamp", "--dateformat", "%H")([b"A", b"b"]) == "04 | A | b"
        aligned = lines("--align")
        assert [aligned([topic, b"x"]) for topic in (b"A", b"long", b"B")] == [
            "A | x",
            "long | x",
            "B    | x",
        ]
        colored = lines("--color")
        assert colored([b"root.ERROR.x", b"y"]) == "\x1b[31mroot.ERROR.x\x1b[0m | y"
        assert colored([b"none", b"y"]) == "none | y"

    def test_the_command(self, zmq: Any, handlers: Any, make: Any) -> None:
        """Either one's viewer shows what either one's handler publishes."""
        publisher = make(zmq.XPUB)
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        command = [sys.executable, "-m", "fastmq.log", f"tcp://127.0.0.1:{port}"]
        with subprocess.Popen(
            [*command, "-t", "INFO", "-t", "ERROR"], stdout=subprocess.PIPE, text=True
        ) as viewer:
            topics = {publisher.recv() for _ in range(2)}
            assert topics == {b"\x01INFO", b"\x01ERROR"}
            logger = logging.Logger("viewed")
            logger.addHandler(handlers.PUBHandler(publisher))
            logger.warning("not this")
            logger.info("sub::this")
            assert viewer.stdout is not None
            assert viewer.stdout.readline() == "INFO.sub | this\n"
            viewer.send_signal(signal.SIGINT)
            assert viewer.wait() == 0

    def test_help(self, capsys: Any) -> None:
        command = importlib.import_module("fastmq.log.__main__")
        with suppress(SystemExit):
            command.main(["--help"])
        assert "%Y-%m-%d" in capsys.readouterr().out
