# SPDX-License-Identifier: Apache-2.0
r"""Handlers of the ``logging`` module that publish what is logged.

A record is a message of two parts: its topic, and the formatted text. The topic is
``ROOT.LEVEL.SUB``: the handler's root topic, if it has one; the level; and the
subtopic, if the logged message has one: ``logger.info("disk::is full")``.

>>> import logging
>>> import fastmq
>>> ctx = fastmq.Context.instance()
>>> with ctx.socket(fastmq.PUB) as pub, ctx.socket(fastmq.SUB) as sub:
...     bound, connected = pub.bind("inproc://log"), sub.connect("inproc://log")
...     sub.subscribe("engine.INFO")
...     handler = PUBHandler(pub, root_topic="engine")
...     handler.handle(logging.makeLogRecord(
...         {"levelno": 20, "levelname": "INFO", "msg": "disk::is full"}
...     ))
...     sub.recv_multipart()
True
[b'engine.INFO.disk', b'is full\n']
"""

from __future__ import annotations

import copy
import logging
from typing import Any

from ..constants import SocketType
from ..context import Context
from ..socket import Socket

__all__ = ["TOPIC_DELIM", "PUBHandler", "TopicLogger"]

# Between the subtopic and the text of a message.
TOPIC_DELIM = "::"

_PLACE = "%(levelname)s %(filename)s:%(lineno)d - %(message)s"
_FORMATS = {
    logging.DEBUG: f"{_PLACE}\n",
    logging.INFO: "%(message)s\n",
    logging.WARNING: f"{_PLACE}\n",
    logging.ERROR: f"{_PLACE} - %(exc_info)s\n",
    logging.CRITICAL: f"{_PLACE}\n",
}


class PUBHandler(logging.Handler):
    """Publishes what is logged.

    Args:
        interface_or_socket: An address to bind a new PUB socket to; or a socket.
        context: The context of the new socket; by default one of its own.
        root_topic: The first part of all topics; empty for none.

    ``formatters`` has a formatter for each level; ``socket`` and ``ctx`` are what their
    names say. The socket is the caller's: ``close`` leaves it open.
    """

    socket: Socket[Any]
    ctx: Context[Any]
    formatters: dict[int, logging.Formatter | None]

    def __init__(
        self,
        interface_or_socket: str | Socket[Any],
        context: Context[Any] | None = None,
        root_topic: str = "",
    ) -> None:
        super().__init__()
        # Of a subclass's making, perhaps.
        self.root_topic = root_topic
        self.formatters = {
            level: logging.Formatter(text) for level, text in _FORMATS.items()
        }
        if isinstance(interface_or_socket, Socket):
            self.socket = interface_or_socket
            self.ctx = self.socket.context
        else:
            self.ctx = context or Context()
            self.socket = self.ctx.socket(SocketType.PUB)
            self.socket.bind(interface_or_socket)

    @property
    def root_topic(self) -> str:
        """The first part of all topics; bytes are taken, too."""
        return self._root_topic

    @root_topic.setter
    def root_topic(self, value: str | bytes) -> None:
        self.setRootTopic(value)

    def setRootTopic(self, root_topic: str | bytes) -> None:
        """Set the first part of all topics.

        Args:
            root_topic: In UTF-8, if it is bytes; empty for none.
        """
        if isinstance(root_topic, bytes):
            root_topic = root_topic.decode("utf8")
        self._root_topic = root_topic

    def setFormatter(
        self, fmt: logging.Formatter | None, level: int = logging.NOTSET
    ) -> None:
        """Set the formatter of a level.

        Args:
            fmt: The formatter.
            level: The level; NOTSET is all of them.
        """
        if level == logging.NOTSET:
            for one in self.formatters:
                self.formatters[one] = fmt
        else:
            self.formatters[level] = fmt

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record, without its subtopic.

        Args:
            record: The record. For a level without a formatter, that of the next lower
                level serves.
        """
        lower = [level for level in self.formatters if level <= record.levelno]
        formatter = self.formatters[max(lower, default=min(self.formatters))]
        return (formatter or logging.Formatter()).format(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Publish a record.

        Args:
            record: The record. What goes wrong is shown by ``handleError``.
        """
        try:
            subtopic, text = _split(str(record.msg))
            # Other handlers get it as it was logged.
            record = copy.copy(record)
            record.msg = text
            levels = (self.root_topic, record.levelname, subtopic)
            topic = ".".join(part for part in levels if part)
            parts = [topic.encode("utf8"), self.format(record).encode("utf8")]
            self.socket.send_multipart(parts)
        except Exception:
            self.handleError(record)


