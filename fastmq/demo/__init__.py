# SPDX-License-Identifier: Apache-2.0
"""The main job of the package: ``python -m fastmq demo [PATH]``.

A pipeline of real processes on real input. A ventilator pushes the lines of every text
file under PATH to worker processes, which count words; a sink merges what they found
and proves that every line came through exactly once.

======== =========== ==================================================================
module   runs in     what it does
======== =========== ==================================================================
cli      the command arguments, exit status
run      the command starts the processes, watches them, compares, clears up
child    the command a child process as seen from the command
display  the command progress on a terminal (rich) or as plain lines
roles    children    ventilator, worker, sink and the direct computation
orders   children    what a child hears from the command and reports to it
corpus   everywhere  files, batches of lines, words, checksums
======== =========== ==================================================================
"""
