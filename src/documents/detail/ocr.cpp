// Reading pictures is left to a program of the operator's choice. It sees the file on its standard
// input and can do nothing else; what it says is foreign bytes like any other.
#include <unistd.h>

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
  if (access(command[0].c_str(), X_OK) != 0)
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

/// Pages end with a form feed.
Document pages_of(std::string_view text) {
  OfficeText out;
  std::vector<SourceMap::Line> lines;
  int page = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\f'), text.size());
    const std::size_t before = out.text().size();
    ++page;
    if (out.add(text.substr(0, end), OfficeText::Gap::blank))
      lines.push_back({before == 0 ? 0 : before + 2, out.text().size(), page, {}});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  Document document;
  out.move_to(document);
  document.map.lines = std::move(lines);
  return document;
}

}  // namespace

Result<Document> load_by_ocr(const LoadTask& task) {
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
  Document document = pages_of(decoded.text);
  document.warnings.emplace_back("read by OCR: letters may be wrong");
  return document;
}

}  // namespace slipway::documents::detail
