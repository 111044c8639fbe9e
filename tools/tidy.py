#!/usr/bin/env python3
"""What a script decides better than a reviewer: banned calls, sizes, dead links, forms.

Usage: tools/tidy.py [ROOT]            tell what is wrong
       tools/tidy.py --shrink [ROOT]   lower the numbers of tools/tidy_ratchet.txt to today's sizes

Every ban says what to use instead. Sizes are a ratchet: what is larger than the limit stands in
tools/tidy_ratchet.txt with its size, and that number may only go down.
"""
import bisect
import pathlib
import re
import subprocess
import sys

LINE_COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
FILE_BYTES_MAX = 2_000_000
CORE_SHARE_MAX = 0.20

CPP = (".cpp", ".hpp")
TEXT = (".md", ".txt", ".html", ".py", ".sh", ".cmake", ".json", ".yaml", ".yml", ".cpp", ".hpp", "")
RATCHET = "tools/tidy_ratchet.txt"
COVERED = "tools/tidy_covered.txt"


def is_test(path):
    return path.endswith("_test.cpp") or path.startswith("tests/")


def is_app(path):
    return path.startswith(("src/app/", "bench/", "examples/")) or path.endswith("_bench.cpp")


def never(_path):
    return False


# pattern, where it is allowed, what to do instead. Searched in code without comments and literals.
CODE_BANS = [
    (r"\bstd::(cout|cerr|clog)\b", lambda p: is_app(p) or is_test(p), "results go through app's Output; the rest through core/log.hpp"),
    (r"\b(std::)?(f|v|vf)?printf\s*\(", lambda p: is_app(p) or is_test(p) or p == "src/core/result.cpp",
     "use fmt::format and core/log.hpp"),
    (r"(?<![\w.>:])(std::)?s?rand\s*\(", never, "use the Random of core/clock.hpp, which tests can seed"),
    (r"\bstd::random_device\b", lambda p: p == "src/core/clock.cpp", "use the Random of core/clock.hpp, which tests can seed"),
    (r"\bstd::w?regex\b", never, "it is slow and overflows the stack on long input; use documents/detail/patterns.hpp or write the scan"),
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets|alloca)\s*\(", never, "use std::string or fmt::format"),
    (r"(?<![\w.>])(std::)?(system|popen)\s*\(", never, "use core/sandbox.hpp: no shell, limits, a deadline"),
    (r"\.detach\s*\(\s*\)", never, "use std::jthread owned by the object that needs it"),
    (r"\bco_(await|yield|return)\b", never, "GCC 12 destroys temporaries twice; docs/decisions/0002-threads.md"),
    (r"\b(malloc|calloc|realloc)\s*\(", never, "use a container"),
    (r"(?<![\w.])delete(\[\])?\s+[\w*(]", never, "use std::unique_ptr"),
    (r"catch\s*\(\s*\.\.\.\s*\)\s*\{\s*\}", never, "say what is caught and why it may be forgotten"),
    (r"doctest::(skip|may_fail|should_fail)", never, "a test that does not run proves nothing"),
]
# The same, in a whole file's text.
HEADER_BANS = [
    (r"^\s*using\s+namespace\b", "it reaches every file that includes this header"),
]
NAKED_NEW = re.compile(r"(?<![\w.])new\s+[A-Z(:\w]")
OWNED_NEW = re.compile(r"(unique_ptr|shared_ptr)<|\bnew\s*\(")

# What TRY's `return` leaves: GCC 12 cleans up partly built aggregates and new objects for exceptions only.
TRY_TOKEN = re.compile(r"\b(?:TRY|SLIPWAY_GET)\b|[{}()\[\],]")
NEW_TYPE = re.compile(r"\bnew\s+[\w:]+(?:<[^()]*>)?\s*$")

