"""Hashes of source code that comments, docstrings and layout do not change."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""Folder that the import packages lie in."""

PICTURES_ONLY = {
    "envs.cache",
    "envs.cameras",
    "envs.errors",
    "envs.image_effects",
    "envs.instruction_space",
    "envs.instructions",
    "envs.meshes",
    "envs.observation",
    "envs.picture",
    "envs.point_cloud",
    "envs.rendering",
    "envs.vulkan",
}
"""Modules that physics and outcomes do not depend on."""

_NO_PHYSICS = (
    "envs.demonstrations",
    "envs.objects.gallery",
    "envs.seeds",
    "envs.source_code",
    "envs.wrappers",
)


def code(module: str) -> str | None:
    """A module's code without comments, docstrings and layout; None if there is no such file."""
    path = ROOT / (module.replace(".", "/") + ".py")
    return _code_of(path) if path.exists() else None


def imported(module: str) -> set[str]:
    """Modules of `envs` that a module names in its imports, and what it imports from them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("envs"):
            names.add(str(node.module))
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def sha256(sources: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """Hash of codes by module."""
    return hashlib.sha256(json.dumps(sorted(dict(sources).items())).encode()).hexdigest()


@functools.cache
def physics_sha256() -> str:
    """Hash of all code that decides physics and outcomes, variations included."""
    sources = {}
    for path in sorted((ROOT / "envs").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if module not in PICTURES_ONLY and not module.startswith(_NO_PHYSICS):
            sources[module] = _code_of(path)
    return sha256(sources)


def _code_of(path: Path) -> str:
    return json.dumps(_as_data(ast.parse(path.read_text(encoding="utf-8"))))


def _as_data(node: object) -> object:
    """A syntax tree without docstrings as JSON, the same in all versions of Python.

    `ast.unparse` writes the same tree otherwise in other versions. Later ones have more fields,
    which are empty for what earlier ones can say: those are left out.
    """
    if isinstance(node, list):
        return [_as_data(each) for each in node if not _is_string(each)]
    if isinstance(node, ast.JoinedStr):  # early 3.12 has empty strings in it
        parts = [each for each in node.values if getattr(each, "value", None) != ""]
        return [type(node).__name__, _as_data(parts)]
    if isinstance(node, ast.AST):
        fields = {name: _as_data(value) for name, value in ast.iter_fields(node)}
        return [
            type(node).__name__,
            {name: value for name, value in fields.items() if value not in (None, [])},
        ]
    # Of an ellipsis, bytes and complex numbers, what they are written as.
    return node if isinstance(node, str | int | float | bool | None) else repr(node)


def _is_string(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
