"""Starts a runner in any interpreter: `python start_runner.py FD PARENT_PID`, or `--check`.

Started by `runner_process` by its path, since the interpreter that a version names has no Interlock installed. It makes
this package importable there and nothing else of the server's environment. Exit code 78: the interpreter cannot run
models for Interlock, and a line on stderr says why.
"""

import sys

CANNOT = 78
"""As in sysexits.h: a configuration error."""

_NEEDED = ("msgspec", "numpy")


def main() -> int:
    """Check the interpreter, then hand over to `runner`."""
    # A script's folder is the first place to look for modules; ours are called like the frameworks they run.
    del sys.path[0]
    missing = _missing()
    if missing:
        print(f"{sys.executable}: {missing}", file=sys.stderr)
        return CANNOT
    if sys.argv[1:] == ["--check"]:
        return 0
    _find_this_package()
    from interlock.runtimes.runner import main as run

    return run(sys.argv[1:])


def _missing() -> str:
    from importlib.util import find_spec

    if sys.version_info < (3, 11):  # noqa: UP036 (this file runs in interpreters of any age)
        return f"Python {sys.version.split()[0]} is older than 3.11, which Interlock needs"
    packages = [name for name in _NEEDED if find_spec(name) is None]
    return f"lacks {' and '.join(packages)}; install with: {sys.executable} -m pip install {' '.join(packages)}" * bool(
        packages
    )


def _find_this_package() -> None:
    """Import `interlock` from where this file lies, whatever else the interpreter could find under that name."""
    import importlib.util
    import os

    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    start = os.path.join(root, "__init__.py")
    spec = importlib.util.spec_from_file_location("interlock", start, submodule_search_locations=[root])
    if spec is None or spec.loader is None:
        raise ImportError(f"no package interlock in {root}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["interlock"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    sys.exit(main())
