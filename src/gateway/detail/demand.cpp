#include "gateway/detail/demand.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "core/json_members.hpp"
#include "gateway/prices.hpp"

namespace slipway::gateway::detail {

namespace {

using dialects::Dialect;

constexpr std::int64_t picture_tokens = 1'600;
/// Nobody writes words of this length.
constexpr std::size_t encoded_bytes_min = 2'048;

bool is_encoded(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '=' || c == '-' || c == '_';
}

std::optional<trace::Cost> cost_for(const Deployment& deployment, const CallRecord& call,
                                    const trace::PriceBook& book, const Demand& demand,
                                    std::int64_t output) {
  CallRecord most;
  most.began = call.began;
  most.service_tier = call.service_tier;
  most.provider = deployment.provider();
  most.wire_model = deployment.model();
  most.priced_model = deployment.priced_model();
  // Nothing at all is told as nothing known.
  most.usage.input_tokens = std::max<std::int64_t>(demand.input_tokens, 1);
  most.usage.output_tokens = output;
  most.more_usage.search_units = demand.search_units;
  return cost_of(most, book);
}

std::optional<Estimate> estimate_for(const Deployment& deployment, const Demand& demand,
                                     const CallRecord& call, const trace::PriceBook& book,
                                     std::int64_t output) {
  if (deployment.place() == Place::pipeline) return Estimate{};
  const auto input = cost_for(deployment, call, book, demand, 0);
  if (!input) return {};
  Estimate estimate;
  estimate.input_usd = input->total;
  if (output == 0) return estimate;
  const auto whole = cost_for(deployment, call, book, demand, output);
  if (!whole) return {};
  for (const trace::CostLine& line : whole->lines)
    if (line.bucket == "output") estimate.output_price = line.usd_per_token;
  return estimate;
}

}  // namespace

Estimate estimate_of(const Demand& demand, const std::vector<DeploymentPtr>& candidates,
                     const CallRecord& call, const trace::PriceBook& book,
                     std::int64_t output_default) {
  Estimate dearest;
  trace::Picodollars most{-1};
  bool is_priced = true;
  const std::int64_t output = demand.has_output ? demand.output_tokens.value_or(output_default) : 0;
  for (const DeploymentPtr& deployment : candidates) {
    const auto one = estimate_for(*deployment, demand, call, book, output);
    if (!one) {
      is_priced = false;
      continue;
    }
    trace::Picodollars sum = one->input_usd;
    sum += one->output_price.times(output * demand.choices);
    if (sum <= most) continue;
    most = sum;
    dearest = *one;
  }
  dearest.is_priced = is_priced;
  dearest.output_tokens = output;
  return dearest;
}

std::int64_t estimate_tokens(std::string_view text) {
  constexpr std::int64_t bytes_per_token = 4;
  std::int64_t bytes = 0, tokens = 0;
  std::size_t run = 0;
  const auto end_run = [&] {
    if (run >= encoded_bytes_min)
      tokens += picture_tokens;
    else
      bytes += static_cast<std::int64_t>(run);
    run = 0;
  };
  for (const char c : text) {
    if (is_encoded(c)) {
      ++run;
      continue;
    }
    end_run();
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      ++bytes;
    else if (byte >= 0xC0)
      ++tokens;
  }
  end_run();
  return tokens + (bytes + bytes_per_token - 1) / bytes_per_token;
}

std::size_t said_bytes(std::string_view data) {
  constexpr std::array<std::string_view, 8> words = {"content",   "text",     "reasoning_content",
                                                     "refusal",   "thinking", "partial_json",
                                                     "arguments", "tool_plan"};
  constexpr std::array<std::string_view, 5> holders = {"delta", "choices", "message", "tool_calls",
                                                       "function"};
  const auto is_one = [](const auto& names, std::string_view key) {
    return std::find(names.begin(), names.end(), key) != names.end();
  };
  std::size_t bytes = 0;
  // What is nested more deeply is no frame that anybody sends.
  constexpr int depth_max = 8;
  const std::function<void(std::string_view, int)> look = [&](std::string_view value, int depth) {
    if (depth == depth_max) return;
    if (value.starts_with('[')) {
      json::Items items(value);
      for (std::string_view item; items.next(item);) look(item, depth + 1);
      return;
    }
    json::Members members(value);
    for (json::Member one; members.next(one);) {
      const bool is_text = one.value.starts_with('"');
      if (is_text && (is_one(words, one.key) || one.key == "delta"))
        bytes += one.value.size() - 2;
      else if (!is_text && (is_one(holders, one.key) || is_one(words, one.key)))
        look(one.value, depth + 1);
    }
  };
  look(data, 0);
  return bytes;
}

bool is_output_limit(Dialect dialect, std::string_view key) {
  if (key == "max_completion_tokens") return dialect == Dialect::openai;
  if (key == "max_output_tokens") return dialect == Dialect::openai_responses;
  return key == "max_tokens" && dialect != Dialect::openai_responses;
}

std::string with_output_limit(std::string body, Dialect dialect, std::string_view key,
                              std::int64_t tokens) {
  struct Found {
    std::size_t begin, size;
  };
  std::vector<Found> found;
  json::Members members(body);
  for (json::Member one; members.next(one);) {
    if (!is_output_limit(dialect, one.key)) continue;
    std::int64_t said = 0;
    const char* const end = one.value.data() + one.value.size();
    const auto [stop, error] = std::from_chars(one.value.data(), end, said);
    const bool is_short = error == std::errc() && stop == end && said >= 0 && said <= tokens;
    found.push_back({static_cast<std::size_t>(one.value.data() - body.data()),
                     is_short ? 0 : one.value.size()});
  }
  const std::string limit = std::to_string(tokens);
  for (auto one = found.rbegin(); one != found.rend(); ++one)
    if (one->size > 0) body.replace(one->begin, one->size, limit);
  const std::size_t open = body.find('{');
  if (!found.empty() || open == std::string::npos) return body;
  const bool is_empty = body.find_first_not_of(" \t\r\n", open + 1) == body.find('}', open);
  body.insert(open + 1, fmt::format("\"{}\":{}{}", key, limit, is_empty ? "" : ","));
  return body;
}

}  // namespace slipway::gateway::detail
