"""What a program imports before it does anything else.

To import costs a short program more than all else that it does: 2 milliseconds for
``threading``, 50 for ``asyncio``, in each of its runs. So a zygote imports once what
its programs begin with, see `zygote`, and for them it is as if they had done so
themselves: nothing in them runs before their first imports, and what those import
neither prints nor starts nor opens anything that stays. Where that is not certain of a
module, the program imports it, and all that come after, itself.
"""

from __future__ import annotations

import ast
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

# Packages of the standard library that only define things when they are imported, and
# that programs of processes, files and sockets use.
QUIET = frozenset((
    "abc", "argparse", "array", "ast", "asyncio", "atexit", "base64", "bisect",
    "builtins", "codecs", "collections", "concurrent", "contextlib", "contextvars",
    "copy", "ctypes", "dataclasses", "datetime", "decimal", "enum", "errno", "fcntl",
    "fnmatch", "fractions", "functools", "gc", "glob", "hashlib", "heapq", "inspect",
    "io", "itertools", "json", "keyword", "linecache", "locale", "math", "mmap",
    "multiprocessing", "numbers", "operator", "os", "pathlib", "pickle", "pprint",
    "pty", "pwd", "queue", "random", "re", "resource", "secrets", "select", "selectors",
    "shlex", "shutil", "signal", "socket", "socketserver", "stat", "statistics",
    "string", "struct", "subprocess", "sys", "sysconfig", "tempfile", "termios",
    "textwrap", "threading", "time", "traceback", "tty", "types", "typing", "uuid",
    "warnings", "weakref", "zlib",
))  # fmt: skip

# A zygote has these anyway.
ALWAYS_THERE = frozenset(("builtins", "errno", "fcntl", "gc", "io", "os", "signal"))
ALWAYS_THERE |= {"os.path", "resource", "sys", "termios", "time"}

_LIBRARY = Path(os.__file__).parent

Statement = ast.Import | ast.ImportFrom


def first_imports_of(file: str) -> tuple[str, ...]:
    """The modules that the program in a file imports first; none without a program."""
    try:
        source = Path(file).read_bytes()
    except OSError:
        return ()
    return first_imports(source, Path(file).parent)


def first_imports(source: bytes, folder: Path | None = None) -> tuple[str, ...]:
    """The modules that a program imports first, sorted; none where it is no program.

    `folder` is where it lies: what is there comes before the standard library. Without
    one it lies alone.
    """
    if folder is not None and _hides_the_library(folder):
        return ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: set[str] = set()
    for statement in body:
        if isinstance(statement, Statement):
            modules = [*_modules(statement)]
            if not all(module.partition(".")[0] in QUIET for module in modules):
                break
            found.update(modules)
        elif not _does_nothing(statement):
            break
    return tuple(sorted(found - ALWAYS_THERE))


def _modules(statement: Statement) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        yield from (name.name for name in statement.names)
    elif statement.level:
        yield "."  # a package's own
    elif statement.module != "__future__":
        module = statement.module or "."
        yield module
        for name in statement.names:
            file = _LIBRARY.joinpath(*module.split("."), name.name)
            if file.with_suffix(".py").exists() or (file / "__init__.py").exists():
                yield f"{module}.{name.name}"


def _hides_the_library(folder: Path) -> bool:
    """Whether something there would be imported in place of a module of the library.

    By the program, or by another module that it imports.
    """
    try:
        names = {name.partition(".")[0] for name in os.listdir(folder)}
    except OSError:
        return True
    return not names.isdisjoint(sys.stdlib_module_names)


def _does_nothing(statement: ast.stmt) -> bool:
    """Whether all that it does is to give something a name, at most."""
    match statement:
        case ast.Expr(ast.Constant()):
            return True
        case ast.Assign([ast.Name()], ast.Constant()):
            return True
        case ast.FunctionDef(decorator_list=[]):
            # Defaults, and of what types all that is, are worked out here and now.
            now = [statement.args, statement.returns or ast.Pass()]
            parts = (part for node in now for part in ast.walk(node))
            return not any(isinstance(part, ast.Call) for part in parts)
    return False
