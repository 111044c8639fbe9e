#include "trace/detail/callers.hpp"

#include <fmt/format.h>

namespace slipway::trace::detail {

namespace {

constexpr std::size_t name_bytes_max = 512;
constexpr std::size_t hash_digits = 8;

/// A text, or a whole number as one; empty for anything else.
std::string text_of(const json::Object& object, std::string_view member) {
  const json::Value* value = object.if_contains(member);
  if (value == nullptr) return {};
  if (value->is_int64()) return std::to_string(value->get_int64());
  if (!value->is_string() || value->get_string().size() > name_bytes_max) return {};
  return std::string(value->get_string());
}

std::optional<std::string> reference(const std::string& name, const std::string& version) {
  if (name.empty()) return {};
  return version.empty() ? name : fmt::format("{}@{}", name, version);
}

std::optional<std::string> prompt_of(const json::Object& metadata, const json::Object& attributes) {
  if (const json::Value* own = metadata.if_contains("prompt"))
    if (const json::Object* prompt = own->if_object())
      if (auto named = reference(text_of(*prompt, "name"), text_of(*prompt, "version")))
        return named;
  if (auto named = reference(text_of(attributes, "langfuse.observation.prompt.name"),
                             text_of(attributes, "langfuse.observation.prompt.version")))
    return named;
  return reference(text_of(metadata, "lc_hub_repo"),
                   text_of(metadata, "lc_hub_commit_hash").substr(0, hash_digits));
}

}  // namespace

Callers callers_of(const json::Object& metadata, const json::Object& attributes) {
  Callers callers;
  if (std::string key = text_of(metadata, "key"); !key.empty()) callers.key = std::move(key);
  callers.prompt = prompt_of(metadata, attributes);
  return callers;
}

}  // namespace slipway::trace::detail
