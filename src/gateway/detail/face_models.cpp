// Which models there are, as each vendor lists his own.
#include <algorithm>
#include <charconv>

#include "gateway/detail/face.hpp"

namespace slipway::gateway::detail {

using dialects::Dialect;

namespace {

/// What no vendor's list has a word for; the SDKs let it pass.
void add_own(json::Object& out, const ModelCard& card) {
  out["provider"] = card.provider;
  out["task"] = card.task;
  out["modalities"] = json::Array(card.modalities.begin(), card.modalities.end());
  if (card.context_tokens > 0) out["context_tokens"] = card.context_tokens;
  if (!card.input_usd_per_million && !card.output_usd_per_million) return;
  json::Object pricing;
  if (card.input_usd_per_million) pricing["input_usd_per_million"] = *card.input_usd_per_million;
  if (card.output_usd_per_million) pricing["output_usd_per_million"] = *card.output_usd_per_million;
  out["pricing"] = std::move(pricing);
}

json::Object openai_model(const ModelCard& card) {
  json::Object out = {
      {"id", card.name}, {"object", "model"}, {"created", 0}, {"owned_by", card.provider}};
  add_own(out, card);
  return out;
}

json::Object anthropic_model(const ModelCard& card) {
  json::Object out = {{"type", "model"},
                      {"id", card.name},
                      {"display_name", card.name},
                      {"created_at", "1970-01-01T00:00:00Z"},  // Its word for "not known".
                      {"lifecycle", "active"}};
  if (card.context_tokens > 0) out["max_input_tokens"] = card.context_tokens;
  add_own(out, card);
  return out;
}

json::Object cohere_model(const ModelCard& card) {
  json::Array endpoints;
  endpoints.push_back(json::Value(card.task));
  json::Object out = {
      {"name", card.name}, {"endpoints", std::move(endpoints)}, {"finetuned", false}};
  if (card.context_tokens > 0) out["context_length"] = card.context_tokens;
  add_own(out, card);
  return out;
}

json::Object model_of(Dialect dialect, const ModelCard& card) {
  if (dialect == Dialect::anthropic) return anthropic_model(card);
  if (dialect == Dialect::cohere) return cohere_model(card);
  return openai_model(card);
}

/// Anthropic's pages: at most `limit` after `after_id` or before `before_id`.
Result<json::Value> anthropic_page(const std::vector<ModelCard>& cards, std::string_view query) {
  std::size_t limit = 20;
  constexpr std::size_t limit_max = 1000;
  auto first = cards.begin(), last = cards.end();
  const auto find = [&](const std::string& name) {
    return std::find_if(cards.begin(), cards.end(),
                        [&](const ModelCard& card) { return card.name == name; });
  };
  bool backwards = false;
  for (const auto& [key, value] :
       http::parse_query(query).value_or(std::vector<std::pair<std::string, std::string>>{})) {
    if (key == "limit") {
      const char* end = value.data() + value.size();
      const auto [stop, error] = std::from_chars(value.data(), end, limit);
      if (error != std::errc() || stop != end || limit == 0 || limit > limit_max)
        return fail(Code::invalid_argument, "limit: expected a number from 1 to {}, got '{}'",
                    limit_max, value);
    } else if ((key == "after_id" || key == "before_id") && find(value) == cards.end()) {
      return fail(Code::invalid_argument, "{}: there is no model '{}'", key, value);
    } else if (key == "after_id") {
      first = find(value) + 1;
    } else if (key == "before_id") {
      last = find(value);
      backwards = true;
    }
  }
  if (first > last) first = last;
  const auto count = static_cast<std::size_t>(last - first);
  const bool has_more = count > limit;
  if (has_more && backwards) first = last - static_cast<std::ptrdiff_t>(limit);
  if (has_more && !backwards) last = first + static_cast<std::ptrdiff_t>(limit);
  json::Array data;
  for (auto card = first; card != last; ++card) data.push_back(anthropic_model(*card));
  json::Object out = {{"data", std::move(data)},
                      {"has_more", has_more},
                      {"first_id", nullptr},
                      {"last_id", nullptr}};
  if (first != last) {
    out["first_id"] = first->name;
    out["last_id"] = (last - 1)->name;
  }
  return json::Value(std::move(out));
}

Result<json::Value> page_of(Dialect dialect, const std::vector<ModelCard>& cards,
                            std::string_view query) {
  if (dialect == Dialect::anthropic) return anthropic_page(cards, query);
  json::Array items;
  for (const ModelCard& card : cards) items.push_back(model_of(dialect, card));
  if (dialect == Dialect::cohere) return json::Value{{"models", std::move(items)}};
  return json::Value{{"object", "list"}, {"data", std::move(items)}};
}

}  // namespace

void list_models(const Faces& faces, const http::ExchangePtr& exchange, Dialect dialect) {
  const auto caller = admit(faces, exchange, dialect, access::Role::read);
  if (!caller) return;
  const auto page = page_of(dialect, faces.gateway.models(*caller), exchange->request().query);
  exchange->reply(page ? json_response(200, *page)
                       : error_response(dialect, wire_error_of(page.error())));
}

void show_model(const Faces& faces, const http::ExchangePtr& exchange, Dialect dialect,
                const std::string& name) {
  const auto caller = admit(faces, exchange, dialect, access::Role::read);
  if (!caller) return;
  const auto card = faces.gateway.model(*caller, name);
  exchange->reply(card ? json_response(200, model_of(dialect, *card))
                       : error_response(dialect, faces.gateway.unknown_model(*caller, name)));
}

}  // namespace slipway::gateway::detail
