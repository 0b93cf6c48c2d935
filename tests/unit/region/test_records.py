"""moto's back ends are touched with its records held: by ``records()``, or within an action of the API."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import underpass.twin

TWIN = Path(underpass.twin.__file__).parent

# What only actions of the API call, or a function that holds the records.
WITHIN_ACTIONS = {
    "services/ec2/patches.py": {"_free_public_address"},
    "services/ecs/launch.py": {"balancers_from"},
    "services/elbv2/attributes.py": {"check_logs"},
    "services/elbv2/target_groups.py": {"_load_balancer_arns", "_check_load_balancer"},
    "services/iam/callers.py": {"_session"},
    "services/iam/keys.py": {"_key", "_issue"},
    "services/iam/keys_behind.py": {"_bucket", "_of_secret", "_of_queue", "_of_topic"},
    "services/iam/managed.py": {"document"},
    "services/iam/resources.py": {
        *("_bucket", "_queue", "_topic", "_key", "_secret", "_function", "_repository"),
        *("key_arn", "_whole", "_with_path"),
    },
    "services/iam/sessions.py": {"_forget_ended"},
    "services/privatelink/endpoint_connections.py": {"_publish", "_topic"},
    "services/privatelink/endpoint_services.py": {"_backends"},
    "services/rds/patches.py": {"_backend", "_default_group"},
}


def _holds(node: ast.AST) -> bool:
    """Tell whether a function is decorated with ``records()``, or a block is one of it."""
    holders: list[ast.expr] = []
    if isinstance(node, ast.FunctionDef):
        holders = node.decorator_list
    elif isinstance(node, ast.With):
        holders = [item.context_expr for item in node.items]
    return any(ast.unparse(holder) == "records()" for holder in holders)


def _touches(node: ast.AST, function: str = "") -> Iterator[str]:
    """Yield the functions that use a ``..._backends`` outside ``records()``."""
    if _holds(node):
        return
    if isinstance(node, ast.FunctionDef):
        function = node.name
    name = getattr(node, "id", "") or getattr(node, "attr", "")
    if name.endswith("_backends") and not name.startswith("_"):
        yield function
    for child in ast.iter_child_nodes(node):
        yield from _touches(child, function)


def test_nobody_touches_motos_back_ends_without_its_records() -> None:
    found: dict[str, set[str]] = {}
    for path in TWIN.rglob("*.py"):
        functions = set(_touches(ast.parse(path.read_text())))
        if functions:
            found[str(path.relative_to(TWIN))] = functions
    assert found == WITHIN_ACTIONS