# In code, comments and documents alike.
TEXT_BANS = [
    (r"(?<![\w./-])/(root|home/\w+|work)(/|\b)", never, "a path of one machine; say where it comes from"),
    (r"(?<![\w./$}-])/tmp/\w", is_test, "a path of one machine; use a temporary folder made by the program"),
    (r"\b(pypi\.org|pythonhosted\.org|maven\.org|maven\.apache\.org|registry\.npmjs\.org|deb\.debian\.org)\b", never,
     "name the package and its version; the client knows its registry"),
    (r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))", lambda p: p in ("tools/tidy.py", "STYLE.md", "CONTRIBUTING.md") or p.startswith("tests/tools/"),
     "write an issue and say TODO(#number), or do it now"),
]
PYTHON_BANS = [
    (r"pytest\.(skip|xfail|importorskip)\b|mark\.(skip|skipif|xfail)\b", "a test that does not run proves nothing; what is missing must fail"),
]
COMMENTED_CODE = re.compile(r"^\s*//\s{0,2}(?:(?:const|auto|static|return|if|for)\b.*|[\w:<>*&.\[\]-]+(?:\s+[\w:<>*&]+)?\s*(?:=[^=]|\().*)[;{]\s*$")
LONG_SLEEP = re.compile(r"sleep_(?:for|until)\s*\([^;]*?(?:\bseconds\s*[({]\s*(\d+)|\b(\d+)s\b|milliseconds\s*[({]\s*(\d+)|\b(\d+)ms\b)")
MARKDOWN_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s#]+)(?:#[^)\s]*)?\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
CPP_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)"'
    r'|"(?:[^"\\\n]|\\.)*"|(?<![0-9a-fA-F])\'(?:[^\'\\\n]|\\.)+\'', re.DOTALL)
# Texts that are someone else's words, or that must name what the bans name.
FOREIGN = ("tests/data/", "LICENSE", "third_party/licences/", "tools/tidy.py", "tests/tools/", "demo/documents/guide.pdf")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def without_comments_and_literals(text):
    """The same text, of the same length, with spaces where comments and literals were."""
    return CPP_TOKEN.sub(blank, text)


class Source:
    def __init__(self, path, text):
        self.path, self.text = path, text
        self.starts = [0] + [match.end() for match in re.finditer("\n", text)]

    def line(self, offset):
        return bisect.bisect_right(self.starts, offset)

    def at(self, offset, message):
        return f"{self.path}:{self.line(offset)}: {message}"


def functions(source, code):
    """(name, first line, lines) of every function body at namespace or class scope. Approximate, on purpose."""
    stack = []          # (kind, start of the statement)
    statement = 0       # where the text before the next brace begins
    reopened = None     # a member initializer like x_{1} closed: the body that follows is the same function's
    for match in re.finditer(r"[{};]|^[ \t]*#(?:[^\n\\]|\\.)*$", code, re.MULTILINE | re.DOTALL):
        token, head = match.group(), code[statement:match.start()]
        if token.lstrip().startswith("#"):
            statement = match.end() if not head.strip() else statement
            continue
        if token == "{":
            outer = stack[-1][0] if stack else "scope"
            begin = statement + len(head) - len(head.lstrip())
            if outer == "scope" and reopened is not None and re.match(r"\s*(,|$)", head):
                stack.append(("function", reopened))
            elif outer == "scope" and re.search(r"\b(namespace|class|struct|union|enum)\b[^()]*$", head):
                stack.append(("scope", begin))
            elif outer == "scope" and ("(" in head):
                stack.append(("function", begin))
            else:
                stack.append(("scope" if outer == "scope" and 'extern' in head else "block", begin))
            reopened = None
        elif token == "}" and stack:
            kind, begin = stack.pop()
            reopened = begin if kind == "function" else None
            if kind == "function":
                signature = source.text[begin:].split("{", 1)[0]
                first, last = source.line(begin), source.line(match.start())
                yield name_of(signature), first, last - first + 1
        else:
            reopened = None
        if not stack or stack[-1][0] == "scope" or token == "{":
            statement = match.end()


def name_of(signature):
    test = re.match(r'\s*(TEST_CASE\w*|SCENARIO)\s*\(\s*(.*?)"([^"]*)"', signature, re.DOTALL)
    if test:
        return test[3]
    found = re.search(r"([~\w:]+|operator\s*\S+)\s*\(", signature)
    return found[1] if found else signature.split("\n")[0].strip()


