#include "trace/own_prices.hpp"

#include "core/json_members.hpp"
#include "core/log.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace {

namespace {

constexpr std::size_t model_bytes_max = 256;
constexpr std::string_view own_source = "own";

/// A member that is a string or null; absent or null: nothing.
Result<std::optional<std::string>> text_member(std::string_view object, std::string_view key) {
  const std::string_view value = json::member(object, key);
  if (value.empty() || value == "null") return std::optional<std::string>();
  if (!value.starts_with('"'))
    return fail(Code::invalid_argument, "{}: expected a string, got {}", key, value.substr(0, 60));
  return std::optional(json::unquoted(value));
}

}  // namespace

std::vector<store::Migration> price_migrations() {
  return {{"trace_prices", 1, R"sql(
    CREATE TABLE trace_prices(
      n INTEGER PRIMARY KEY,
      price_id TEXT NOT NULL UNIQUE,
      model TEXT NOT NULL,
      provider TEXT NOT NULL,
      valid_from_ns INTEGER NOT NULL,
      created_at TEXT NOT NULL,
      row TEXT NOT NULL);  -- As it was given, so that no digit is lost.
    CREATE INDEX trace_prices_model ON trace_prices(model);
  )sql"}};
}

Result<std::unique_ptr<OwnPrices>> OwnPrices::open(Options options) {
  auto prices = std::make_unique<OwnPrices>(std::move(options));
  TRY(prices->load(Context()));
  return prices;
}

OwnPrices::OwnPrices(Options options) : options_(std::move(options)) {
  state_.with([&](State& state) { state.join(); });
}

void OwnPrices::State::join() {
  std::vector<PriceRow> own = declared;
  own.insert(own.end(), added.begin(), added.end());
  book = std::make_shared<const PriceBook>(shipped.with_own(std::move(own)));
}

void OwnPrices::read_shipped() const {
  if (!options_.read_shipped) return;
  auto rows = options_.read_shipped();
  if (!rows) {
    log::warning("prices: only those of slipway.yaml and /api/prices are known: {}",
                 rows.error().message());
    return;
  }
  PriceBook shipped(*std::move(rows), {});
  state_.with([&](State& state) {
    state.shipped = std::move(shipped);
    state.join();
  });
}

void OwnPrices::set_declared(std::vector<PriceRow> rows) {
  state_.with([&](State& state) {
    state.declared = std::move(rows);
    state.join();
  });
}

std::shared_ptr<const PriceBook> OwnPrices::book() const {
  std::call_once(shipped_once_, [this] { read_shipped(); });
  return state_.with([](const State& state) { return state.book; });
}

Result<PriceRow> OwnPrices::add(const Context& context, const std::string& model,
                                const std::string& json_text) {
  if (model.empty() || model.size() > model_bytes_max)
    return fail(Code::invalid_argument, "model: its name has 1 to {} bytes, this one {}",
                model_bytes_max, model.size());
  PriceRow row = TRY(parse_price_row(json_text));
  row.price_id = make_id("price", options_.clock);
  row.model = model;
  row.provider = TRY(text_member(json_text, "provider")).value_or("");
  row.source = own_source;
  const auto valid_from = TRY(text_member(json_text, "valid_from"));
  if (valid_from) row.valid_from = TRY(detail::parse_nanoseconds(*valid_from).within("valid_from"));
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    if (!valid_from) {
      auto first = TRY(connection.prepare("SELECT 1 FROM trace_prices WHERE model = ?"));
      const bool has_rows = TRY(first.bind(0, model).step());
      constexpr Nanoseconds per_microsecond = 1000;
      row.valid_from =
          has_rows ? options_.clock.now().time_since_epoch().count() * per_microsecond : 0;
    }
    auto insert = TRY(connection.prepare(
        "INSERT INTO trace_prices(price_id, model, provider, valid_from_ns, created_at, row) "
        "VALUES (?, ?, ?, ?, ?, ?)"));
    insert.bind(0, row.price_id).bind(1, row.model).bind(2, row.provider);
    insert.bind(3, row.valid_from).bind(4, format_time(options_.clock.now())).bind(5, json_text);
    return insert.run();
  }));
  TRY(load(context));
  return row;
}

Result<void> OwnPrices::load(const Context& context) {
  // Within the lock, so that of two that add the later book has both rows.
  return state_.with([&](State& state) -> Result<void> {
    std::vector<PriceRow> added;
    TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
      auto select = TRY(connection.prepare(
          "SELECT price_id, model, provider, valid_from_ns, row FROM trace_prices ORDER BY n"));
      while (TRY(select.step())) {
        PriceRow row = TRY(parse_price_row(select.text(4)).within(select.text(0)));
        row.price_id = select.text(0);
        row.model = select.text(1);
        row.provider = select.text(2);
        row.valid_from = select.integer(3);
        row.source = own_source;
        added.push_back(std::move(row));
      }
      return {};
    }));
    state.added = std::move(added);
    state.join();
    return {};
  });
}

}  // namespace slipway::trace
