// Scanned PDF files, with small shell scripts standing in for the OCR program. A script may use
// only what the shell does itself, because the sandbox lets it start nothing.
#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "documents/detail/test_pdf.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

namespace fs = std::filesystem;
const Context context;

/// A program in a folder of its own, gone with the test.
class Script {
 public:
  explicit Script(const std::string& lines, const std::string& interpreter = "/bin/sh") {
    std::string name = (fs::temp_directory_path() / "slipway-ocr-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    std::ofstream(path()) << "#!" << interpreter << "\n" << lines;
    fs::permissions(path(), fs::perms::owner_all);
  }
  ~Script() { fs::remove_all(folder_); }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  std::string path() const { return folder_ / "read pages"; }
  fs::path folder() const { return folder_; }

 private:
  fs::path folder_;
};

std::string scan_of(std::size_t pages) {
  detail::TestPdf pdf;
  pdf.pages.resize(pages);
  pdf.has_pictures = true;
  return pdf.bytes();
}

Result<Document> read_scan(const Script& script, std::size_t pages, LoadOptions options = {}) {
  options.ocr_command = {script.path(), "-", "stdout"};
  return load(context, {"scan.pdf", scan_of(pages), ""}, options);
}

Document scanned(const std::string& lines, std::size_t pages) {
  const Script script(lines);
  auto document = read_scan(script, pages);
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  return *std::move(document);
}

std::string failure(const std::string& lines, const LoadOptions& options = {}) {
  const Script script(lines);
  const auto document = read_scan(script, 2, options);
  REQUIRE(!document.ok());
  CHECK(document.error().code() != Code::internal);
  return document.error().message();
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

bool warns(const Document& document, std::string_view part) {
  return std::any_of(document.warnings.begin(), document.warnings.end(),
                     [&](const std::string& warning) { return has(warning, part); });
}

/// Kills the child of this process that runs a program. False while there is none.
bool kill_child(std::string_view program) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");
    int id = 0, parent = 0;
    std::string name;
    char state = 0;
    if (file >> id >> name >> state >> parent; !file || parent != getpid()) continue;
    if (name == fmt::format("({})", program)) return kill(id, SIGKILL) == 0;
  }
  return false;
}

Place place_of(const Document& document, std::string_view part) {
  const std::size_t at = document.text.find(part);
  REQUIRE_MESSAGE(at != std::string::npos, part);
  return document.map.place({at, at + part.size()});
}

}  // namespace

TEST_CASE("a scanned PDF is read by the OCR command, and every quote knows its page") {
  const Document document = scanned(
      "printf 'First page.\\nIts second line.\\n\\f'\n"
      "printf '  \\n\\f'\n"
      "printf 'Third p\\303\\244ge.\\n\\fFourth page.\\n\\f'\n",
      4);
  CHECK(document.media_type == "application/pdf");
  CHECK(document.text == "First page.\nIts second line.\n\nThird päge.\n\nFourth page.");
  CHECK(document.title == "scan.pdf");
  CHECK(document.metadata.at("pages") == 4);
  CHECK(document.warnings == std::vector<std::string>{"read by OCR: letters may be wrong"});
  CHECK(place_of(document, "second line").page == 1);
  CHECK(place_of(document, "Third päge.").page == 3);
  const Place both = place_of(document, "päge.\n\nFourth");
  CHECK(both.page == 3);
  CHECK(both.page_end == 4);
  CHECK(both.boxes.empty());
  CHECK(!both.byte_start);
  const auto stored = SourceMap::decode(document.map.encode());
  REQUIRE(stored.ok());
  CHECK(stored->place({document.text.find("Fourth"), document.text.size()}).page == 4);
}

TEST_CASE("the OCR command gets the bytes of the PDF and its arguments, and nothing else") {
  const Document document =
      scanned("read first\nprintf '%s|%s|%s|%s' \"$first\" \"$1\" \"$2\" \"$HOME$SECRET\"\n", 1);
  CHECK(document.text == "%PDF-1.4|-|stdout|");
  // It need not read at all, however large the file is.
  CHECK(scanned("printf text\n", 2000).text == "text");
}

TEST_CASE("a Python program may be the OCR command") {
  if (access("/usr/bin/python3", X_OK) != 0) return;
  const Script script(
      "import sys\n"
      "data = sys.stdin.buffer.read()\n"
      "for number in range(data.count(b'/Type /Page ')):\n"
      "    sys.stdout.write('page %d\\f' % (number + 1))\n",
      "/usr/bin/python3");
  const auto document = read_scan(script, 3);
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  CHECK(document->text == "page 1\n\npage 2\n\npage 3");
  CHECK(place_of(*document, "page 3").page == 3);
}

TEST_CASE("pages that do not match the PDF are told, and a page that may be wrong is left out") {
  const Document none = scanned("printf 'one\\ntwo\\n'\n", 3);
  CHECK(none.text == "one\ntwo");
  CHECK(!place_of(none, "two").page);
  CHECK(warns(none, "set no form feed behind the 3 pages"));
  const Document few = scanned("printf 'one\\ftwo\\f'\n", 3);
  CHECK(place_of(few, "two").page == 2);
  CHECK(warns(few, "gave 2 pages of a PDF that has 3"));
  const Document many = scanned("printf 'one\\ftwo\\fthree\\f'\n", 2);
  CHECK(place_of(many, "two").page == 2);
  CHECK(place_of(many, "three").page.value_or(0) <= 2);
  CHECK(warns(many, "gave 3 pages of a PDF that has 2"));
  const Document last = scanned("printf 'one\\ftwo'\n", 2);  // The last form feed may be missing.
  CHECK(place_of(last, "two").page == 2);
  CHECK(last.warnings.size() == 1);
}