def code_faults(source, code):
    for pattern, allowed, remedy in CODE_BANS:
        if allowed(source.path):
            continue
        for match in re.finditer(pattern, code):
            yield source.at(match.start(), f"'{match.group().strip()}' is banned: {remedy}")
    if source.path.endswith(".hpp"):
        for pattern, remedy in HEADER_BANS:
            for match in re.finditer(pattern, code, re.MULTILINE):
                yield source.at(match.start() + len(match.group()) - 1, f"'using namespace' in a header is banned: {remedy}")
        if "#pragma once" not in source.text:
            yield f"{source.path}:1: a header needs '#pragma once'"
    for match in NAKED_NEW.finditer(code):
        start = source.starts[source.line(match.start()) - 1]
        if not OWNED_NEW.search(code, start, match.end() + 1):
            yield source.at(match.start(), "a naked 'new' is banned: use std::make_unique, or give it to its std::unique_ptr on the same line")


def try_faults(source, code):
    """TRY or SLIPWAY_GET after a comma in braces that hold values, or within a new object."""
    if is_test(source.path):
        return
    frames = []         # [what the bracket holds, commas so far]
    for match in TRY_TOKEN.finditer(code):
        token = match.group()
        if token in ("(", "[", "{"):
            frames.append([content_of(code, match.start()), 0])
        elif token == "," and frames:
            frames[-1][1] += 1
        elif token in (")", "]", "}") and frames:
            frames.pop()
        elif token in ("TRY", "SLIPWAY_GET"):
            for content, commas in reversed(frames):
                if content == "statements":
                    break
                if content == "new object" or (content == "values" and commas > 0):
                    yield source.at(match.start(), f"{token} in braces or in 'new'; take it out of the braces: what was built before it would leak")
                    break


def content_of(code, bracket):
    """What the bracket there opens; '' for calls and the like. The text is laid out by clang-format."""
    before = code[max(0, bracket - 2 * LINE_COLUMNS_MAX):bracket]
    if NEW_TYPE.search(before):
        return "new object"
    if code[bracket] != "{":
        return ""
    is_joined = not before[-1:].isspace()
    return "values" if is_joined or before.rstrip().endswith(("=", "return", ",", "(", "{")) else "statements"


def line_faults(source):
    for number, line in enumerate(source.text.split("\n"), 1):
        if len(line) > LINE_COLUMNS_MAX and "://" not in line:
            yield f"{source.path}:{number}: {len(line)} columns; at most {LINE_COLUMNS_MAX}"
        if COMMENTED_CODE.match(line):
            yield f"{source.path}:{number}: commented-out code; the repository remembers it (indent an example by three spaces)"
        if line != line.rstrip():
            yield f"{source.path}:{number}: white space at the end of the line"


def sleep_faults(source, code):
    if not is_test(source.path):
        return
    for match in LONG_SLEEP.finditer(code):
        seconds, plain, ms, plain_ms = match.groups()
        if float(seconds or plain or 0) > 1 or float(ms or plain_ms or 0) > 1000:
            yield source.at(match.start(), "a test that sleeps longer than a second; wait for the event, or move a FakeClock")


def text_faults(source):
    for pattern, allowed, remedy in TEXT_BANS:
        if allowed(source.path):
            continue
        for match in re.finditer(pattern, source.text):
            yield source.at(match.start(), f"'{match.group()}' is banned: {remedy}")


def python_faults(source):
    for pattern, remedy in PYTHON_BANS:
        for match in re.finditer(pattern, source.text):
            yield source.at(match.start(), f"'{match.group()}' is banned: {remedy}")


def link_faults(root, source):
    for match in MARKDOWN_LINK.finditer(re.sub(r"```.*?```|`[^`\n]*`", blank, source.text, flags=re.DOTALL)):
        target = match[1] or match[2]
        if "://" in target or target.startswith("mailto:"):
            continue
        if not ((root / source.path).parent / target).exists():
            yield source.at(match.start(), f"the link leads to '{target}', which is not there")


