"""A container as a process that sees only what a container would.

A sandbox has a tmpfs as root, the host's programs read-only, its own /proc, /dev, /tmp and /run, the
application's folder as an overlay whose changes live in memory, and volumes. No capabilities, nor a way
to regain them. There is no memory limit: cgroups are not an ordinary user's to make, and RLIMIT_AS breaks
every runtime that reserves address space (JVM, Node, Go).

These modules run by themselves, in an interpreter that must start fast: they import neither the rest of the
package nor what is slow to import, such as pathlib and contextlib.
"""
