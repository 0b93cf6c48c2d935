"""The patterns of .dockerignore."""

from __future__ import annotations

import pytest

from underpass.twin.services.ecr import bundles


@pytest.mark.parametrize(
    ("pattern", "path", "left_out"),
    [
        ("*.log", "a.log", True),
        ("*.log", "sub/a.log", False),
        ("**/*.log", "sub/deep/a.log", True),
        ("**/*.log", "a.log", True),
        ("tmp", "tmp/anything/below", True),
        ("/tmp/", "tmp", True),
        ("tmp", "tmpfile", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[ab].txt", "a.txt", True),
        ("[ab].txt", "c.txt", False),
        ("# a comment", "# a comment", False),
        ("", "anything", False),
        ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README.md", "other.md", True),
        ("*\n!src", "src/app.py", False),
        ("*\n!src", "secrets", True),
        (".", "anything", False),
        ("!.venv", ".venv", True),
        ("", "sub/__pycache__", True),
    ],
)
def test_dockerignore_patterns(pattern: str, path: str, left_out: bool) -> None:
    assert bundles.ignored(pattern).matches(path) is left_out
