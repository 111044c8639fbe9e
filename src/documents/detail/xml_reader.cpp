// Why not a library: a tree of a sheet with a million rows takes ten times its bytes, and none of
// them tells where a character stood. What a reader of documents needs of XML is small: elements,
// attributes, text, CDATA; DTDs are only skipped.
#include "documents/detail/xml_reader.hpp"

#include <algorithm>

#include "core/unicode.hpp"
#include "documents/detail/decoding.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t none = std::string_view::npos;
constexpr std::size_t depth_max = 1000;
constexpr std::string_view white = " \t\r\n";
constexpr std::string_view name_ends = " \t\r\n/>=<\"'&";

struct Entity {
  std::string text;       ///< Empty when it is none.
  std::size_t bytes = 0;  ///< From '&' to ';'.
};

std::string numbered(std::string_view digits) {
  const bool is_hex = digits.starts_with('x') || digits.starts_with('X');
  if (is_hex) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > 8) return {};
  char32_t value = 0;
  for (const char c : digits) {
    const std::size_t digit =
        std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20));
    if (digit == none || (!is_hex && digit > 9)) return {};
    value = value * (is_hex ? 16 : 10) + static_cast<char32_t>(digit);
  }
  std::string text;
  unicode::append(text, value == 0 ? 0xFFFD : value);
  return text;
}

/// `raw` starts with '&'.
Entity entity_at(std::string_view raw, XmlEntities entities) {
  constexpr std::size_t name_max = 40;
  const std::size_t end = raw.substr(0, name_max).find(';');
  if (end == none || end < 2) return {};
  const std::string_view name = raw.substr(1, end - 1);
  if (name.starts_with('#')) return {numbered(name.substr(1)), end + 1};
  constexpr std::pair<std::string_view, std::string_view> known[] = {
      {"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}};
  for (const auto& [word, text] : known)
    if (name == word) return {std::string(text), end + 1};
  if (entities == XmlEntities::html) return {html_entity(name), end + 1};
  return {};
}

std::string decoded(std::string_view raw, XmlEntities entities) {
  std::string text;
  text.reserve(raw.size());
  while (!raw.empty()) {
    const std::size_t mark = std::min(raw.find('&'), raw.size());
    text += raw.substr(0, mark);
    raw.remove_prefix(mark);
    if (raw.empty()) break;
    const Entity entity = entity_at(raw, entities);
    text += entity.text.empty() ? "&" : entity.text;
    raw.remove_prefix(entity.text.empty() ? 1 : entity.bytes);
  }
  return text;
}

}  // namespace

Error XmlReader::wrong(std::string_view what) const {
  const auto line =
      1 + std::count(xml_.begin(),
                     xml_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, xml_.size())), '\n');
  return fail(Code::invalid_argument, "is not well-formed XML in line {}: {}", line, what);
}

Result<XmlEvent> XmlReader::next() {
  event_start_ = at_;
  if (is_empty_element_) {
    is_empty_element_ = false;
    open_.pop_back();
    return XmlEvent::end;
  }
  while (at_ < xml_.size()) {
    event_start_ = at_;
    if (xml_[at_] != '<') {
      text_start_ = at_;
      text_end_ = at_ = std::min(xml_.find('<', at_), xml_.size());
      is_cdata_ = false;
      return XmlEvent::text;
    }
    constexpr std::string_view cdata = "<![CDATA[";
    if (xml_.compare(at_, cdata.size(), cdata) == 0) {
      text_start_ = at_ + cdata.size();
      text_end_ = xml_.find("]]>", text_start_);
      if (text_end_ == none) return wrong("a CDATA section is not closed");
      at_ = text_end_ + 3;
      is_cdata_ = true;
      return XmlEvent::text;
    }
    if (TRY(skip_markup())) continue;
    return at_ + 1 < xml_.size() && xml_[at_ + 1] == '/' ? read_end() : read_start();
  }
  if (!open_.empty()) return wrong(fmt::format("it ends within <{}>", open_.back().substr(0, 60)));
  return XmlEvent::done;
}

/// Comments, instructions and the document type. False when an element follows.
Result<bool> XmlReader::skip_markup() {
  const std::string_view rest = xml_.substr(at_);
  const std::string_view close = rest.starts_with("<!--") ? "-->"
                                 : rest.starts_with("<?") ? "?>"
                                                          : "";
  if (!close.empty()) {
    const std::size_t end = xml_.find(close, at_ + (close.size() == 3 ? 4 : 2));
    if (end == none) return wrong("a comment or instruction is not closed");
    at_ = end + close.size();
    return true;
  }
  if (!rest.starts_with("<!")) return false;
  TRY(skip_doctype());
  return true;
}

Result<void> XmlReader::skip_doctype() {
  if (xml_.compare(at_, 9, "<!DOCTYPE") != 0) return wrong("'<!' that is no comment");
  const std::size_t end = xml_.find_first_of("[>", at_);
  if (end == none) return wrong("the document type is not closed");
  at_ = end + 1;
  if (xml_[end] == '>') return {};
  const std::size_t close = xml_.find("]", at_);
  const std::string_view subset = xml_.substr(at_, close == none ? none : close - at_);
  if (subset.find("<!ENTITY") != none)
    return fail(Code::invalid_argument,
                "its XML declares entities of its own, which can grow without end; remove the "
                "document type declaration");
  const std::size_t last = close == none ? none : xml_.find('>', close);
  if (last == none) return wrong("the document type is not closed");
  at_ = last + 1;
  return {};
}

