"""What stays of a program when everything in it is renamed: its shape.

Two programs have the same shape where they differ only in the names that they give,
in comments, docstrings and annotations, and in how constants are spelled. What they
take from elsewhere, `os.fork` and `print`, keeps its name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from hashlib import blake2b

# Programs with fewer statements than this are alike by chance: stubs, above all.
_SMALLEST = 12

_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPE = (*_FUNCTION, *_COMPREHENSION)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

# What an expression is for, which its place says already, and what is no code.
_IGNORED = {"ctx", "annotation", "returns", "type_comment", "type_ignores", "simple"}


def shape(source: bytes) -> str:
    """The number of statements and a digest, such as ``14.8c1d…``.

    Empty where the source cannot be parsed, or is too small for its shape to tell
    anything.
    """
    try:
        tree = ast.parse(source)
        statements = sum(isinstance(node, ast.stmt) for node in _code(tree))
        if statements < _SMALLEST:
            return ""
        words = "\n".join(_Shape(tree).words())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    digest = blake2b(words.encode(errors="surrogatepass"), digest_size=8)
    return f"{statements}.{digest.hexdigest()}"


def statements_of(shape: str) -> int:
    """How many statements the programs of a shape have."""
    return int(shape.partition(".")[0])


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    """What a node holds, without docstrings and what says nothing."""
    for name, value in ast.iter_fields(node):
        if name in _IGNORED or value is None or value == []:
            continue
        if name == "body" and isinstance(value, list) and _has_docstring(node):
            value = value[1:]
        yield name, value


def _has_docstring(node: ast.AST) -> bool:
    return isinstance(node, _DOCUMENTED) and ast.get_docstring(node, False) is not None


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for _, value in _fields(node):
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield item


def _code(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in _children(node):
        yield from _code(child)


class _Names:
    """The names that one scope gives, each with a number of its own."""

    def __init__(self, node: ast.AST, outer: _Names | None) -> None:
        given: set[str] = set()
        elsewhere: set[str] = set()
        _collect(node, given, elsewhere)
        self._numbers: dict[str, str | None] = dict.fromkeys(given - elsewhere)
        self._outer = outer
        self._count: list[int] = outer._count if outer else [0]

    def number(self, name: str) -> str:
        """What stands for a name: its number, or itself where nobody gave it here."""
        scope: _Names | None = self
        while scope is not None and name not in scope._numbers:
            scope = scope._outer
        if scope is None:
            return name
        known = scope._numbers[name]
        if known is None:
            self._count[0] += 1
            known = scope._numbers[name] = f"#{self._count[0]}"
        return known


def _collect(node: ast.AST, given: set[str], elsewhere: set[str]) -> None:
    """The names that are given in a scope, and those that it takes from others."""
    for child in _children(node):
        match child:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                given.add(name)
            case ast.arg(arg=name):
                given.add(name)
            case ast.alias(name=name, asname=asname):
                given.add(asname or name.partition(".")[0])
            case ast.ExceptHandler(name=str(name)):
                given.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                given.add(name)
            case ast.MatchMapping(rest=str(name)):
                given.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                elsewhere.update(names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                given.add(child.name)
        if not isinstance(child, _SCOPE):
            _collect(child, given, elsewhere)


class _Members:
    """Names that are given to parts of objects and to parameters, with numbers."""

    def __init__(self, tree: ast.AST) -> None:
        given: set[str] = set()
        for node in _code(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                given.add(node.attr)
            elif isinstance(node, ast.arg):
                given.add(node.arg)
            elif isinstance(node, ast.ClassDef):
                _collect(node, given, set())
        self._numbers: dict[str, str | None] = dict.fromkeys(given)
        self._count = 0

    def number(self, name: str) -> str:
        """What stands for a name: its number, or itself where nobody gave it here."""
        if name not in self._numbers:
            return name
        known = self._numbers[name]
        if known is None:
            self._count += 1
            known = self._numbers[name] = f".{self._count}"
        return known


class _Shape:
    """A program as words, the same for all programs of one shape."""

    def __init__(self, tree: ast.Module) -> None:
        self._members = _Members(tree)
        self._tree = tree

    def words(self) -> Iterator[str]:
        return self._of(self._tree, _Names(self._tree, None))

    def _of(self, node: ast.AST, names: _Names) -> Iterator[str]:
        if isinstance(node, ast.AnnAssign):
            # An annotation does nothing; what is left may be an assignment.
            if node.value is None:
                return
            node = ast.Assign(targets=[node.target], value=node.value)
        if isinstance(node, ast.alias):
            # The same module under another name is the same module.
            given = node.asname or node.name.partition(".")[0]
            yield f"{node.name} {names.number(given)}"
            return
        yield type(node).__name__
        inside = _Names(node, names) if isinstance(node, _SCOPE) else names
        for field, value in _fields(node):
            yield field
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.AST):
                    yield from self._of(item, inside)
                elif isinstance(item, str):
                    yield self._word(node, field, item, names, inside)
                else:
                    yield f"{type(item).__name__} {item!r}"
        yield "end"

    def _word(
        self, node: ast.AST, field: str, text: str, names: _Names, inside: _Names
    ) -> str:
        match node, field:
            case ast.Constant(), _:
                return repr(text)
            case ast.Attribute() | ast.keyword(), _:
                return self._members.number(text)
            case ast.ImportFrom(), _:
                return text
        is_own = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        return (names if is_own else inside).number(text)
