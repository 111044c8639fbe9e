#include "http/detail/media_type.hpp"

#include <algorithm>

#include "core/ascii.hpp"
#include "http/detail/blanks.hpp"

namespace slipway::http::detail {

namespace {

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// Up to `separator` outside of quotes; takes it off `text`.
std::string_view next(std::string_view& text, char separator) {
  bool is_quoted = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (is_quoted && text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      is_quoted = !is_quoted;
    else if (!is_quoted && text[at] == separator)
      break;
  }
  at = std::min(at, text.size());
  const std::string_view item = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return without_blanks(item);
}

std::optional<std::string> unquote(std::string_view value) {
  if (!value.starts_with('"'))
    return is_token(value) ? std::optional(std::string(value)) : std::nullopt;
  if (value.size() < 2 || !value.ends_with('"')) return std::nullopt;
  value = value.substr(1, value.size() - 2);
  std::string plain;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    plain += value[i];
  }
  return plain;
}

/// How exactly an Accept header speaks of a type: 0 not at all, 1 "*/*", 2 "text/*", 3 by name;
/// and whether it takes it.
struct Verdict {
  int exactness = 0;
  bool takes = true;
};

Verdict judge(std::string_view accept, std::string_view media_type) {
  Verdict verdict;
  const std::string_view family = media_type.substr(0, media_type.find('/'));
  while (!accept.empty()) {
    const auto range = parse_media_type(next(accept, ','));
    if (!range) continue;
    int exactness = 0;
    if (range->type == media_type)
      exactness = 3;
    else if (range->type.ends_with("/*") && range->type.substr(0, range->type.size() - 2) == family)
      exactness = 2;
    else if (range->type == "*/*")
      exactness = 1;
    if (exactness == 0 || exactness < verdict.exactness) continue;
    const auto quality = range->parameters.find("q");
    const bool is_refused = quality != range->parameters.end() &&
                            quality->second.find_first_not_of("0.") == std::string::npos;
    verdict = {exactness, !is_refused};
  }
  return verdict;
}

}  // namespace

std::optional<MediaType> parse_media_type(std::string_view text) {
  MediaType parsed;
  parsed.type = ascii::lower(next(text, ';'));
  const std::size_t slash = parsed.type.find('/');
  if (slash == std::string::npos || !is_token(parsed.type.substr(0, slash)) ||
      !is_token(parsed.type.substr(slash + 1)))
    return std::nullopt;
  while (!text.empty()) {
    const std::string_view parameter = next(text, ';');
    if (parameter.empty()) continue;
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    auto value = unquote(parameter.substr(equals + 1));
    if (!value || !is_token(parameter.substr(0, equals))) return std::nullopt;
    parsed.parameters.emplace(ascii::lower(parameter.substr(0, equals)), std::move(*value));
  }
  return parsed;
}

bool is_json(const MediaType& media_type) {
  return media_type.type == "application/json" ||
         (media_type.type.starts_with("application/") && media_type.type.ends_with("+json"));
}

bool accepts(std::string_view accept, std::string_view media_type) {
  if (without_blanks(accept).empty()) return true;
  const Verdict verdict = judge(accept, media_type);
  return verdict.exactness > 0 && verdict.takes;
}

bool names(std::string_view accept, std::string_view media_type) {
  const Verdict verdict = judge(accept, media_type);
  return verdict.exactness == 3 && verdict.takes;
}

}  // namespace slipway::http::detail
