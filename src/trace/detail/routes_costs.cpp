#include "trace/detail/routes.hpp"
#include "trace/detail/times.hpp"
#include "trace/detail/wire.hpp"

namespace slipway::trace::detail {

namespace {

using Costs = http::Written<CostsShape>;
using Prices = http::Written<PriceList>;
using OnePrice = http::Created<http::Written<PriceShape>>;
using Repriced = http::Written<RepricingShape>;

Result<Prices> prices_of(const OwnPrices& prices, const std::string& model) {
  const auto book = prices.book();
  return Prices{prices_text(book->rows(model))};
}

void mount_prices(http::Api& api, const Services& services) {
  OwnPrices* const prices = &services.prices;
  api.get<PricesWish, Prices>("/api/prices",
                              {.summary = "List price rows, newest first",
                               .description = "Own rows go before those of the shipped table.",
                               .tag = "costs",
                               .role = "read",
                               .name = "list_prices"},
                              [prices](const http::Call&, const PricesWish& wish) {
                                return prices_of(*prices, wish.model);
                              });
  api.get<PricePath, Prices>("/api/prices/{model...}",
                             {.summary = "The price rows of a model, newest first",
                              .tag = "costs",
                              .role = "read",
                              .name = "get_prices",
                              .fails = {Code::not_found}},
                             [prices](const http::Call&, const PricePath& path) -> Result<Prices> {
                               if (prices->book()->rows(path.model).empty())
                                 return fail(Code::not_found, "there is no price of model '{}'",
                                             path.model);
                               return prices_of(*prices, path.model);
                             });
  api.put<PricePath, json::Object, OnePrice>(
      "/api/prices/{model...}",
      {.summary = "Add a price row for a model",
       .description =
           "The keys of LiteLLM's table (`input_cost_per_token` ...), dollars as decimals, and "
           "optionally `provider` and `valid_from` (RFC 3339): absent, the model's first own row "
           "holds ever since, others from now on. Older rows stay; what is priced already does "
           "not change until `POST /api/prices/reprice`.",
       .tag = "costs",
       .role = "admin",
       .name = "put_price",
       .request_example = R"({"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05})"},
      [prices](const http::Call& call, const PricePath& path,
               const json::Object&) -> Result<OnePrice> {
        // From the text itself: numbers that were parsed have lost digits.
        const PriceRow row = TRY(prices->add(call.context(), path.model, call.request().body));
        return OnePrice{{price_text(row)}, "/api/prices/" + path.model};
      });
}

}  // namespace

void mount_costs(http::Api& api, const Services& services) {
  TraceStore* const store = &services.store;
  api.get<CostsWish, Costs>(
      "/api/costs",
      {.summary = "Sum up what runs cost", .tag = "costs", .role = "read", .name = "costs"},
      [services](const http::Call& call, const CostsWish& wish) -> Result<Costs> {
        Query query = TRY(
            resolved(call, services, query_of(static_cast<const Selection&>(wish)), Listed::runs));
        query.trace_id = wish.trace_id;
        return Costs{costs_text(TRY(services.store.costs(call.context(), query, wish.group_by)))};
      });
  mount_prices(api, services);
  api.post<http::NoParameters, RepriceBody, Repriced>(
      "/api/prices/reprice",
      {.summary = "Price runs again",
       .description = "In one transaction. Without this nothing that is priced ever changes.",
       .tag = "costs",
       .role = "admin",
       .name = "reprice",
       .fails = {Code::not_found}},
      [store](const http::Call& call, const http::NoParameters&,
              const RepriceBody& body) -> Result<Repriced> {
        Repricing wish{.model = body.model, .from = {}, .to = {}, .price_id = body.price_id};
        if (body.from) wish.from = TRY(parse_nanoseconds(*body.from).within("from"));
        if (body.to) wish.to = TRY(parse_nanoseconds(*body.to).within("to"));
        return Repriced{repricing_text(TRY(store->reprice(call.context(), wish)))};
      });
}

}  // namespace slipway::trace::detail
