#include "index/detail/fields.hpp"

#include "core/json.hpp"
#include "index/detail/analyzer.hpp"
#include "index/detail/segment.hpp"

namespace slipway::index {

namespace {

std::string text_of(std::string_view attributes, const std::string& name) {
  const auto parsed = json::parse(attributes);
  if (!parsed || !parsed->is_object()) return "";
  const json::Value* value = parsed->as_object().if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

std::shared_ptr<const Field> make_field(const Segment& segment, const std::string& name,
                                        std::string_view language) {
  auto field = std::make_shared<Field>();
  for (std::uint32_t d = 0; d < segment.documents(); ++d) {
    std::map<std::string, std::uint32_t> counts;
    std::uint32_t length = 0;
    for (const Token& token : tokenize(text_of(segment.attributes(d), name), language)) {
      ++counts[token.word];
      ++length;
    }
    for (const auto& [word, count] : counts) field->postings[word].push_back({d, count});
    field->lengths.push_back(length);
  }
  return field;
}

}  // namespace

std::shared_ptr<const Field> Fields::get(const std::string& name, std::string_view language) const {
  const auto known = fields_.with([&](const auto& fields) -> std::shared_ptr<const Field> {
    const auto found = fields.find(name);
    return found == fields.end() ? nullptr : found->second;
  });
  if (known) return known;
  // Two threads may make it at once; the first one in stays.
  auto made = make_field(segment_, name, language);
  return fields_.with([&](auto& fields) { return fields.try_emplace(name, made).first->second; });
}

}  // namespace slipway::index
