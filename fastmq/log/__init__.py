# SPDX-License-Identifier: Apache-2.0
"""Logging over PUB sockets; ``python -m fastmq.log`` shows what is published."""
