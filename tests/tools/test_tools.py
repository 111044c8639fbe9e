"""The guards of this project, guarded: each finds a fault planted for it, and leaves good code alone."""
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    """A small project without a fault."""
    for name in ("layers.py", "tidy.py"):
        (tmp_path / "tools").mkdir(exist_ok=True)
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools" / name)
    write(tmp_path, "tools/layers.txt", "core:  # the ground\nstore: core\nrag: core store\n")
    write(tmp_path, "CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n### Added\n- Everything.\n")
    for module in ("core", "store", "rag"):
        write(tmp_path, f"src/{module}/README.md", "What it is for.\n")
        write(tmp_path, f"src/{module}/{module}.hpp", f"#pragma once\nint {module}();\n")
        write(tmp_path, f"src/{module}/{module}.cpp", f'#include "{module}/{module}.hpp"\n\nint {module}() {{ return 1; }}\n')
        write(tmp_path, f"src/{module}/{module}_test.cpp", f'#include "{module}/{module}.hpp"\n')
    return tmp_path


def write(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def run(project, tool, *arguments):
    done = subprocess.run([sys.executable, project / "tools" / tool, *arguments, project], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_a_project_without_faults_passes(project):
    assert run(project, "layers.py") == (0, "layers: good\n")
    code, said = run(project, "tidy.py")
    assert (code, said.splitlines()[-1]) == (0, "tidy: good"), said


@pytest.mark.parametrize("path, line, fault", [
    ("src/core/a.cpp", '#include "store/store.hpp"', "core may not include store"),
    ("src/rag/a.cpp", '#include "store/detail/sqlite.hpp"', "private to store"),
    ("src/rag/a.cpp", "#include <sqlite3.h>", "may appear in store only"),
    ("src/store/a.hpp", "#pragma once\n#include <sqlite3.h>", "may not appear in a public header"),
    ("src/core/a.cpp", "  #  include <boost/asio/io_context.hpp>", "may appear in http only"),
    ("src/extra/a.cpp", "", "not listed in tools/layers.txt"),
])
def test_layers_finds(project, path, line, fault):
    write(project, path, line + "\n")
    code, said = run(project, "layers.py")
    assert code == 1
    assert fault in said


def test_layers_lets_a_module_use_its_own_library_and_details(project):
    write(project, "src/store/detail/sqlite.hpp", "#pragma once\n#include <sqlite3.h>\n")
    write(project, "src/store/sqlite.cpp", '#include "store/detail/sqlite.hpp"\n#include <sqlite3.h>\n')
    assert run(project, "layers.py") == (0, "layers: good\n")


def test_layers_refuses_a_table_that_looks_forward(project):
    write(project, "tools/layers.txt", "core: store\nstore:\n")
    code, said = run(project, "layers.py")
    assert code == 1
    assert "before it is listed" in said


LONG = "int f() {\n" + "  ++x;\n" * 70 + "}\n"


@pytest.mark.parametrize("path, text, fault", [
    ("src/core/core.cpp", "void f() { std::cout << 1; }", "'std::cout' is banned"),
    ("src/core/core.cpp", 'void f() { printf("x"); }', "'printf(' is banned"),
    ("src/core/core.cpp", "int f() { return rand(); }", "is banned: use the Random"),
    ("src/core/core.cpp", 'std::regex x("a");', "'std::regex' is banned"),
    ("src/core/core.hpp", "#pragma once\nusing namespace std;", "core.hpp:2: 'using namespace' in a header"),
    ("src/core/core.cpp", "int* f() { return new int(1); }", "a naked 'new'"),
    ("src/core/core.cpp", "void f(int* p) { delete p; }", "use std::unique_ptr"),
    ("src/core/core.cpp", "auto f() {\n  return A{name,\n           TRY(g())};\n}",
     "core.cpp:3: TRY in braces or in 'new'; take it out of the braces: what was built before it would leak"),
    ("src/core/core.cpp", 'auto f() {\n  const A a{.name = "a, b", .all = h(1, {TRY(g())})};\n}', "core.cpp:2: TRY in braces"),
    ("src/core/core.cpp", "auto f() { h(1, {{a, b}, {c, k(TRY(g()))}}); }", "TRY in braces"),
    ("src/core/core.cpp", "auto f() { h(1, {{a, b}, {c, SLIPWAY_GET(g())}}); }", "SLIPWAY_GET in braces"),
    ("src/core/core.cpp", "auto f() { return std::unique_ptr<A>(new A(TRY(g()))); }", "TRY in braces or in 'new'"),
    ("src/core/core.cpp", "// TODO: later", "'TODO' is banned"),
    ("src/core/core.cpp", "//  x = f(1);", "commented-out code"),
    ("src/core/core.cpp", "// return f(1);", "commented-out code"),
    ("src/core/core_test.cpp", "void f() { std::this_thread::sleep_for(2s); }", "sleeps longer"),
    ("src/core/core_test.cpp", "void f() { sleep_for(std::chrono::milliseconds(1500)); }", "sleeps longer"),
    ("src/core/core.cpp", "void f() { try { g(); } catch (...) {} }", "say what is caught"),
    ("src/core/core.cpp", 'void f() { system("ls"); }', "no shell"),
    ("src/core/core.cpp", "void f() { thread.detach(); }", "jthread"),
    ("src/core/core.cpp", 'auto path = "/' + 'root/x";', "a path of one machine"),
    ("docs/a.md", "Look into /" + "home/ann/x.", "a path of one machine"),
    ("docs/a.md", "See [there](nowhere.md).", "which is not there"),
    ("docs/a.md", "It comes from " + "pypi" + ".org.", "name the package"),
    ("src/core/core.cpp", "int x = " + "1 + " * 30 + "1;", "columns; at most 100"),
    ("src/core/core.cpp", LONG, "'f' has 72 lines, at most 70"),
    ("src/core/core.cpp", "int x;\n" * 500, "the file has 501 lines"),
    ("src/core/lonely.cpp", "int x;", "no test reaches it"),
    ("src/core/core_test.cpp", 'TEST_CASE("x" * doctest::skip()) {}', "a test that does not run"),
    ("tests/journeys/test_a.py", "pytest." + "skip('no network')", "a test that does not run"),
    ("src/core/core.hpp", "#pragma once\nnamespace a {\nstruct B {\n};\n}  // namespace a\nnamespace a {\nstruct B {\n};\n}  // namespace a",
     "core.hpp:7: a::B is the name of another type too"),
    ("CHANGELOG.md", "# Changelog\n\n## v1\n", "is not '## Unreleased'"),
])
def test_tidy_finds(project, path, text, fault):
    write(project, path, text + "\n")
    code, said = run(project, "tidy.py")
    assert code == 1
    assert fault in said


@pytest.mark.parametrize("text", [
    "// delete p; is what C would do here, and rand() too",
    'const char* f() { return "std::cout << rand(); /* new int */"; }',
    'const char* f() { return R"x(delete p; printf(")x"; }',
    "struct A { A(const A&) = delete; };",
    "namespace a {\nnamespace {\nstruct B {\n};\n}  // namespace\n}  // namespace a\nnamespace a {\nstruct B {\n};\n}  // namespace a",
    "auto f() { return std::unique_ptr<int>(new int(1)); }",
    "auto f() {\n  if (is_a) {\n    h(1, TRY(g()));\n  }\n  return A{TRY(g()), 1};\n}",
    "auto f() {\n  return A{.name = name,\n           .ask = [](int a, int b) -> Result<int> { return h(a, TRY(g(b))); }};\n}",
    "auto f() { return std::make_unique<A>(name, TRY(g())); }",
    "enum class A {\n  a,\n  b\n};\nauto f() { return TRY(g()); }",
    "// See https://example.com/" + "x" * 120,
    "int f(int y) {\n" + "  ++y;\n" * 60 + "}\n" + "int g(int y) {\n" + "  ++y;\n" * 60 + "}",
    "struct A {\n  A() : x_{1}, y_{2} {}\n" + "  int f() { return 1; }\n" * 80 + "  int x_, y_;\n};",
    "//   auto library = open();   (an example, indented)\n//   library->ask(question);",
])
def test_tidy_leaves_alone(project, text):
    write(project, "src/core/core.cpp", text + "\n")
    code, said = run(project, "tidy.py")
    assert code == 0, said


def test_the_ratchet_only_lets_things_shrink(project):
    write(project, "src/core/core.cpp", LONG)
    write(project, "tools/tidy_ratchet.txt", "# sizes\n72 src/core/core.cpp f\n")
    assert run(project, "tidy.py")[0] == 0
    write(project, "src/core/core.cpp", LONG.replace("{\n", "{\n  ++x;\n", 1))
    assert "grew from 72 to 73" in run(project, "tidy.py")[1]
    write(project, "src/core/core.cpp", "int f() { return 1; }\n")
    assert "72 is now 1" in run(project, "tidy.py")[1]
    assert run(project, "tidy.py", "--shrink")[0] == 0
    assert (project / "tools/tidy_ratchet.txt").read_text() == "# sizes\n"
    write(project, "src/core/core.cpp", LONG)
    assert run(project, "tidy.py")[0] == 1


def test_a_source_may_name_the_test_that_covers_it(project):
    write(project, "src/core/lonely.cpp", "int x;\n")
    write(project, "tools/tidy_covered.txt", "src/core/lonely.cpp src/core/core_test.cpp\n")
    assert run(project, "tidy.py")[0] == 0
    write(project, "tools/tidy_covered.txt", "src/core/lonely.cpp src/core/gone_test.cpp\n")
    assert "which is not there" in run(project, "tidy.py")[1]


def test_the_menu_lists_every_target():
    said = subprocess.run(["make", "-s", "-C", ROOT], capture_output=True, text=True, check=True).stdout
    for target in ("deps", "build", "test", "check", "fmt", "bench", "demo", "demo-large", "dist", "clean", "help"):
        assert f"make {target} " in said
