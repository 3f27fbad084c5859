# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: ``python -m bench`` from the top of the checkout."""