def changelog_faults(root):
    path = root / "CHANGELOG.md"
    if not path.exists():
        yield "CHANGELOG.md: there is none"
        return
    lines = path.read_text().split("\n")
    if lines[0] != "# Changelog":
        yield "CHANGELOG.md:1: the first line is '# Changelog'"
    section = None
    for number, line in enumerate(lines, 1):
        if line.startswith("## ") and not re.fullmatch(r"## (Unreleased|\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d)", line):
            yield f"CHANGELOG.md:{number}: '{line}' is not '## Unreleased' or '## 1.2.3 - 2026-01-31'"
        if line.startswith("### ") and line[4:] not in ("Added", "Changed", "Fixed", "Removed", "Security"):
            yield f"CHANGELOG.md:{number}: the section is one of Added, Changed, Fixed, Removed, Security"
        section = line if line.startswith("###") else None if line.startswith("## ") else section
        if line.startswith("- ") and section is None:
            yield f"CHANGELOG.md:{number}: an entry stands in a section"


def read_ratchet(root):
    """{(path, what): size}"""
    path, sizes = root / RATCHET, {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.strip() and not line.startswith("#"):
            size, file, what = line.split(None, 2)
            sizes[(file, what)] = int(size)
    return sizes


def size_faults(sizes, recorded):
    for key, size in sorted(sizes.items()):
        path, what = key
        limit = FILE_LINES_MAX if what == "file" else FUNCTION_LINES_MAX
        name = "the file" if what == "file" else f"'{what}'"
        if key not in recorded and size > limit:
            yield f"{path}: {name} has {size} lines, at most {limit}; divide it"
        elif size > recorded.get(key, size):
            yield f"{path}: {name} grew from {recorded[key]} to {size} lines; it may only shrink"
    for key, size in sorted(recorded.items()):
        limit = FILE_LINES_MAX if key[1] == "file" else FUNCTION_LINES_MAX
        now = sizes.get(key, 0)
        if now < size:
            yield f"{RATCHET}: {key[0]} {key[1]}: {size} is now {now}; run 'tools/tidy.py --shrink'" + (
                " (it leaves the list)" if now <= limit else "")


def shrink(root, sizes, recorded):
    path = root / RATCHET
    kept = [line for line in path.read_text().splitlines() if line.startswith("#")] if path.exists() else []
    for key, size in sorted(recorded.items()):
        size = min(size, sizes.get(key, 0))
        if size > (FILE_LINES_MAX if key[1] == "file" else FUNCTION_LINES_MAX):
            kept.append(f"{size} {key[0]} {key[1]}")
    path.write_text("\n".join(kept) + "\n")


def module_faults(root, files):
    """Each module explains itself, and some test reaches each source: its own, one whose includes lead to it, or the
    one that tools/tidy_covered.txt names."""
    modules = sorted({path.split("/")[1] for path in files if path.startswith("src/") and path.count("/") > 1})
    for module in modules:
        if f"src/{module}/README.md" not in files:
            yield f"src/{module}/: a README.md is missing: purpose, main types, invariants, what is not here"
    covered = {}
    listing = root / COVERED
    for line in listing.read_text().splitlines() if listing.exists() else []:
        if line.strip() and not line.startswith("#"):
            source, _, test = line.partition(" ")
            covered[source] = test.split()[0] if test.split() else ""
    text = {path: (root / path).read_text(errors="replace") for path in files if path.startswith("src/") and path.endswith(CPP)}
    includes = {path: {"src/" + header for header in re.findall(r'#include "([^"]+)"', body)} for path, body in text.items()}
    sources = sorted(path for path in text if path.endswith(".cpp") and not path.endswith(("_test.cpp", "_bench.cpp")))
    reached, waiting = set(), [path for path in text if path.endswith("_test.cpp")]
    waiting += [path[:-len("_test.cpp")] + ".cpp" for path in waiting]
    while waiting:
        path = waiting.pop()
        if path in reached or path not in text:
            continue
        reached.add(path)
        waiting += [path[:-4] + ".cpp", *includes[path]]
    for path in sources:
        if path in reached:
            continue
        if path not in covered:
            yield f"{path}: no test reaches it; write one beside it, or name the test that covers it in {COVERED}"
        elif covered[path] not in files:
            yield f"{COVERED}: {path} names '{covered[path]}', which is not there"


def named_types(text):
    """Types that a file makes at the top of a named namespace: full name and line. The text is laid out by clang-format."""
    spaces, before = [], ""
    for number, line in enumerate(text.split("\n"), 1):
        space = re.match(r"namespace(?: ([\w:]+))? \{", line)
        if space and not line.rstrip().endswith("}"):
            spaces.append(space.group(1) or "")
        elif line.startswith("}  // namespace") and spaces:
            spaces.pop()
        made = re.match(r"(?:struct|class|enum|enum class) (\w+)(?: final)?(?: : [^;]*)? \{", line)
        if made and all(spaces) and not before.startswith("template"):
            yield "::".join([*spaces, made.group(1)]), number
        before = line if line.strip() else before


def name_faults(texts):
    """Of two types with one name the program has one: whoever means the other reads the wrong memory."""
    first = {}
    for path, text in texts.items():
        if is_test(path) or path.endswith(("_bench.cpp", "fixture.hpp")):
            continue
        for name, number in named_types(text):
            if name in first:
                yield f"{path}:{number}: {name} is the name of another type too ({first[name]}); rename one of them"
            first.setdefault(name, f"{path}:{number}")


def listed_files(root):
    try:
        out = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True)
        names = out.stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        names = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    skipped = ("build", ".git/", ".slipway/")
    return [name for name in names if not name.startswith(skipped) and (root / name).is_file()]


