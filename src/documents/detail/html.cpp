#include "core/sandbox.hpp"
#include "documents/detail/decoding.hpp"
#include "documents/detail/html_nesting.hpp"
#include "documents/detail/html_text.hpp"
#include "documents/detail/loaders.hpp"
#include "documents/detail/mapped_text.hpp"

namespace slipway::documents::detail {

namespace {

/// Input: a line with the charset that the media type names, then the page.
Result<std::string> read_html(std::string_view input) {
  const std::size_t line_end = std::min(input.find('\n'), input.size() - 1);
  const std::string_view page = input.substr(line_end + 1);
  std::string charset(input.substr(0, line_end));
  if (charset.empty()) charset = declared_charset(page);
  DecodedText decoded = TRY(decode_text(page, charset));
  flatten_deep_nesting(decoded.text);
  Document document = TRY(html_to_document(decoded.text));
  document.map.pieces = compose(document.map.pieces, decoded.map);
  document.warnings.insert(document.warnings.begin(), decoded.warnings.begin(),
                           decoded.warnings.end());
  return encode_document(document);
}

const SandboxRegistration registration("load-html", &read_html);

}  // namespace

Result<Document> load_html(const LoadTask& task) {
  std::string input;
  input.reserve(task.charset.size() + 1 + task.source.bytes.size());
  input.append(task.charset).append(1, '\n').append(task.source.bytes);
  SandboxLimits limits;
  limits.timeout = task.options.timeout;
  limits.memory_bytes_max = task.options.memory_bytes_max;
  limits.output_bytes_max = task.options.text_bytes_max * 2;  // The map may be as long as the text.
  auto output = run_sandboxed(task.context, "load-html", input, limits);
  if (!output) return std::move(output.error()).within("reading the HTML");
  return decode_document(output->out);
}

}  // namespace slipway::documents::detail
