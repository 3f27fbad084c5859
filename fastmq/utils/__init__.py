# SPDX-License-Identifier: Apache-2.0
"""Helpers beside the main classes."""
