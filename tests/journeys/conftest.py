"""The real program, run as a person runs it: own data folder, own documents, no network but loopback."""
import json
import os
import pathlib
import signal
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


summary = []  # Lines that tests want said at the end, also when they have passed.


def pytest_terminal_summary(terminalreporter):
    for line in summary:
        terminalreporter.write_line(line)


def find_program():
    for name in ("SLIPWAY_PROGRAM", "SLIPWAY_BINARY"):
        if os.environ.get(name):
            return pathlib.Path(os.environ[name]).resolve()
    return ROOT / "build" / "slipway"


def find_prefix():
    if os.environ.get("SLIPWAY_DEPS_PREFIX"):
        return pathlib.Path(os.environ["SLIPWAY_DEPS_PREFIX"])
    script = ROOT / "tools" / "deps" / "deps.sh"
    return pathlib.Path(subprocess.check_output([script, "--path"], text=True).strip())


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class Slipway:
    """`slipway("ask", "How long?")` in one working directory with its own data."""

    def __init__(self, program, prefix, folder, cache):
        self.program, self.prefix, self.folder = program, prefix, folder
        self.data = folder / "data"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "XDG_CACHE_HOME": str(cache),
            "LANG": "C.UTF-8",
            "SLIPWAY_MODELS": str(prefix / "models"),
            "SLIPWAY_ONNXRUNTIME": str(prefix / "lib" / "libonnxruntime.so.1"),
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        (folder / "home").mkdir()

    def use_own_cache(self):
        """For tests that install models: they must not be seen by others."""
        self.environment["XDG_CACHE_HOME"] = str(self.folder / "cache")

    def command(self, *arguments):
        return [str(self.program), *map(str, arguments), "--data", str(self.data)]

    def start(self, *arguments, environment=None, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        # A test run in the background inherits an ignored SIGINT, and the program would keep ignoring it.
        return subprocess.Popen(self.command(*arguments), cwd=self.folder,
                                env={**self.environment, **(environment or {})},
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **options)

    def __call__(self, *arguments, environment=None, timeout=60, stdin=None):
        process = self.start(*arguments, environment=environment, stdin=subprocess.PIPE)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Outcome(process.returncode, out.decode(), err.decode())

    def ok(self, *arguments, **options):
        outcome = self(*arguments, **options)
        assert outcome.code == 0, outcome
        return outcome

    def result(self, *arguments, **options):
        return self.ok(*arguments, "--json", **options).json

    def fails(self, code, *arguments, **options):
        outcome = self(*arguments, **options)
        assert outcome.code == code, outcome
        assert outcome.err, outcome
        return outcome

    def documents(self, collection="default"):
        return {pathlib.PurePath(d["path"]).name: d
                for d in self.result("documents", "list", "-c", collection, "--limit", 10000)["items"]}


@pytest.fixture(scope="session")
def program():
    path = find_program()
    assert path.is_file(), f"{path} is not there; run 'make build'"
    return path


@pytest.fixture(scope="session")
def prefix():
    path = find_prefix()
    assert (path / "models").is_dir(), f"{path} has no models; run 'make deps'"
    return path


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """Shared by all tests: what is known about the model files is found out once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def slipway(program, prefix, tmp_path, cache):
    return Slipway(program, prefix, tmp_path, cache)