def core_share(lines):
    total = sum(size for path, size in lines.items() if path.startswith("src/") and not is_test(path))
    core = sum(size for path, size in lines.items() if path.startswith("src/core/") and not is_test(path))
    return core / total if total else 0.0


def check(root, files=None):
    """Faults, sizes of files and functions, and the lines of each C++ file."""
    files = set(files or listed_files(root))
    faults, sizes, lines, texts = [], {}, {}, {}
    for path in sorted(files):
        if path.startswith(FOREIGN):
            continue
        suffix = pathlib.PurePath(path).suffix
        if (root / path).stat().st_size > FILE_BYTES_MAX:
            faults.append(f"{path}: larger than {FILE_BYTES_MAX} bytes; data of this size is fetched, not committed")
        if suffix not in TEXT:
            continue
        source = Source(path, (root / path).read_text(errors="replace"))
        faults += text_faults(source)
        if suffix in CPP:
            code = without_comments_and_literals(source.text)
            faults += [*code_faults(source, code), *try_faults(source, code), *line_faults(source), *sleep_faults(source, code)]
            if path.startswith("src/"):
                texts[path] = source.text
            lines[path] = sizes[(path, "file")] = source.text.count("\n")
            for name, _first, length in functions(source, code):
                sizes[(path, name)] = max(length, sizes.get((path, name), 0))
        if suffix == ".py":
            faults += python_faults(source)
        if suffix == ".md":
            faults += link_faults(root, source)
    faults += [*changelog_faults(root), *name_faults(texts), *module_faults(root, files)]
    return faults, sizes, lines


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--shrink"]
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent).resolve()
    faults, sizes, lines = check(root)
    recorded = read_ratchet(root)
    if "--shrink" in sys.argv:
        shrink(root, sizes, recorded)
        recorded = read_ratchet(root)
    faults += size_faults(sizes, recorded)
    for fault in faults:
        print(fault)
    share = core_share(lines)
    note = "" if share <= CORE_SHARE_MAX else f" (more than {CORE_SHARE_MAX:.0%}: move what knows the domain out of it)"
    print(f"tidy: {sum(lines.values())} lines of C++ in {len(lines)} files; core is {share:.0%}{note}")
    print(f"tidy: {len(faults)} faults" if faults else "tidy: good")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
