"""Prints the tests of CPython's own suites by file and class, inherited ones included, and runs none.

    python3.13 tests/python/names.py | diff - tests/python/cpython-3.13.tsv
"""

import ast
import importlib.util
import pathlib
import re

# The classes of test_threading. Its others repeat lock_tests, or check the arguments of constructors.
THREADING = {
    "ThreadTests", "ThreadJoinOnShutdown", "SubinterpThreadingTests", "ThreadingExceptionTests", "ExceptHookTests",
    "TimerTests", "MiscTestCase", "InterruptMainTests", "AtexitTests",
}

# The classes that are counted in each file. A test of both implementations, in Python and in C, counts once.
COUNTED = {
    "lock_tests": lambda name: name.endswith("Tests") and not name.startswith("Base"),
    "test_queue": lambda name: name.startswith("C") and name.endswith("Test"),
    "test_threading": THREADING.__contains__,
    "test_threading_local": lambda name: name == "ThreadLocalTest",
    "test_concurrent_futures": lambda name: re.fullmatch("FutureTests|ThreadPool.*Tests?", name),
}


def statements(file):
    """The statements of the file, or of all files of the folder."""
    spec = importlib.util.find_spec(f"test.{file}")
    folders = spec.submodule_search_locations
    files = sorted(pathlib.Path(folders[0]).glob("*.py")) if folders else [pathlib.Path(spec.origin)]
    return [item for path in files for item in ast.parse(path.read_text()).body]


def classes_of(file):
    """The classes; `create_executor_tests` makes one for each kind of pool, unless it is called with the kinds."""
    for item in statements(file):
        match item:
            case ast.ClassDef():
                yield item
            case ast.Expr(ast.Call(ast.Name("create_executor_tests"), [_, base], keywords=[])):
                name = re.sub("(Mixin|Tests|Test)$", "", base.id)
                yield ast.ClassDef(f"ThreadPool{name}Test", [base], [], [], [])


def tests(classes, name):
    """The names in the order of their declaration, the base's first."""
    bases = [base.id for base in classes[name].bases if isinstance(base, ast.Name)]
    inherited = [test for base in bases if base in classes for test in tests(classes, base)]
    own = [item.name for item in classes[name].body if isinstance(item, ast.FunctionDef)]
    return list(dict.fromkeys(inherited + [test for test in own if test.startswith("test")]))


for file, is_counted in COUNTED.items():
    classes = {item.name: item for item in classes_of(file)}
    for name in classes:
        if is_counted(name):
            for test in tests(classes, name):
                print(file, name, test, sep="\t")
