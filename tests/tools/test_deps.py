"""tools/deps/deps.sh with one pin and a registry client that is a script: no network, and every way to go wrong."""
import hashlib
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
GOOD = b"the bytes that were pinned"
FILE = "thing-1.0-py3-none-any.whl"


class Deps:
    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(ROOT / "tools/deps", folder / "deps")
        (folder / "deps/apt.txt").write_text("# none\n")
        (folder / "bin").mkdir()
        self.pin("pypi-wheel", "thing", "1.0", FILE)
        self.client(f"printf '{GOOD.decode()}' >\"$folder/{FILE}\"")

    def pin(self, kind, name, version, file, content=GOOD):
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "deps/pins.txt").write_text(f"# pins\n{kind} {name} {version} {file} {digest}\n")

    def client(self, body):
        """`python3 -m pip download ... -d FOLDER NAME` runs this; each call is noted."""
        script = self.folder / "bin/python3"
        script.write_text("#!/bin/bash\nwhile [ \"$1\" != -d ]; do shift; done\nfolder=$2\n"
                          f"echo called >>{self.folder}/calls\n{body}\n")
        script.chmod(0o755)

    def calls(self):
        calls = self.folder / "calls"
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    def run(self, *arguments):
        environment = {**os.environ, "SLIPWAY_DEPS": str(self.folder / "cache"), "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        return subprocess.run([self.folder / "deps/deps.sh", *arguments], capture_output=True, text=True, env=environment)


@pytest.fixture
def deps(tmp_path):
    return Deps(tmp_path)


def test_a_corrupted_download_is_refused_and_removed(deps):
    deps.client(f"printf corrupted >\"$folder/{FILE}\"")
    done = deps.run()
    assert done.returncode == 1
    assert f"{FILE} is not what tools/deps/pins.txt pins" in done.stderr
    assert hashlib.sha256(b"corrupted").hexdigest() in done.stderr
    assert list((deps.folder / "cache/downloads").iterdir()) == []


def test_a_package_that_cannot_be_had_is_named_with_what_the_client_said(deps):
    deps.client("echo 'ERROR: No matching distribution found for thing==1.0' >&2; exit 1")
    done = deps.run()
    assert done.returncode == 1
    assert "thing 1.0 cannot be had" in done.stderr
    assert "No matching distribution" in done.stderr


def test_another_file_than_the_pinned_one_is_named(deps):
    deps.client("printf x >\"$folder/other.whl\"")
    done = deps.run()
    assert done.returncode == 1
    assert f"the client brought 'other.whl', not '{FILE}'" in done.stderr


def test_an_unknown_kind_of_pin_is_named(deps):
    deps.pin("npm", "thing", "1.0", FILE)
    done = deps.run()
    assert done.returncode == 1
    assert "'npm' is not a kind of package" in done.stderr


def test_what_was_fetched_is_not_fetched_again_when_a_later_step_failed(deps):
    first, second = deps.run(), deps.run()  # The file is no wheel, so unpacking fails, after the download.
    assert first.returncode != 0 and second.returncode != 0
    assert "unpacking ONNX Runtime" in second.stderr
    assert deps.calls() == 1


def test_a_file_that_rotted_in_the_cache_is_fetched_again(deps):
    deps.run()
    (deps.folder / "cache/downloads" / FILE).write_bytes(b"rotten")
    deps.run()
    assert deps.calls() == 2
    assert (deps.folder / "cache/downloads" / FILE).read_bytes() == GOOD


def test_a_changed_pin_or_patch_moves_the_prefix_and_a_changed_comment_does_not(deps):
    before = deps.run("--path").stdout
    pins = deps.folder / "deps/pins.txt"
    pins.write_text("# another comment\n" + pins.read_text())
    assert deps.run("--path").stdout == before
    patch = deps.folder / "deps/patches/llama-barrier.patch"
    text = patch.read_text()
    patch.write_text(text.replace("1000", "2000"))
    assert deps.run("--path").stdout != before
    patch.write_text(text)
    assert deps.run("--path").stdout == before
    deps.pin("pypi-wheel", "thing", "1.1", FILE)
    assert deps.run("--path").stdout != before


def test_a_missing_debian_package_is_named_where_there_is_no_way_to_install_it(deps):
    apt = deps.folder / "bin/apt-get"
    apt.write_text("#!/bin/bash\n[ \"$1\" = update ] && exit 0\necho 'E: Unable to locate package no-such-package'; exit 100\n")
    apt.chmod(0o755)
    sudo = deps.folder / "bin/sudo"
    sudo.write_text('#!/bin/bash\nexec "$@"\n')
    sudo.chmod(0o755)
    done = deps.run("--apt", "no-such-package")
    assert done.returncode == 1
    assert "apt-get could not install no-such-package" in done.stderr
    assert "E: Unable to locate package" in done.stderr


def test_a_filled_cache_needs_no_client(deps):
    prefix = pathlib.Path(deps.run("--path").stdout.strip())
    (prefix / ".stamps").mkdir(parents=True)
    (prefix / ".stamps/all").touch()
    done = deps.run()
    assert (done.returncode, done.stdout.strip()) == (0, str(prefix))
    assert deps.calls() == 0


def node(deps, version):
    script = deps.folder / "bin/node"
    script.write_text(f"#!/bin/sh\necho {version}\n")
    script.chmod(0o755)


def test_a_node_that_is_too_old_is_named_with_the_one_that_is_needed(deps):
    node(deps, "v16.20.1")
    done = deps.run("--node")
    assert done.returncode == 1
    assert "Node.js v16.20.1 is too old" in done.stderr and "18 or later" in done.stderr


def test_a_node_that_is_there_is_left_alone(deps):
    node(deps, "v22.1.0")
    done = deps.run("--node")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
