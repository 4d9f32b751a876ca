"""Prints the tests of CPython's own suites by file and class, inherited ones included, without running any.

    python3.13 tests/python/names.py | diff - tests/python/cpython-3.13.tsv
"""

import ast
import importlib.util
import pathlib
import re

# Of test_threading. Its other classes ask again what lock_tests asks, and what a constructor says to arguments.
THREADING = {
    "ThreadTests", "ThreadJoinOnShutdown", "SubinterpThreadingTests", "ThreadingExceptionTests", "ExceptHookTests",
    "TimerTests", "MiscTestCase", "InterruptMainTests", "AtexitTests",
}

# Which classes of a file are run. What is asked of the implementation in Python is asked of that in C, too.
SUITES = {
    "lock_tests": lambda name: name.endswith("Tests") and not name.startswith("Base"),
    "test_queue": lambda name: name.startswith("C") and name.endswith("Test"),
    "test_threading": THREADING.__contains__,
    "test_threading_local": lambda name: name == "ThreadLocalTest",
    "test_concurrent_futures": lambda name: re.fullmatch("FutureTests|ThreadPool.*Tests?", name),
}


def statements(file):
    """Those of the file, or of all files of the folder."""
    spec = importlib.util.find_spec(f"test.{file}")
    folders = spec.submodule_search_locations
    files = sorted(pathlib.Path(folders[0]).glob("*.py")) if folders else [pathlib.Path(spec.origin)]
    return [item for path in files for item in ast.parse(path.read_text()).body]


def classes_of(file):
    """In a folder, `create_executor_tests` makes of some a class for each kind of pool, unless it is told the kinds."""
    for item in statements(file):
        match item:
            case ast.ClassDef():
                yield item
            case ast.Expr(ast.Call(ast.Name("create_executor_tests"), [_, base], keywords=[])):
                name = re.sub("(Mixin|Tests|Test)$", "", base.id)
                yield ast.ClassDef(f"ThreadPool{name}Test", [base], [], [], [])


def tests(classes, name):
    """The names in the order in which they are declared, the base's first."""
    bases = [base.id for base in classes[name].bases if isinstance(base, ast.Name)]
    inherited = [test for base in bases if base in classes for test in tests(classes, base)]
    own = [item.name for item in classes[name].body if isinstance(item, ast.FunctionDef)]
    return list(dict.fromkeys(inherited + [test for test in own if test.startswith("test")]))


for file, is_run in SUITES.items():
    classes = {item.name: item for item in classes_of(file)}
    for name in classes:
        if is_run(name):
            for test in tests(classes, name):
                print(file, name, test, sep="\t")
