"""What imports what below climate/, read from the source code without running it."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "climate"
REGISTRY = "forecasters.registry"


def name_of(path: Path) -> str:
    """Dotted name of a file below climate/, "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def _for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports_in(tree: ast.AST, *, types: bool = True) -> set[str]:
    """Names below climate/ that code imports anywhere, inside functions too; `from x import y` gives x and x.y.

    Without `types`, imports for type checkers alone are left out.
    """
    names: set[str] = set()
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        if not types and _for_type_checkers(node):
            continue
        nodes.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("climate.") for name in names if name.startswith("climate.")}


@cache
def imports_of(module: str, *, types: bool = True) -> frozenset[str]:
    """`imports_in` of one module."""
    return frozenset(imports_in(ast.parse(MODULES[module].read_text(encoding="utf-8")), types=types))


def inside(name: str, *parts: str) -> bool:
    """Whether a module is one of `parts` or below one."""
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def notebook_imports(path: Path) -> set[str]:
    """`imports_in` of the code cells of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    lines = ["pass" if line.startswith(("%", "!")) else line for line in code.splitlines()]
    return imports_in(ast.parse("\n".join(lines)))
