"""tools/web.sh: the page is the same bytes each time, and what hinders it is said in words."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def bundle(out, root=ROOT, **environment):
    return subprocess.run([root / "tools/web.sh", out], capture_output=True, text=True, env={**os.environ, **environment})


def copy_of_tree(folder):
    for name in ("tools", "web"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("node_modules"))
    return folder


def test_the_same_sources_give_the_same_bytes_within_the_size_that_a_first_visit_may_load(tmp_path):
    for name in ("a", "b"):
        done = bundle(tmp_path / name)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "a/assets.cpp").read_bytes() == (tmp_path / "b/assets.cpp").read_bytes()
    first, everything = (float(part.split(" KB")[0].split()[-1]) for part in done.stdout.split(", ")[1:])
    assert first < 60 and everything < 250, done.stdout


@pytest.mark.parametrize("file", sorted(one.name for one in (ROOT / "tests/web").glob("*.test.mjs")))
def test_what_the_page_computes_is_right(tmp_path, file):
    packages = subprocess.run(["bash", "-c", ". tools/common.sh; node_packages web"], cwd=ROOT, check=True, capture_output=True,
                              text=True).stdout.strip()
    out = tmp_path / file
    bundled = subprocess.run([f"{packages}/.bin/esbuild", f"tests/web/{file}", "--bundle", "--format=esm", "--platform=node",
                              "--jsx=automatic", "--jsx-import-source=preact", f"--outfile={out}"],
                             cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NODE_PATH": packages})
    assert bundled.returncode == 0, bundled.stderr
    tested = subprocess.run(["node", "--test", out], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout


def test_a_type_that_does_not_fit_stops_the_build_and_is_named(tmp_path):
    tree = copy_of_tree(tmp_path)
    (tree / "web/src/wrong.ts").write_text("export const count: number = 'seven';\n")
    done = bundle(tmp_path / "out", tree)
    assert done.returncode == 1
    assert "src/wrong.ts(1,14)" in done.stdout + done.stderr
    assert "the types in web/src do not fit" in done.stderr
    assert not (tmp_path / "out/assets.cpp").exists()


def test_without_a_registry_the_packages_that_are_missing_are_named(tmp_path):
    done = bundle(tmp_path / "out", XDG_CACHE_HOME=str(tmp_path / "cache"), npm_config_registry="http://127.0.0.1:9/",
                  npm_config_fetch_retries="0", npm_config_cache=str(tmp_path / "npm"), HOME=str(tmp_path))
    assert done.returncode == 1
    assert "npm could not install what web/package-lock.json names" in done.stderr
    assert "ECONNREFUSED" in done.stderr
    assert not (tmp_path / "out/assets.cpp").exists()
