// XML one event at a time, with the source bytes of every character.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "documents/detail/html_alignment.hpp"

namespace slipway::documents::detail {

enum class XmlEvent { start, end, text, done };

/// Entities beside the five of XML and numbers.
enum class XmlEntities {
  none,  ///< Others stay as they are written.
  html,  ///< Those of HTML are resolved: `&nbsp;`, `&rsquo;`.
};

/// Reads a document or a fragment (several roots, text between them) in time linear in its size and
/// memory linear in its depth. Names are told without their prefix. Entities that a document
/// declares itself are refused and nothing outside is ever read. `xml` is valid UTF-8 and must
/// outlive the reader.
class XmlReader {
 public:
  explicit XmlReader(std::string_view xml, XmlEntities entities = XmlEntities::none)
      : xml_(xml), entities_(entities) {}

  /// Fails: invalid_argument with the line (not well formed, nested too deep).
  Result<XmlEvent> next();

  /// Of the element that started or ended. An empty element starts and ends.
  std::string_view name() const { return local(full_name_); }
  std::string_view full_name() const { return full_name_; }
  /// Elements that are open, with the one that just started and without the one that just ended.
  std::size_t depth() const { return open_.size(); }

  /// Of the element that just started, decoded; `name` without prefix. Empty when it has none.
  std::string attribute(std::string_view name) const;
  std::optional<std::string> find_attribute(std::string_view name) const;
  /// The same, but only an attribute with a prefix: "id" finds r:id and not id.
  std::string prefixed_attribute(std::string_view name) const;

  /// The text that was just read, decoded. Long runs come as one event; CDATA as one of its own.
  std::string text() const;
  bool is_cdata() const { return is_cdata_; }
  std::size_t text_start() const { return text_start_; }  ///< Byte in the source.
  /// Calls `sink` for its verbatim parts and single entities.
  void for_each_part(const std::function<void(const AlignedText&)>& sink) const;

  std::size_t offset() const { return at_; }  ///< Byte behind what was read.
  /// Byte where the last event began; where an empty element ends when that is its end.
  std::size_t event_start() const { return event_start_; }

  /// After a start: reads up to the end of that element.
  Result<void> skip();
  /// The same, and all text inside.
  Result<std::string> inner_text();

 private:
  struct Attribute {
    std::string_view name;
    std::string_view raw;
  };
  static std::string_view local(std::string_view name) { return name.substr(name.find(':') + 1); }

  Error wrong(std::string_view what) const;
  Result<bool> skip_markup();
  Result<void> skip_doctype();
  Result<XmlEvent> read_start();
  Result<XmlEvent> read_end();
  Result<void> read_attributes();
  std::string_view read_name();
  void skip_space();

  std::string_view xml_;
  XmlEntities entities_;
  std::size_t at_ = 0;
  std::size_t event_start_ = 0;
  std::vector<std::string_view> open_;
  std::string_view full_name_;
  std::vector<Attribute> attributes_;
  bool is_empty_element_ = false;
  bool is_cdata_ = false;
  std::size_t text_start_ = 0;
  std::size_t text_end_ = 0;
};

/// The XML of a file as UTF-8: byte order mark and declared encoding are heeded. Fails:
/// unsupported.
Result<std::string> decode_xml(std::string_view bytes);
/// What the declaration `<?xml ... encoding="..."?>` names, or empty.
std::string declared_xml_encoding(std::string_view bytes);

/// What HTML means by `name` ("nbsp"), or empty.
std::string html_entity(std::string_view name);

}  // namespace slipway::documents::detail
