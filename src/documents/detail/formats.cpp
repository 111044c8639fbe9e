// One child of the sandbox serves all formats; the task crosses as bytes in front of the source.
#include "documents/detail/formats.hpp"

#include "core/sandbox.hpp"
#include "documents/detail/bytes.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::string_view entry = "load-document";

void write_list(ByteWriter& out, const std::vector<std::string>& list) {
  out.number(list.size());
  for (const std::string& item : list) out.string(item);
}

std::vector<std::string> read_list(ByteReader& in) {
  std::vector<std::string> list(in.count(1));
  for (std::string& item : list) item = in.string();
  return list;
}

std::string encode_task(const ReadTask& task) {
  ByteWriter out;
  out.string(task.path);
  out.string(task.media_type);
  out.string(task.charset);
  out.number(task.text_bytes_max);
  out.number(task.parts_max);
  out.number(static_cast<std::uint64_t>(task.pages_max));
  write_list(out, task.json.text);
  out.string(task.json.title);
  write_list(out, task.json.metadata);
  std::string head = out.take();
  ByteWriter framed;
  framed.string(head);
  return framed.take();
}

Result<ReadTask> decode_task(std::string_view input) {
  ByteReader outer(input);
  ByteReader in(outer.string());
  ReadTask task;
  task.path = in.string();
  task.media_type = in.string();
  task.charset = in.string();
  task.text_bytes_max = in.number();
  task.parts_max = in.number();
  task.pages_max = static_cast<int>(in.number());
  task.json.text = read_list(in);
  task.json.title = in.string();
  task.json.metadata = read_list(in);
  if (!in.ok() || !outer.ok()) return fail(Code::internal, "the task of a reader is damaged");
  task.bytes = input.substr(input.size() - outer.left());
  return task;
}

Result<std::string> read_in_child(std::string_view input) {
  const ReadTask task = TRY(decode_task(input));
  const Format* format = find_format(task.media_type);
  if (format == nullptr) return fail(Code::internal, "no reader of '{}'", task.media_type);
  const Documents documents = TRY(format->reader(task));
  ByteWriter out;
  out.number(documents.size());
  for (const Document& document : documents) out.string(encode_document(document));
  return out.take();
}

const SandboxRegistration registration(entry, &read_in_child);

Result<Documents> decode_documents(std::string_view bytes) {
  ByteReader in(bytes);
  Documents documents;
  for (std::size_t left = in.count(1); left > 0 && in.ok(); --left)
    documents.push_back(TRY(decode_document(in.string())));
  if (!in.ok() || in.left() > 0)
    return fail(Code::invalid_argument, "made its reader give a damaged reply");
  return documents;
}

}  // namespace

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {
      {"Word document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
       &read_docx},
      {"presentation", "application/vnd.openxmlformats-officedocument.presentationml.presentation",
       &read_pptx},
      {"workbook", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &read_xlsx},
      {"book", "application/epub+zip", &read_epub},
      {"message", "message/rfc822", &read_mail},
      {"mailbox", "application/mbox", &read_mailbox},
      {"RTF document", "application/rtf", &read_rtf},
      {"RTF document", "text/rtf", &read_rtf},
      {"Confluence page", "application/vnd.atlassian.confluence+xml", &read_confluence_page},
      {"Confluence export", "application/vnd.atlassian.confluence+zip",
       &read_confluence_xml_export},
      {"Confluence export", "application/vnd.atlassian.confluence.html+zip",
       &read_confluence_html_export},
      {"OpenDocument text", "application/vnd.oasis.opendocument.text", &read_odt},
      {"CSV table", "text/csv", &read_csv, false},
      {"TSV table", "text/tab-separated-values", &read_csv, false},
      {"JSON", "application/json", &read_json, false},
      {"JSON lines", "application/x-ndjson", &read_json, false},
  };
  return all;
}

const Format* find_format(std::string_view media_type) {
  for (const Format& format : formats())
    if (format.media_type == media_type) return &format;
  return nullptr;
}

std::string format_list() {
  return "plain text, source code, Markdown, HTML, PDF, Word (DOCX), PowerPoint (PPTX), Excel "
         "(XLSX), OpenDocument text (ODT), EPUB, RTF, CSV, JSON, e-mail (EML, MBOX) and "
         "Confluence exports";
}

Result<Documents> read_format(const LoadTask& task, std::string_view media_type) {
  const Format* format = find_format(media_type);
  SLIPWAY_ASSERT(format != nullptr);
  ReadTask read;
  read.bytes = task.source.bytes;
  read.path = task.source.path;
  read.media_type = media_type;
  read.charset = task.charset;
  read.text_bytes_max = task.options.text_bytes_max;
  read.parts_max = task.options.parts_max;
  read.pages_max = task.options.pages_max;
  read.json = task.options.json;
  if (!format->is_sandboxed) return format->reader(read);
  std::string input = encode_task(read);
  input += task.source.bytes;
  SandboxLimits limits;
  limits.timeout = task.options.timeout;
  limits.memory_bytes_max = task.options.memory_bytes_max;
  limits.output_bytes_max = task.options.text_bytes_max * 2;  // The map may be as long as the text.
  auto output = run_sandboxed(task.context, entry, input, limits);
  if (!output) return std::move(output.error()).within(fmt::format("reading the {}", format->name));
  return decode_documents(output->out);
}

}  // namespace slipway::documents::detail
