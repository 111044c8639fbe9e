#include "app/detail/priced_catalog.hpp"

#include "trace/origin.hpp"

namespace slipway::app::detail {

namespace {

double per_million(const trace::PriceRow& row, std::string_view key) {
  constexpr double million = 1e6;
  const auto found = row.keys.find(key);
  return found == row.keys.end() ? 0 : found->second.dollars() * million;
}

class PricedCatalog final : public models::Catalog {
 public:
  explicit PricedCatalog(PricedCatalogOptions options) : options_(std::move(options)) {}

  Result<std::vector<models::ModelInfo>> list() const override { return inner().list(); }
  Result<models::ModelInfo> pull(const Context& context, const std::string& name) override {
    return inner().pull(context, name);
  }
  Result<models::ModelInfo> import(const Context& context, const std::filesystem::path& source,
                                   const std::string& name) override {
    return inner().import(context, source, name);
  }
  Result<std::shared_ptr<models::Embedder>> embedder(const Context& context,
                                                     const std::string& name) override {
    return inner().embedder(context, name);
  }
  Result<std::shared_ptr<models::ChatModel>> chat_model(const Context& context,
                                                        const std::string& name) override {
    return inner().chat_model(context, name);
  }
  Result<std::shared_ptr<models::Reranker>> reranker(const Context& context,
                                                     const std::string& name) override {
    return inner().reranker(context, name);
  }

  std::optional<models::Price> price(const std::string& name) const override {
    if (const auto declared = inner().price(name)) return declared;
    const rag::TracedModel model = options_.traced_model(name);
    const auto book = options_.book();
    const trace::PriceRow* row =
        book->find_first({model.model, model.request_model}, model.provider,
                         trace::nanoseconds(system_clock().now()));
    if (row == nullptr) return {};
    constexpr double thousands_per_million = 1e3;
    return models::Price{.input_usd_per_million = per_million(*row, "input_cost_per_token"),
                         .output_usd_per_million = per_million(*row, "output_cost_per_token"),
                         .search_usd_per_thousand =
                             per_million(*row, "input_cost_per_query") / thousands_per_million};
  }

 private:
  models::Catalog& inner() const { return *options_.catalog; }
  const PricedCatalogOptions options_;
};

}  // namespace

std::shared_ptr<models::Catalog> make_priced_catalog(PricedCatalogOptions options) {
  return std::make_shared<PricedCatalog>(std::move(options));
}

}  // namespace slipway::app::detail