void XmlReader::skip_space() { at_ = std::min(xml_.find_first_not_of(white, at_), xml_.size()); }

std::string_view XmlReader::read_name() {
  const std::size_t end = std::min(xml_.find_first_of(name_ends, at_), xml_.size());
  const std::string_view name = xml_.substr(at_, end - at_);
  at_ = end;
  return name;
}

Result<XmlEvent> XmlReader::read_start() {
  ++at_;
  full_name_ = read_name();
  if (full_name_.empty()) return wrong("'<' without the name of an element");
  TRY(read_attributes());
  if (open_.size() >= depth_max)
    return fail(Code::invalid_argument, "its XML nests elements more than {} deep", depth_max);
  open_.push_back(full_name_);
  return XmlEvent::start;
}

Result<void> XmlReader::read_attributes() {
  attributes_.clear();
  while (true) {
    skip_space();
    if (at_ >= xml_.size()) return wrong("a tag is not closed");
    if (xml_[at_] == '>') {
      ++at_;
      return {};
    }
    if (xml_.compare(at_, 2, "/>") == 0) {
      at_ += 2;
      is_empty_element_ = true;
      return {};
    }
    const std::string_view name = read_name();
    skip_space();
    if (name.empty() || at_ >= xml_.size() || xml_[at_] != '=')
      return wrong("an attribute without a value");
    ++at_;
    skip_space();
    if (at_ >= xml_.size() || (xml_[at_] != '"' && xml_[at_] != '\''))
      return wrong("the value of an attribute is not quoted");
    const std::size_t end = xml_.find(xml_[at_], at_ + 1);
    if (end == none) return wrong("the value of an attribute is not closed");
    attributes_.push_back({name, xml_.substr(at_ + 1, end - at_ - 1)});
    at_ = end + 1;
  }
}

Result<XmlEvent> XmlReader::read_end() {
  at_ += 2;
  full_name_ = read_name();
  skip_space();
  if (at_ >= xml_.size() || xml_[at_] != '>') return wrong("an end tag is not closed");
  if (open_.empty() || open_.back() != full_name_)
    return wrong(
        fmt::format("</{}> where {} should end", full_name_.substr(0, 60),
                    open_.empty() ? "nothing" : fmt::format("<{}>", open_.back().substr(0, 60))));
  ++at_;
  open_.pop_back();
  return XmlEvent::end;
}

std::optional<std::string> XmlReader::find_attribute(std::string_view name) const {
  const Attribute* found = nullptr;
  for (const Attribute& attribute : attributes_) {
    if (attribute.name == name) return decoded(attribute.raw, entities_);
    if (local(attribute.name) == name && !attribute.name.starts_with("xmlns")) found = &attribute;
  }
  if (found == nullptr) return std::nullopt;
  return decoded(found->raw, entities_);
}

std::string XmlReader::attribute(std::string_view name) const {
  return find_attribute(name).value_or(std::string());
}

std::string XmlReader::prefixed_attribute(std::string_view name) const {
  for (const Attribute& attribute : attributes_)
    if (attribute.name.find(':') != none && local(attribute.name) == name)
      return decoded(attribute.raw, entities_);
  return {};
}

std::string XmlReader::text() const {
  const std::string_view raw = xml_.substr(text_start_, text_end_ - text_start_);
  return is_cdata_ ? std::string(raw) : decoded(raw, entities_);
}

void XmlReader::for_each_part(const std::function<void(const AlignedText&)>& sink) const {
  std::size_t at = text_start_;
  while (at < text_end_) {
    const std::size_t mark = is_cdata_ ? text_end_ : std::min(xml_.find('&', at), text_end_);
    if (mark > at) sink({xml_.substr(at, mark - at), at, mark});
    at = mark;
    if (at == text_end_) break;
    const Entity entity = entity_at(xml_.substr(at, text_end_ - at), entities_);
    const std::size_t bytes = entity.text.empty() ? 1 : entity.bytes;
    sink({entity.text.empty() ? std::string_view("&") : std::string_view(entity.text), at,
          at + bytes});
    at += bytes;
  }
}

Result<void> XmlReader::skip() {
  const std::size_t outside = depth() - 1;
  while (depth() > outside)
    if (TRY(next()) == XmlEvent::done) break;
  return {};
}

Result<std::string> XmlReader::inner_text() {
  const std::size_t outside = depth() - 1;
  std::string all;
  while (depth() > outside) {
    const XmlEvent event = TRY(next());
    if (event == XmlEvent::done) break;
    if (event == XmlEvent::text) all += text();
  }
  return all;
}

std::string declared_xml_encoding(std::string_view bytes) {
  if (!bytes.starts_with("<?xml")) return {};
  const std::string_view head = bytes.substr(0, std::min<std::size_t>(bytes.find("?>"), 400));
  std::size_t at = head.find("encoding");
  if (at == none) return {};
  at = head.find_first_of("\"'", at);
  if (at == none) return {};
  return std::string(head.substr(at + 1, head.find_first_of("\"'", at + 1) - at - 1));
}

Result<std::string> decode_xml(std::string_view bytes) {
  DecodedText decoded = TRY(decode_text(bytes, declared_xml_encoding(bytes)));
  return std::move(decoded.text);
}

}  // namespace slipway::documents::detail
