// Price rows that nobody added by hand: of slipway.yaml, and of the table that is shipped.
#include "core/files.hpp"
#include "core/json_members.hpp"
#include "core/unicode.hpp"
#include "trace/detail/times.hpp"
#include "trace/own_prices.hpp"

namespace slipway::trace {

namespace {

constexpr std::string_view declared_source = "slipway.yaml";
constexpr const char* table_file = "litellm.json";
constexpr const char* version_file = "litellm.version";
constexpr std::uint64_t table_bytes_max = 64u << 20;

Result<PriceRow> declared_row(const std::string& model, const json::Value& value) {
  const std::string text = json::dump(value);
  PriceRow row = TRY(parse_price_row(text));
  row.model = model;
  row.source = declared_source;
  if (const std::string_view from = json::member(text, "valid_from"); from.starts_with('"'))
    row.valid_from = TRY(detail::parse_nanoseconds(json::unquoted(from)).within("valid_from"));
  else if (!from.empty() && from != "null")
    return fail(Code::invalid_argument,
                "valid_from: expected a time such as \"2026-01-01T00:00:00Z\", got {}",
                from.substr(0, 60));
  row.price_id = declared_price_id(row);
  return row;
}

}  // namespace

std::string declared_price_id(const PriceRow& row) {
  constexpr std::string_view algorithm = "sha256:";
  constexpr std::size_t digits = 16;
  const std::string content = fmt::format("{} {}", price_row_json(row), row.valid_from);
  return "declared-" + sha256(content).substr(algorithm.size(), digits);
}

Result<std::vector<PriceRow>> declared_prices(const std::map<std::string, json::Value>& prices) {
  std::vector<PriceRow> rows;
  for (const auto& [model, value] : prices) {
    const std::string place = "prices." + model;
    if (model.empty()) return fail(Code::invalid_argument, "prices: a model has no name");
    if (const json::Array* list = value.if_array()) {
      for (const json::Value& one : *list)
        rows.push_back(TRY(declared_row(model, one).within(place)));
    } else {
      rows.push_back(TRY(declared_row(model, value).within(place)));
    }
  }
  return rows;
}

std::filesystem::path shipped_prices_folder() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (program.parent_path() / ".." / "share" / "slipway" / "prices").lexically_normal();
}

Result<std::vector<PriceRow>> read_shipped_prices(const std::filesystem::path& folder) {
  const std::string version = TRY(read_file(folder / version_file, 1024));
  const std::string table = TRY(read_file(folder / table_file, table_bytes_max));
  return read_litellm_table(table, std::string(unicode::trim(version)))
      .within((folder / table_file).string());
}

}  // namespace slipway::trace
