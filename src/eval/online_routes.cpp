#include "eval/online_routes.hpp"

namespace slipway::eval {

namespace {

struct RatesWish {
  int hours = 24;
  Result<void> validate() const {
    constexpr int hours_max = 24 * 30;
    if (hours < 1 || hours > hours_max)
      return fail(Code::invalid_argument, "hours: {} is not in 1..{}", hours, hours_max);
    return {};
  }
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
