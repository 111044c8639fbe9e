// Reading pictures is left to a program of the operator's choice. It sees the file on its standard
// input and can do nothing else; what it says is foreign bytes like any other.
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "core/sandbox.hpp"
#include "documents/detail/decoding.hpp"
#include "documents/detail/loaders.hpp"
#include "documents/detail/office_text.hpp"

namespace slipway::documents::detail {

namespace {

namespace fs = std::filesystem;

Result<void> check_command(const std::vector<std::string>& command) {
  if (command.empty() || !command[0].starts_with('/'))
    return fail(Code::invalid_argument,
                "the OCR command must begin with the absolute path of a program, like "
                "/usr/bin/tesseract");
  std::error_code error;
  if (access(command[0].c_str(), X_OK) != 0 || !fs::is_regular_file(command[0], error))
    return fail(Code::unsupported, "the OCR command names '{}', which is no program", command[0]);
  return {};
}

std::vector<std::string> readable_for(const LoadOptions& options) {
  std::vector<std::string> readable{"/usr", "/lib", "/lib64", "/etc/ld.so.cache",
                                    "/etc/alternatives"};
  std::error_code error;
  readable.push_back(fs::weakly_canonical(options.ocr_command[0], error));
  readable.insert(readable.end(), options.ocr_readable.begin(), options.ocr_readable.end());
  return readable;
}

struct Pages {
  Document document;
  int count = 0;
};

/// Pages end with a form feed; of the last one it may be missing.
Pages pages_of(std::string_view text) {
  Pages pages;
  OfficeText out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\f'), text.size());
    const std::size_t before = out.text().size();
    const bool is_last = end == text.size();
    const bool has_text = out.add(text.substr(0, end), OfficeText::Gap::blank);
    pages.count += has_text || !is_last;
    if (has_text)
      pages.document.map.lines.push_back(
          {before == 0 ? 0 : before + 2, out.text().size(), pages.count, {}});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out.move_to(pages.document);
  return pages;
}

/// A page number that may be wrong is worse than none.
void check_pages(Pages& pages, int expected) {
  if (pages.count == expected) return;
  auto& [document, count] = pages;
  if (count == 1) {
    document.map.lines.clear();
    document.warnings.push_back(
        fmt::format("the OCR command set no form feed behind the {} pages of the PDF: places have "
                    "no page",
                    expected));
    return;
  }
  std::erase_if(document.map.lines, [&](const auto& line) { return line.page > expected; });
  document.warnings.push_back(fmt::format(
      "the OCR command gave {} pages of a PDF that has {}: pages may be wrong", count, expected));
}

}  // namespace

Error scanned_error(int pages) {
  return fail(Code::invalid_argument,
              "has {} {} but no text; it is probably scanned: run OCR first", pages,
              pages == 1 ? "page" : "pages");
}

int scanned_pages(std::string_view message) {
  const std::size_t end = message.find(" but no text; it is probably scanned");
  if (end == std::string_view::npos) return 0;
  const std::size_t start = message.substr(0, end).rfind("has ");
  int pages = 0;
  if (start != std::string_view::npos)
    std::from_chars(message.data() + start + 4, message.data() + end, pages);
  return pages;
}

Result<Document> load_by_ocr(const LoadTask& task, int pages_expected) {
  const LoadOptions& options = task.options;
  TRY(check_command(options.ocr_command));
  SandboxLimits limits;
  limits.timeout = options.timeout;
  limits.memory_bytes_max = options.memory_bytes_max;
  limits.output_bytes_max = options.text_bytes_max;
  auto output = run_program_sandboxed(task.context, options.ocr_command, task.source.bytes, limits,
                                      readable_for(options));
  if (!output) return std::move(output.error()).within("reading by OCR");
  if (output->exit_code != 0)
    return fail(Code::invalid_argument, "the OCR command ended with exit code {}: {}",
                output->exit_code, clean_title(output->err.substr(0, 300)));
  const DecodedText decoded = TRY(decode_text(output->out, "utf-8"));
  Pages pages = pages_of(decoded.text);
  if (pages.document.text.empty())
    return fail(Code::invalid_argument, "the OCR command found no text in it");
  if (pages_expected > 0) {
    check_pages(pages, pages_expected);
    pages.document.metadata["pages"] = pages_expected;
  }
  Document document = std::move(pages.document);
  document.warnings.insert(document.warnings.begin(), decoded.warnings.begin(),
                           decoded.warnings.end());
  document.warnings.emplace_back("read by OCR: letters may be wrong");
  return document;
}

}  // namespace slipway::documents::detail
