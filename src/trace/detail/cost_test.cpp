// The rules of cost, one by one (tests/data/trace/cost_vectors.json): what was sent, what it counts
// as, and what each bucket costs to the picodollar.
#include <doctest/doctest.h>

#include <filesystem>

#include "core/files.hpp"
#include "trace/prices.hpp"

namespace slipway::trace {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return *std::move(result);
}

std::string data(const char* name) {
  return must(read_file(std::filesystem::path(SLIPWAY_TEST_DATA) / name));
}

std::vector<PriceRow> table() {
  return must(read_litellm_table(data("price_table.json"), "made up"));
}

struct Sent {
  std::optional<std::int64_t> input, output, total, cache_read, cache_write, cache_write_5m,
      cache_write_1h, reasoning, input_audio, output_audio;
  Convention convention = Convention::inclusive;
};
BOOST_DESCRIBE_STRUCT(Sent, (),
                      (input, output, total, cache_read, cache_write, cache_write_5m,
                       cache_write_1h, reasoning, input_audio, output_audio, convention))

struct Client {
  std::optional<double> input, output, total;
};
BOOST_DESCRIBE_STRUCT(Client, (), (input, output, total))

struct Vector {
  std::string name, note, model, requested, provider, tier;
  Nanoseconds time = 1'000'000;
  Sent sent;
  std::optional<Client> client;
  std::optional<json::Object> row;  ///< Instead of the tables.
  std::array<std::int64_t, 3> usage{};
  bool corrected = false;
  std::map<std::string, std::array<std::int64_t, 2>> lines;
  std::optional<std::int64_t> total, priced;
  std::string applied = "standard";
};
BOOST_DESCRIBE_STRUCT(Vector, (),
                      (name, note, model, requested, provider, tier, time, sent, client, row, usage,
                       corrected, lines, total, priced, applied))

struct Vectors {
  std::string about;
  std::vector<json::Object> own;
  std::vector<Vector> cases;
};
BOOST_DESCRIBE_STRUCT(Vectors, (), (about, own, cases))

SentUsage to_sent(const Sent& sent) {
  SentUsage usage;
  usage.input = sent.input;
  usage.output = sent.output;
  usage.total = sent.total;
  usage.cache_read = sent.cache_read;
  usage.cache_write = sent.cache_write;
  usage.cache_write_5m = sent.cache_write_5m;
  usage.cache_write_1h = sent.cache_write_1h;
  usage.reasoning = sent.reasoning;
  usage.input_audio = sent.input_audio;
  usage.output_audio = sent.output_audio;
  usage.convention = sent.convention;
  return usage;
}

PriceRow own_row(json::Object object) {
  Nanoseconds valid_from = 0;
  if (const json::Value* time = object.if_contains("valid_from"))
    valid_from = time->to_number<Nanoseconds>();
  PriceRow row = must(parse_price_row(json::dump(object)));
  row.valid_from = valid_from;
  row.price_id = fmt::format("{}@{}", row.model, valid_from);
  return row;
}

std::optional<Cost> cost_in(const Vector& vector, const PriceBook& tables, const Usage& usage) {
  const PriceBook book = vector.row ? PriceBook({}, {own_row(*vector.row)}) : tables;
  std::vector<std::string> models{vector.model};
  if (!vector.requested.empty()) models.push_back(vector.requested);
  std::optional<Cost> cost;
  if (const PriceRow* row = book.find_first(models, vector.provider, vector.time))
    cost = cost_of(usage, *row, vector.tier);
  if (!vector.client) return cost;
  return with_client_cost(std::move(cost),
                          {vector.client->input, vector.client->output, vector.client->total});
}

