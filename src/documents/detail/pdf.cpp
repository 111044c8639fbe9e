// Two children: poppler's pdftotext reads the PDF, a second one of our own reads what it wrote.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/sandbox.hpp"
#include "core/unicode.hpp"
#include "documents/detail/loaders.hpp"
#include "documents/detail/pdf_text.hpp"

namespace slipway::documents::detail {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view installed_program = "/usr/bin/pdftotext";

/// Input: a line with the greatest number of pages, then the XHTML.
Result<std::string> read_xhtml(std::string_view input) {
  const std::size_t line_end = std::min(input.find('\n'), input.size());
  const int pages_max = std::atoi(std::string(input.substr(0, line_end)).c_str());
  return encode_document(
      TRY(pdf_xhtml_to_document(input.substr(std::min(line_end + 1, input.size())), pages_max)));
}

const SandboxRegistration registration("load-pdf", &read_xhtml);

/// The program that the package brings, beside ours in a tarball, or the system's.
Result<fs::path> find_pdftotext() {
  if (const char* named = std::getenv("SLIPWAY_PDFTOTEXT"); named != nullptr && *named != '\0') {
    if (access(named, X_OK) == 0) return fs::absolute(named);
    return fail(Code::unsupported, "SLIPWAY_PDFTOTEXT names '{}', which is no program", named);
  }
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/exe", error);
  const fs::path beside = own.parent_path() / "../libexec/slipway/pdftotext";
  if (!error && access(beside.c_str(), X_OK) == 0) return fs::canonical(beside, error);
  if (access(installed_program.data(), X_OK) == 0) return fs::path(installed_program);
  return fail(Code::unsupported,
              "reading PDF needs pdftotext: install the package poppler-utils, or name the program "
              "in SLIPWAY_PDFTOTEXT");
}

/// Libraries, character maps and fonts of the system, and what stands beside the program.
std::vector<std::string> readable_for(const fs::path& program) {
  std::vector<std::string> readable{"/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/fonts"};
  std::error_code error;
  const fs::path folder = fs::weakly_canonical(program, error).parent_path();
  readable.push_back(folder);
  readable.push_back(folder / "../lib");
  readable.push_back(folder / "../../lib");
  readable.push_back(folder / "../share");
  return readable;
}

/// The first complaint of pdftotext, as one short line.
std::string complaint(std::string_view errors) {
  const std::string_view line = unicode::trim(errors.substr(0, errors.find('\n')));
  std::string clean;
  for (const char c : line.substr(0, 200)) clean += c >= 0x20 && c < 0x7F ? c : '?';
  return clean.empty() ? "pdftotext gave no reason" : clean;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Whether the file ends as a PDF must; many have some bytes of dirt behind it.
bool has_end_mark(std::string_view bytes) {
  using namespace std::string_view_literals;
  const std::size_t end = bytes.find_last_not_of("\0\r\n\t "sv);
  if (end == std::string_view::npos) return false;
  bytes = bytes.substr(0, end + 1);
  constexpr std::size_t tail_bytes = 4096;
  return contains(bytes.substr(bytes.size() - std::min(tail_bytes, bytes.size())), "%%EOF");
}

Error explain(const SandboxOutput& output, bool has_password) {
  if (contains(output.err, "Incorrect password"))
    return has_password
               ? fail(Code::invalid_argument,
                      "encrypted PDF: the password given with --password is wrong")
               : fail(Code::invalid_argument, "encrypted PDF: give the password with --password");
  if (contains(output.err, "security handler"))
    return fail(Code::unsupported, "encrypted PDF of a kind that cannot be opened ({})",
                complaint(output.err));
  if (contains(output.err, "Out of memory"))
    return fail(Code::invalid_argument, "needs more memory than it may have");
  return fail(Code::invalid_argument, "damaged or truncated PDF ({})", complaint(output.err));
}

Result<SandboxOutput> run_pdftotext(const LoadTask& task, const SandboxLimits& limits) {
  const fs::path program = TRY(find_pdftotext());
  std::vector<std::string> command{
      program, "-bbox-layout", "-enc",
      "UTF-8", "-l",           std::to_string(static_cast<long>(task.options.pages_max) + 1)};
  if (const std::string& password = task.options.password; !password.empty())
    command.insert(command.end(), {"-upw", password, "-opw", password});
  command.insert(command.end(), {"-", "-"});
  auto output = run_program_sandboxed(task.context, command, task.source.bytes, limits,
                                      readable_for(program));
  if (!output) return std::move(output.error()).within("reading the PDF");
  if (output->exit_code != 0) return explain(*output, !task.options.password.empty());
  return output;
}

}  // namespace

Result<Document> load_pdf(const LoadTask& task) {
  SandboxLimits limits;
  limits.timeout = task.options.timeout;
  limits.memory_bytes_max = task.options.memory_bytes_max;
  const SandboxOutput xhtml = TRY(run_pdftotext(task, limits));
  const bool is_damaged = contains(xhtml.err, "Syntax Error");
  if (is_damaged && !has_end_mark(task.source.bytes))
    return fail(Code::invalid_argument, "truncated PDF: its end is missing; fetch the file again");

  const std::string input = fmt::format("{}\n{}", task.options.pages_max, xhtml.out);
  const SandboxOutput reply = TRY(run_sandboxed(task.context, "load-pdf", input, limits));
  Document document = TRY(decode_document(reply.out));
  if (is_damaged)
    document.warnings.push_back(
        fmt::format("damaged PDF, text may be missing ({})", complaint(xhtml.err)));
  return document;
}

}  // namespace slipway::documents::detail
