"""SQL that only SQLite knows stands where tables are made and in the store; docs/decisions/0022-sql.md lists the rest."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What holds facts that a server of several processes would share. Indexes and texts of documents are one machine's.
MODULES = ["access", "api", "budgets", "datasets", "prompts", "trace"]
ONLY_SQLITE = re.compile(r"INSERT OR |REPLACE INTO|\bGLOB\b|\bifnull\(|\binstr\(|json_each|json_extract|strftime\(|datetime\('|\browid\b|"
                         r"\btypeof\(|group_concat\(|\bIS NOT \?|\bIS \?|sqlite_|PRAGMA |MATCH \?")
# The database of traces that an earlier version made is read where it is taken over.
ALLOWED = {"src/trace/detail/schema.cpp", "src/trace/detail/import.cpp"}


def literals(text):
    """The string literals of C++, raw ones too, with the line where each begins."""
    for found in re.finditer(r'R"(\w*)\((.*?)\)\1"|"((?:[^"\\\n]|\\.)*)"', text, re.S):
        yield text.count("\n", 0, found.start()) + 1, found[2] if found[2] is not None else found[3]


def test_only_the_store_speaks_sqlite():
    found = []
    for module in MODULES:
        for path in sorted((ROOT / "src" / module).rglob("*.[ch]pp")):
            name = str(path.relative_to(ROOT))
            if name.endswith("_test.cpp") or name in ALLOWED:
                continue
            found += [f"{name}:{line}: {text.strip()[:80]}" for line, text in literals(path.read_text()) if ONLY_SQLITE.search(text)]
    assert found == []


def test_what_it_looks_for_is_found():
    text = 'prepare("INSERT OR REPLACE INTO t(a) " "VALUES (?)"); sql = R"sql(\nSELECT 1 FROM t WHERE a GLOB ?)sql";'
    assert [bool(ONLY_SQLITE.search(one)) for _, one in literals(text)] == [True, False, True]
