# SPDX-License-Identifier: Apache-2.0
"""Encrypt with CURVE, and let in only those whose certificates are in a folder.

Prints::

    known client: hello
    stranger: refused with status 400
"""

import tempfile
from pathlib import Path

import fastmq as zmq
from fastmq.auth import create_certificates, load_certificate
from fastmq.auth.thread import ThreadAuthenticator
from fastmq.utils.monitor import recv_monitor_message


def join(client: zmq.Socket[bytes], secret_file: Path, server_file: Path) -> None:
    """Give a client its own keys, and the one that the server must have."""
    client.curve_publickey, secret = load_certificate(secret_file)
    assert secret is not None
    client.curve_secretkey = secret
    client.curve_serverkey, _ = load_certificate(server_file)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, zmq.Context() as context:
        folder = Path(name)
        for who in ("server", "client", "stranger"):
            create_certificates(folder, who)
        welcome = folder / "welcome"
        welcome.mkdir()
        (folder / "client.key").rename(welcome / "client.key")

        authenticator = ThreadAuthenticator(context)
        authenticator.start()
        authenticator.configure_curve(domain="*", location=str(welcome))
        with (
            context.socket(zmq.PULL) as server,
            context.socket(zmq.PUSH) as client,
            context.socket(zmq.PUSH) as stranger,
        ):
            server.curve_publickey, secret = load_certificate(
                folder / "server.key_secret"
            )
            assert secret is not None
            server.curve_secretkey = secret
            server.curve_server = True
            port = server.bind_to_random_port("tcp://127.0.0.1")

            join(client, folder / "client.key_secret", folder / "server.key")
            client.connect(f"tcp://127.0.0.1:{port}")
            client.send_string("hello")
            print("known client:", server.recv_string())

            join(stranger, folder / "stranger.key_secret", folder / "server.key")
            stranger.linger = 0
            with server.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH) as monitor:
                stranger.connect(f"tcp://127.0.0.1:{port}")
                event = recv_monitor_message(monitor)
                print("stranger: refused with status", event["value"])
                server.disable_monitor()
        authenticator.stop()


if __name__ == "__main__":
    main()
