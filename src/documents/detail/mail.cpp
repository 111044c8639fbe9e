// A message is its headers that people read, its text (plain before HTML), and the names of its
// attachments. A mailbox is a document for every message.
#include <set>

#include "core/files.hpp"
#include "core/unicode.hpp"
#include "documents/detail/block_list.hpp"
#include "documents/detail/decoding.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/html_nesting.hpp"
#include "documents/detail/html_text.hpp"
#include "documents/detail/mapped_text.hpp"
#include "documents/detail/mime.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t none = std::string_view::npos;

class MailWriter {
 public:
  MailWriter(std::string_view bytes, bool is_in_mailbox)
      : bytes_(bytes), is_in_mailbox_(is_in_mailbox) {}

  Result<void> write(const MimePart& message) {
    write_headers(message);
    TRY(write_body(message));
    return {};
  }

  void finish(Document& document) {
    write_attachments(document);
    MappedText mapped = text_.take();
    document.map.pieces = mapped.take_pieces();
    document.text = mapped.take_text();
    document.map.headings = std::move(headings_);
    document.map.blocks = std::move(blocks_);
    document.warnings.insert(document.warnings.end(), warnings_.begin(), warnings_.end());
    if (is_cut_) document.warnings.emplace_back("truncated: the end of the message is missing");
    if (is_encrypted_) document.warnings.emplace_back("encrypted: its text cannot be read");
    warn_of_hidden(hidden_ + text_.invisible(), document);
  }

 private:
  void write_headers(const MimePart& message) {
    constexpr std::pair<std::string_view, std::string_view> shown[] = {{"subject", "Subject: "},
                                                                       {"from", "From: "},
                                                                       {"to", "To: "},
                                                                       {"cc", "Cc: "},
                                                                       {"date", "Date: "}};
    std::string_view gap = text_.empty() ? "" : "\n\n";
    for (const auto& [name, label] : shown) {
      const MimeHeader* header = message.find(name);
      if (header == nullptr) continue;
      const PlacedText value = decode_mime_header(bytes_, header->value);
      if (unicode::trim(value.text).empty()) continue;
      text_.synthetic(gap);
      text_.synthetic(label);
      append(value);
      gap = "\n";
    }
  }

  Result<void> write_body(const MimePart& part) {
    is_cut_ = is_cut_ || part.is_cut;
    if (part.type == "multipart/encrypted" || part.type == "application/pkcs7-mime" ||
        part.type == "application/x-pkcs7-mime")
      is_encrypted_ = true;
    if (part.type == "message/rfc822" && !part.children.empty())
      return write(part.children.front());
    if (part.type == "multipart/alternative") {
      const MimePart* best = TRY(best_of(part));
      if (best != nullptr) return write_body(*best);
      return {};
    }
    if (!part.children.empty()) {
      for (const MimePart& child : part.children) TRY(write_body(child));
      return {};
    }
    const bool is_text = part.type == "text/plain" || part.type == "text/html";
    if (part.is_attachment || !is_text) {
      attachments_.push_back(&part);
      return {};
    }
    return write_text(part);
  }

  /// Of parts that say the same: plain text if there is any, else the last one with text.
  Result<const MimePart*> best_of(const MimePart& alternatives) {
    const MimePart* best = nullptr;
    for (const MimePart& part : alternatives.children) {
      const bool is_plain = part.type == "text/plain" && !part.is_attachment;
      if (is_plain && !unicode::trim(decode_mime_body(bytes_, part, is_in_mailbox_).text).empty())
        return &part;
      if (part.type == "text/html" || part.type.starts_with("multipart/")) best = &part;
    }
    if (best == nullptr && !alternatives.children.empty()) best = &alternatives.children.front();
    return best;
  }

  Result<void> write_text(const MimePart& part) {
    const PlacedText body = decode_mime_body(bytes_, part, is_in_mailbox_);
    const bool is_html = part.type == "text/html";
    const std::string charset =
        part.charset.empty() && is_html ? declared_charset(body.text) : part.charset;
    DecodedText decoded = TRY(decode_text(body.text, charset));
    for (std::string& warning : decoded.warnings) warnings_.push_back(std::move(warning));
    SourceMap in_body;
    in_body.pieces = body.pieces;
    PlacedText placed;
    std::vector<SourceMap::Heading> headings;
    std::vector<SourceMap::Block> blocks;
    if (is_html) {
      flatten_deep_nesting(decoded.text);
      HtmlPage page = TRY(html_to_page(decoded.text));
      hidden_ += page.hidden;
      placed.text = std::move(page.document.text);
      placed.pieces = compose(page.document.map.pieces, decoded.map);
      headings = std::move(page.document.map.headings);
      blocks = std::move(page.document.map.blocks);
    } else {
      placed.text = std::move(decoded.text);
      placed.pieces = std::move(decoded.map.pieces);
    }
    placed.pieces = compose(placed.pieces, in_body);
    align_to_code_points(placed.text, placed.pieces);
    if (unicode::trim(placed.text).empty()) return {};
    if (!text_.empty()) text_.synthetic("\n\n");
    const std::size_t start = text_.size();
    append(placed);
    for (SourceMap::Heading& heading : headings) {
      heading.text_start += start;
      headings_.push_back(std::move(heading));
    }
    append_blocks(blocks_, blocks, {start, text_.size()});
    return {};
  }

  /// Text between two pieces stands nowhere in the source.
  void append(const PlacedText& placed) {
    std::size_t at = 0;
    const std::string_view text = placed.text;
    for (const SourceMap::Piece& piece : placed.pieces) {
      if (piece.text_start > at) text_.synthetic(text.substr(at, piece.text_start - at));
      text_.add(text.substr(piece.text_start, piece.length), piece.byte_start, piece.byte_end);
      at = piece.text_start + piece.length;
    }
    text_.synthetic(text.substr(std::min(at, text.size())));
  }

