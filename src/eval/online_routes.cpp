#include "eval/online_routes.hpp"

namespace slipway::eval {

namespace {

struct RatesWish {
  int hours = 24;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "hours": {"minimum": 1, "maximum": 720, "description": "How far back from now."}}})";
};
BOOST_DESCRIBE_STRUCT(RatesWish, (), (hours))

struct RateList {
  std::vector<OnlineRate> items;  ///< Youngest hour first.
};
BOOST_DESCRIBE_STRUCT(RateList, (), (items))

}  // namespace

void mount_online(http::Api& api, OnlineEvaluations& online) {
  api.get<RatesWish, RateList>(
      "/api/online-evaluations",
      {.summary = "Scores of sampled traces by the hour, with intervals",
       .tag = "evaluations",
       .role = "read",
       .name = "list_online_evaluations"},
      [&online](const http::Call& call, const RatesWish& wish) -> Result<RateList> {
        return RateList{TRY(online.rates(call.context(), wish.hours))};
      });
}

}  // namespace slipway::eval
