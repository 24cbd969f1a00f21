"""The house stands: which way imports run, how large its pieces are, and that a name means one thing."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import minisiamese

ROOT = Path(minisiamese.__file__).parent
FILES = {"/".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
FLOORS = (
    "book",
    "fast",
    "backbones",
    "runs",
    "evaluate",
    "predict",
    "train",
    "studies",
)  # each may import those before it
DOORS = ("bench", "demo")  # which nothing imports but itself
OF_MACHINES = (
    "errors",
    "checkpoint",
    "plots",
    "backend",
    "threads",
    "memory",
)  # flat files that are no part of the book


UNDER_DATA = ("backend", "threads", "memory", "errors")  # of the book
UNDER_COMMANDS = ("errors",)  # a program's first imports, which NumPy is none of
BEFORE_ALL = "__init__"  # which has the front doors prepared before a program imports anything else
FROM_PYTHON = ("predict/model", "predict/estimator", "train/__init__")  # what it hands out, once it is asked for
# a file that runs another as a program of its own, and does not import it
BY_NAME = {("backend", "bench/gpu"), ("data/__main__", "runs/look")}


def room(name):
    return name.partition("/")[0] if "/" in name else "book"


def imports(name):
    """The files that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: a relative import"
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Call):  # importlib.import_module("minisiamese.train.loop"), say
            found |= {
                each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
            }
    paths = {each.replace(".", "/").removeprefix("minisiamese/") for each in found if each.startswith("minisiamese.")}
    targets = {path for each in paths for path in (each, f"{each}/__init__") if path in FILES}
    return {target for target in targets - {name} if (name, target) not in BY_NAME}


GRAPH = {name: imports(name) for name in FILES}


def lines(names):
    return sum(len(FILES[name].read_text(encoding="utf-8").splitlines()) for name in names)


def functions():
    """(file, dotted name, node, the class it is a method of or None) of every function."""

    def below(node, where, owner):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{where}{child.name}", child, owner
                yield from below(child, f"{where}{child.name}.", None)
            elif isinstance(child, ast.ClassDef):
                yield from below(child, f"{where}{child.name}.", child)
            else:
                yield from below(child, where, owner)

    for name, tree in TREES.items():
        for where, node, owner in below(tree, "", None):
            yield name, where, node, owner


def test_no_import_goes_up():
    upward = []
    for name, targets in GRAPH.items():
        for target in targets:
            here, there = room(name), room(target)
            if there in DOORS:
                wrong = here != there
            elif here == "data":
                wrong = there != "data" and target not in UNDER_DATA
            elif here == "commands":
                wrong = there != "commands" and target not in UNDER_COMMANDS
            elif name == BEFORE_ALL:
                wrong = there != "commands" and target not in FROM_PYTHON
            elif here == "book":
                wrong = there != "book"
            else:
                wrong = here in FLOORS and there in FLOORS and FLOORS.index(there) > FLOORS.index(here)
            upward += [f"{name} -> {target}"] * wrong
    assert not upward


def test_no_import_goes_round():
    finished, path = set(), []

    def visit(name):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in finished:
            path.append(name)
            for target in sorted(GRAPH[name]):
                visit(target)
            finished.add(path.pop())

    for name in FILES:
        visit(name)


def test_every_room_says_what_is_in_it():
    folders = {room(name) for name in FILES} - {"book"}
    assert folders == {*FLOORS[1:], *DOORS, "data", "commands"}
    for folder in folders:
        docstring = ast.get_docstring(TREES[f"{folder}/__init__"])
        assert docstring and "; imported by " in docstring and "\n" not in docstring, folder


def test_the_book_is_read_in_an_evening():
    book = [name for name in FILES if "/" not in name and name not in (*OF_MACHINES, "__init__")]
    assert lines(book) < 1400
    needed, last = {"networks"}, set()
    while needed != last:
        last = needed
        needed = needed | {target for name in needed for target in GRAPH[name]}
    assert lines(needed) < 1100


def test_no_file_and_no_function_is_long():
    assert not [f"{name}: {lines([name])} lines" for name in FILES if lines([name]) > 300]
    lengths = {f"{name}: {where}": node.end_lineno - node.lineno + 1 for name, where, node, _ in functions()}
    assert not {where: length for where, length in lengths.items() if length > 50}


def builds_a_layer_or_a_network(name, where, node, owner):
    """Whether a function is the constructor of a layer or a network."""
    layers = {"layers", "convolution", "pooling", "siamese", "networks"}
    return (node.name == "__init__" and owner is not None) and (name in layers or room(name) in ("fast", "backbones"))


def test_no_function_takes_many_parameters():
    many = {}
    for name, where, node, owner in functions():
        arguments = node.args
        named = [each.arg for each in arguments.posonlyargs + arguments.args + arguments.kwonlyargs]
        count = len([each for each in named if each not in ("self", "cls")])
        if count > 7 and not builds_a_layer_or_a_network(name, where, node, owner):
            many[f"{name}: {where}"] = count
    assert not many


def test_a_name_means_one_thing():
    """No name is defined at the top of more than three modules, but for the front doors' ``main``; and ``load`` of the
    data sets, which is one and the same for all of them, counts once."""
    homes = defaultdict(list)
    for name, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                homes[node.name].append(name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    homes |= {
                        each.id: [*homes[each.id], name] for each in ast.walk(target) if isinstance(each, ast.Name)
                    }
    homes["load"] = {"data" if room(name) == "data" else name for name in homes["load"]}
    assert not {name: where for name, where in homes.items() if len(where) > 3 and name not in ("main", "__all__")}


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_definition_for_others_is_documented(name):
    """Every module, and every function and class at its top that has no underscore before its name."""
    assert ast.get_docstring(TREES[name]), name
    counted = Counter(
        node.name
        for node in TREES[name].body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and node.name != "main"
        and not ast.get_docstring(node)
    )
    assert not counted