  void write_attachments(Document& document) {
    if (attachments_.empty()) return;
    json::Array names;
    text_.synthetic(text_.empty() ? "Attachments:" : "\n\nAttachments:");
    for (const MimePart* part : attachments_) {
      const std::size_t packed = part->body.size();
      const std::size_t size = part->encoding == "base64" ? packed / 4 * 3 : packed;
      const std::string name = clean_title(part->name.empty() ? "unnamed" : part->name);
      text_.synthetic(
          fmt::format("\n- {} ({}, {} KiB)", name, clean_title(part->type), (size + 1023) / 1024));
      names.push_back(json::Value(boost::json::string(name)));
    }
    document.metadata["attachments"] = std::move(names);
  }

  std::string_view bytes_;
  bool is_in_mailbox_;
  VisibleText text_;
  std::vector<SourceMap::Heading> headings_;
  std::vector<SourceMap::Block> blocks_;
  std::vector<const MimePart*> attachments_;
  std::vector<std::string> warnings_;
  std::size_t hidden_ = 0;
  bool is_cut_ = false;
  bool is_encrypted_ = false;
};

std::string header_text(std::string_view bytes, const MimePart& message, std::string_view name) {
  const MimeHeader* header = message.find(name);
  if (header == nullptr) return {};
  return clean_title(decode_mime_header(bytes, header->value).text);
}

void read_metadata(std::string_view bytes, const MimePart& message, Document& document) {
  document.title = header_text(bytes, message, "subject");
  constexpr std::pair<std::string_view, std::string_view> keys[] = {{"from", "from"},
                                                                    {"to", "to"},
                                                                    {"cc", "cc"},
                                                                    {"message-id", "message_id"},
                                                                    {"in-reply-to", "in_reply_to"}};
  for (const auto& [name, key] : keys)
    if (std::string value = header_text(bytes, message, name); !value.empty())
      document.metadata[key] = std::move(value);
  const std::string date = header_text(bytes, message, "date");
  const std::string parsed = parse_mail_date(date);
  if (!date.empty()) document.metadata["date"] = parsed.empty() ? date : parsed;
}

bool looks_like_message(const MimePart& message) {
  for (const std::string_view name :
       {"from", "to", "subject", "date", "received", "message-id", "mime-version", "content-type"})
    if (message.find(name) != nullptr) return true;
  return false;
}

Result<Document> read_message(std::string_view bytes, Span range, bool is_in_mailbox) {
  const MimePart message = TRY(parse_mime(bytes, range));
  if (!looks_like_message(message))
    return fail(Code::invalid_argument, "has no header of an e-mail (From, Subject, Date ...)");
  Document document;
  document.media_type = "message/rfc822";
  read_metadata(bytes, message, document);
  MailWriter writer(bytes, is_in_mailbox);
  TRY(writer.write(message));
  writer.finish(document);
  return document;
}

/// "From " at the start of a line behind a blank one begins a message.
std::vector<Span> split_mailbox(std::string_view bytes) {
  std::vector<Span> messages;
  std::size_t start = none;
  for (std::size_t at = 0; at < bytes.size();) {
    const bool is_separator =
        bytes.compare(at, 5, "From ") == 0 && (at == 0 || bytes.substr(0, at).ends_with("\n\n") ||
                                               bytes.substr(0, at).ends_with("\r\n\r\n"));
    if (is_separator) {
      if (start != none) messages.push_back({start, at});
      start = at;
    }
    const std::size_t feed = bytes.find('\n', at);
    if (feed == none) break;
    at = feed + 1;
  }
  if (start != none) messages.push_back({start, bytes.size()});
  return messages;
}

/// The id that the message brings, else its hash; a copy gets a number.
std::string part_of(const Document& document, std::string_view message,
                    std::set<std::string>& taken) {
  std::string id;
  const auto given = document.metadata.find("message_id");
  if (given != document.metadata.end()) id = given->value().get_string().c_str();
  std::erase_if(id, [](char c) { return c == '<' || c == '>' || c == ' '; });
  if (id.empty()) id = sha256(message).substr(7, 16);
  std::string part = id;
  for (int copy = 2; !taken.insert(part).second; ++copy) part = fmt::format("{}-{}", id, copy);
  return part;
}

}  // namespace

Result<Documents> read_mail(const ReadTask& task) {
  Documents documents;
  documents.push_back(TRY(read_message(task.bytes, {0, task.bytes.size()}, false)));
  return documents;
}

Result<Documents> read_mailbox(const ReadTask& task) {
  const std::vector<Span> messages = split_mailbox(task.bytes);
  if (messages.empty())
    return fail(Code::invalid_argument, "has no message: no line begins with 'From '");
  if (messages.size() > task.parts_max)
    return fail(Code::invalid_argument, "holds {} messages, more than the limit of {}",
                messages.size(), task.parts_max);
  Documents documents;
  std::set<std::string> taken;
  Error first(Code::invalid_argument, "");
  std::size_t failed = 0;
  for (const Span message : messages) {
    auto document = read_message(task.bytes, message, true);
    if (!document) {
      if (failed++ == 0) first = std::move(document.error());
      continue;
    }
    document->part = part_of(*document, task.bytes.substr(message.start, message.size()), taken);
    documents.push_back(*std::move(document));
  }
  if (documents.empty()) return first;
  if (failed > 0)
    documents.front().warnings.push_back(
        fmt::format("{} of {} messages of the mailbox left out, the first because it {}", failed,
                    messages.size(), first.message()));
  return documents;
}

}  // namespace slipway::documents::detail