def _split(message: str) -> tuple[str, str]:
    """Return the subtopic and the text of a message."""
    subtopic, delimiter, text = message.partition(TOPIC_DELIM)
    return (subtopic, text) if delimiter else ("", message)


class TopicLogger(logging.Logger):
    """A logger whose methods take a subtopic first: ``logger.info("disk", "full")``.

    To have ``logging.getLogger`` make such: ``logging.setLoggerClass(TopicLogger)``.
    """

    def log(  # type: ignore[override]
        self, level: int, topic: str, msg: str, *args: Any, **kwargs: Any
    ) -> None:
        """Log a message under a subtopic.

        Args:
            level: Its level.
            topic: Its subtopic.
            msg: The message.
            args: As for ``logging.Logger.log``.
            kwargs: The same.
        """
        super().log(level, *_joined(topic, msg, args), **_for_caller(kwargs))

    def debug(  # type: ignore[override]
        self, topic: str, msg: str, *args: Any, **kwargs: Any
    ) -> None:
        """Log a message under a subtopic at the level DEBUG.

        Args:
            topic: Its subtopic.
            msg: The message.
            args: As for ``logging.Logger.log``.
            kwargs: The same.
        """
        super().debug(*_joined(topic, msg, args), **_for_caller(kwargs))

    def info(  # type: ignore[override]
        self, topic: str, msg: str, *args: Any, **kwargs: Any
    ) -> None:
        """Log a message under a subtopic at the level INFO.

        Args:
            topic: Its subtopic.
            msg: The message.
            args: As for ``logging.Logger.log``.
            kwargs: The same.
        """
        super().info(*_joined(topic, msg, args), **_for_caller(kwargs))

    def warning(  # type: ignore[override]
        self, topic: str, msg: str, *args: Any, **kwargs: Any
    ) -> None:
        """Log a message under a subtopic at the level WARNING.

        Args:
            topic: Its subtopic.
            msg: The message.
            args: As for ``logging.Logger.log``.
            kwargs: The same.
        """
        super().warning(*_joined(topic, msg, args), **_for_caller(kwargs))

    def error(  # type: ignore[override]
        self, topic: str, msg: str, *args: Any, **kwargs: Any
    ) -> None:
        """Log a message under a subtopic at the level ERROR.

        Args:
            topic: Its subtopic.
            msg: The message.
            args: As for ``logging.Logger.log``.
            kwargs: The same.
        """
        super().error(*_joined(topic, msg, args), **_for_caller(kwargs))

    def critical(  # type: ignore[override]
        self, topic: str, msg: str, *args: Any, **kwargs: Any
    ) -> None:
        """Log a message under a subtopic at the level CRITICAL.

        Args:
            topic: Its subtopic.
            msg: The message.
            args: As for ``logging.Logger.log``.
            kwargs: The same.
        """
        super().critical(*_joined(topic, msg, args), **_for_caller(kwargs))

    def exception(  # type: ignore[override]
        self, topic: str, msg: str, *args: Any, exc_info: Any = True, **kwargs: Any
    ) -> None:
        """Log a message at the level ERROR, with the exception that is handled.

        Args:
            topic: Its subtopic.
            msg: The message.
            args: As for ``logging.Logger.exception``.
            exc_info: The same.
            kwargs: The same.
        """
        kwargs = _for_caller(kwargs)
        super().error(*_joined(topic, msg, args), exc_info=exc_info, **kwargs)

    warn = warning  # type: ignore[assignment]
    fatal = critical  # type: ignore[assignment]


def _joined(topic: str, msg: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return (f"{topic}{TOPIC_DELIM}{msg}", *args)


def _for_caller(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Have the place of the call be that of the logger's caller, not one in here."""
    return {**kwargs, "stacklevel": kwargs.get("stacklevel", 1) + 1}
