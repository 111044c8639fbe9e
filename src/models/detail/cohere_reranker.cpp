#include "models/detail/cohere_reranker.hpp"

#include <algorithm>
#include <cmath>

#include "models/detail/remote_chat.hpp"

namespace slipway::models::detail {

struct WireRank {
  std::size_t index = 0;
  float relevance_score = 0;
  static constexpr std::string_view required[] = {"index", "relevance_score"};
};
BOOST_DESCRIBE_STRUCT(WireRank, (), (index, relevance_score))
struct WireBilledUnits {
  std::optional<double> search_units;  // Cohere sends whole numbers, some copies 1.0.
};
BOOST_DESCRIBE_STRUCT(WireBilledUnits, (), (search_units))
struct WireRankMeta {
  std::optional<WireBilledUnits> billed_units;
};
BOOST_DESCRIBE_STRUCT(WireRankMeta, (), (billed_units))
struct WireRankUsage {  // Jina, vLLM.
  std::optional<std::int64_t> total_tokens;
};
BOOST_DESCRIBE_STRUCT(WireRankUsage, (), (total_tokens))
struct WireRanks {
  std::vector<WireRank> results;
  std::optional<WireRankMeta> meta;
  std::optional<WireRankUsage> usage;
  static constexpr std::string_view required[] = {"results"};
};
BOOST_DESCRIBE_STRUCT(WireRanks, (), (results, meta, usage))

namespace {

constexpr std::size_t documents_max = 1000;      ///< Of one request, Cohere's limit.
constexpr std::size_t documents_per_unit = 100;  ///< What Cohere calls one search.
constexpr std::size_t assumed_tokens_max = 4096;

class CohereReranker final : public Reranker {
 public:
  CohereReranker(CohereRerankerOptions options, RemoteEndpoint endpoint)
      : options_(std::move(options)),
        endpoint_(std::move(endpoint)),
        identity_(fmt::format("{}@{}", options_.model, endpoint_.shown_url())) {}

  const std::string& identity() const override { return identity_; }
  const std::string& name() const override { return options_.endpoint.model_name; }
  std::size_t tokens_max() const override {
    return options_.tokens_max == 0 ? assumed_tokens_max : options_.tokens_max;
  }
  /// As Cohere's and Jina's; a server that gives bare logits leaves it.
  ScoreRange range() const override { return {0, 1}; }

 private:
  Result<std::vector<float>> score(const Context& context, std::string_view query,
                                   const std::vector<std::string_view>& passages,
                                   Usage* usage) override {
    std::vector<float> scores;
    for (std::size_t at = 0; at < passages.size(); at += documents_max) {
      const std::size_t end = std::min(at + documents_max, passages.size());
      const std::vector<std::string_view> part(passages.begin() + static_cast<std::ptrdiff_t>(at),
                                               passages.begin() + static_cast<std::ptrdiff_t>(end));
      const auto more = TRY(ask(context, query, part, usage));
      scores.insert(scores.end(), more.begin(), more.end());
    }
    return scores;
  }

  Result<std::vector<float>> ask(const Context& context, std::string_view query,
                                 const std::vector<std::string_view>& passages, Usage* usage) {
    json::Array documents;
    for (const std::string_view passage : passages) documents.emplace_back(passage);
    json::Object body{{"model", options_.model},
                      {"query", query},
                      {"documents", std::move(documents)},
                      {"top_n", passages.size()}};
    if (options_.tokens_max > 0) body["max_tokens_per_doc"] = options_.tokens_max;
    const auto response = TRY(endpoint_.post(context, "/rerank", body));
    const auto value = json::parse(response.body);
    if (!value) return broken(fmt::format("is not JSON ({})", value.error().message()));
    const auto answer = json::from<WireRanks>(*value, json::Policy::ignore_unknown);
    if (!answer) return broken(answer.error().message());
    if (usage != nullptr) *usage += usage_of(*answer, passages.size());
    return in_order(*answer, passages.size());
  }

  Result<std::vector<float>> in_order(const WireRanks& answer, std::size_t count) const {
    if (answer.results.size() != count)
      return broken(fmt::format("has {} scores for {} passages", answer.results.size(), count));
    std::vector<float> scores(count);
    std::vector<bool> seen(count);
    for (const WireRank& rank : answer.results) {
      if (rank.index >= count || seen[rank.index])
        return broken(fmt::format("has the index {} twice or beyond the end", rank.index));
      if (!std::isfinite(rank.relevance_score)) return broken("has a score that is no number");
      seen[rank.index] = true;
      scores[rank.index] = rank.relevance_score;
    }
    return scores;
  }

  static Usage usage_of(const WireRanks& answer, std::size_t count) {
    Usage usage;
    if (answer.usage && answer.usage->total_tokens)
      usage.rerank_tokens = *answer.usage->total_tokens;
    if (answer.meta && answer.meta->billed_units && answer.meta->billed_units->search_units) {
      usage.search_units =
          static_cast<std::int64_t>(std::clamp(*answer.meta->billed_units->search_units, 0.0, 1e9));
    } else {
      usage.search_units =
          static_cast<std::int64_t>((count + documents_per_unit - 1) / documents_per_unit);
      usage.estimated = usage.rerank_tokens == 0;
    }
    return usage;
  }

  Error broken(std::string_view how) const {
    return endpoint_.error(Code::unavailable, fmt::format("its answer {}", how));
  }

  CohereRerankerOptions options_;
  RemoteEndpoint endpoint_;
  std::string identity_;
};

}  // namespace

Result<std::shared_ptr<Reranker>> open_cohere_reranker(CohereRerankerOptions options) {
  if (options.model.empty()) options.model = options.endpoint.model_name;
  auto endpoint = TRY(RemoteEndpoint::open(options.endpoint));
  return std::shared_ptr<Reranker>(
      std::make_shared<CohereReranker>(std::move(options), std::move(endpoint)));
}

}  // namespace slipway::models::detail