void check(const Vector& vector, const PriceBook& tables) {
  INFO(vector.name, ": ", vector.note);
  const InclusiveUsage counted = inclusive_usage(to_sent(vector.sent));
  const Usage& usage = counted.usage;
  CHECK(counted.is_corrected == vector.corrected);
  CHECK(usage.convention == (vector.corrected ? Convention::exclusive : vector.sent.convention));
  CHECK(std::array{usage.input_tokens, usage.output_tokens, usage.total_tokens} == vector.usage);
  const auto cost = cost_in(vector, tables, usage);
  REQUIRE(cost.has_value() == vector.total.has_value());
  if (!cost) return;
  CHECK(cost->total.value == *vector.total);
  CHECK(cost->tier == vector.applied);
  std::map<std::string, std::array<std::int64_t, 2>> lines;
  std::int64_t tokens = 0;
  for (const CostLine& line : cost->lines) {
    lines[line.bucket] = {line.tokens, line.usd.value};
    tokens += line.tokens;
  }
  CHECK(lines == vector.lines);
  CHECK(cost->is_from_client == (vector.client && vector.client->total.value_or(0) >= 0));
  CHECK((cost->priced ? std::optional(cost->priced->value) : std::nullopt) == vector.priced);
  if (!cost->price_id.empty()) CHECK(tokens == usage.input_tokens + usage.output_tokens);
}

}  // namespace

TEST_CASE("every vector of cost comes out to the picodollar") {
  const Vectors vectors = must(json::from<Vectors>(must(json::parse(data("cost_vectors.json")))));
  std::vector<PriceRow> own;
  for (const json::Object& row : vectors.own) own.push_back(own_row(row));
  const PriceBook tables(table(), std::move(own));
  REQUIRE(vectors.cases.size() >= 40);
  for (const Vector& vector : vectors.cases) check(vector, tables);
}

TEST_CASE("usage whose parts exceed it never makes more tokens than it") {
  const PriceBook book(table(), {});
  Usage usage;
  usage.input_tokens = 10;
  usage.output_tokens = 4;
  usage.cache_read_tokens = 8;
  usage.cache_write_tokens = 8;
  usage.cache_write_1h_tokens = 8;
  usage.input_audio_tokens = 8;
  usage.reasoning_tokens = 3;
  usage.output_audio_tokens = 3;
  const auto cost = cost_of(usage, *book.find("terra-4", "", 0), "");
  REQUIRE(cost);
  std::int64_t tokens = 0;
  for (const CostLine& line : cost->lines) tokens += line.tokens;
  CHECK(tokens == 14);
  usage.input_tokens = -5;
  usage.output_tokens = -5;
  CHECK(cost_of(usage, *book.find("terra-4", "", 0), "")->lines.empty());
}

TEST_CASE("a cost on the wire has numbers that read as the decimals they are") {
  const PriceBook book(table(), {});
  Usage usage;
  usage.input_tokens = 1234;
  usage.output_tokens = 7;
  usage.total_tokens = 1241;
  auto cost = cost_of(usage, *book.find("nova-1", "", 0), "batch");
  REQUIRE(cost);
  CHECK(to_json(*cost) == *json::parse(R"({"total_usd": 0.0015775, "lines": [
            {"bucket": "input", "tokens": 1234, "usd_per_token": 1.25e-06, "usd": 0.0015425},
            {"bucket": "output", "tokens": 7, "usd_per_token": 5e-06, "usd": 3.5e-05}],
            "price_id": ")" + cost->price_id +
                                       R"(", "tier": "batch", "source": "priced"})"));
  const auto client = with_client_cost(std::move(cost), {.total = 0.25});
  const json::Value wire = to_json(*client);
  CHECK(wire.at("total_usd") == 0.25);
  CHECK(wire.at("priced_usd") == 0.0015775);
  CHECK(wire.at("source") == "client");
  const json::Value alone = to_json(*with_client_cost({}, {.output = 0.5}));
  CHECK(alone.at("priced_usd").is_null());
  CHECK(alone.at("price_id").is_null());
  CHECK(!with_client_cost({}, {}));
}

TEST_CASE("a model that is paid by time costs its seconds, and tokens only if the row says so") {
  const auto row = parse_price_row(R"({"cost_per_call_second":0.0001})");
  REQUIRE(row.ok());
  Usage usage;
  usage.input_tokens = 100;
  usage.output_tokens = 10;
  usage.total_tokens = 110;
  const auto cost = cost_of(usage, *row, "", 2500);
  REQUIRE(cost.has_value());
  REQUIRE(cost->lines.size() == 1);
  CHECK(cost->lines[0].bucket == "time");
  CHECK(cost->lines[0].tokens == 2500);
  CHECK(cost->total.value == 250'000'000);
  const auto both =
      parse_price_row(R"({"cost_per_call_second":0.0001,"output_cost_per_token":1e-6})");
  CHECK(cost_of(usage, *both, "", 1000)->total.value == 110'000'000);
}

}  // namespace slipway::trace