TEST_CASE("bytes that are no UTF-8 become a warning, not a failure") {
  const Document stray = scanned("printf '\\303\\251t\\303\\251 \\377\\376 end\\f'\n", 1);
  CHECK(stray.text == "été \uFFFD\uFFFD end");
  CHECK(stray.warnings.size() == 2);
  const Document western = scanned("printf 'caf\\351 end\\f'\n", 1);
  CHECK(western.text == "café end");
  CHECK(western.warnings.size() == 2);
  const Document controls = scanned("printf 'a\\033[1mb\\007\\000c\\r\\nd\\f'\n", 1);
  CHECK(has(controls.text, "d"));
  CHECK(controls.text.find('\x1B') == std::string::npos);
  CHECK(controls.text.find('\0') == std::string::npos);
}

TEST_CASE("what goes wrong with the OCR command is one clear error") {
  CHECK(has(failure("echo 'cannot open the model' >&2\nexit 3\n"),
            "the OCR command ended with exit code 3: cannot open the model"));
  CHECK(has(failure("printf 'half a page'\nexit 1\n"), "ended with exit code 1"));
  CHECK(failure("exit 0\n") == "the OCR command found no text in it");
  CHECK(failure("printf '\\f \\f'\n") == "the OCR command found no text in it");
  CHECK(has(failure("/usr/bin/sleep 1\n"), "the OCR command ended with exit code"));  // No process.
  CHECK(has(failure("echo x > /tmp/slipway-ocr-must-not-exist\n"), "ended with exit code 2"));
  CHECK(!fs::exists("/tmp/slipway-ocr-must-not-exist"));
  const std::string noise = failure(
      "i=0\nwhile [ $i -lt 20000 ]; do printf '\\377noise of errors' >&2; i=$((i+1)); done\n"
      "exit 9\n");
  CHECK(noise.size() < 1000);
  CHECK(has(noise, "exit code 9"));
}

TEST_CASE("an OCR command that is killed or crashes is one clear error") {
  {
    const std::jthread killer([](const std::stop_token& stop) {
      while (!stop.stop_requested() && !kill_child("sleep"))
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    });
    CHECK(has(failure("exec /usr/bin/sleep 50\n"), "reading by OCR: was ended by the system"));
  }
  if (access("/usr/bin/python3", X_OK) != 0) return;
  const Script script("import ctypes\nprint('half', flush=True)\nctypes.string_at(0)\n",
                      "/usr/bin/python3");
  const auto document = read_scan(script, 2);
  REQUIRE(!document.ok());
  CHECK(document.error().message() == "reading by OCR: crashed its reader (SIGSEGV)");
}

TEST_CASE("an OCR command that hangs or never stops talking is ended") {
  LoadOptions options;
  options.timeout = std::chrono::milliseconds(700);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(has(failure("while :; do :; done\n", options), "reading by OCR: "));
  CHECK(has(failure("exec /usr/bin/sleep 60\n", options),
            "reading by OCR: takes longer than 700 ms"));
  options.timeout = std::chrono::milliseconds(60'000);
  options.text_bytes_max = 1u << 20;
  CHECK(has(failure("while :; do printf 'a line that never ends '; done\n", options),
            "reading by OCR: gives more than 1048576 bytes of output"));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(40));
}

TEST_CASE("the OCR command reads what is declared, and no other file") {
  const Script script("read line < \"$0.model\" && printf '%s' \"$line\"\n");
  std::ofstream(script.path() + ".model") << "weights\n";
  CHECK(!read_scan(script, 1).ok());
  LoadOptions options;
  options.ocr_readable = {script.path() + ".model"};
  const auto document = read_scan(script, 1, options);
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  CHECK(document->text == "weights");
}

TEST_CASE("a PDF with text of its own is never given to the OCR command") {
  const Script script("printf 'from OCR'\n");
  detail::TestPdf pdf;
  pdf.has_pictures = true;
  pdf.pages = {{{72, 700, "Words on the page"}}, {}};
  LoadOptions options;
  options.ocr_command = {script.path()};
  const auto document = load(context, {"a.pdf", pdf.bytes(), ""}, options);
  REQUIRE_MESSAGE(document.ok(), document.error().message());
  CHECK(document->text == "Words on the page");
  CHECK(warns(*document, "no text on 1 of 2 pages"));
}

TEST_CASE("an OCR command that is no program is named") {
  LoadOptions options;
  for (const auto& [command, part] :
       {std::pair<std::vector<std::string>, std::string>{{"tesseract"}, "absolute path"},
        {{"/no/such/program"}, "'/no/such/program', which is no program"},
        {{"/usr"}, "'/usr'"}}) {
    options.ocr_command = command;
    const auto document = load(context, {"scan.pdf", scan_of(1), ""}, options);
    REQUIRE(!document.ok());
    CHECK_MESSAGE(has(document.error().message(), part), document.error().message());
  }
}

}  // namespace slipway::documents
