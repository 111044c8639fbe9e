#include "eval/golden_set.hpp"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <set>

#include "core/files.hpp"
#include "core/json_exact.hpp"
#include "core/sha256.hpp"
#include "eval/golden_files.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t line_bytes_max = 64u << 20;
constexpr std::size_t set_max = 10'000'000;
constexpr std::size_t head_bytes = 64;  ///< `{"actual_output":"` and some words.

std::string where(std::uint32_t line) {
  return line > 0 ? fmt::format("line {}", line) : std::string("another golden");
}

}  // namespace

std::string GoldenSet::id(std::size_t index) const {
  const Place& place = places_[index];
  return texts_.read(place.begin, place.id_size);
}

std::string GoldenSet::canonical_at(std::size_t index) const {
  const Place& place = places_[index];
  return texts_.read(place.begin + place.id_size, place.size);
}

Golden GoldenSet::at(std::size_t index) const {
  const auto value = json::parse_exact(canonical_at(index));
  SLIPWAY_ASSERT(value.ok());
  auto golden = parse_golden(*value);
  SLIPWAY_ASSERT(golden.ok());
  return *std::move(golden);
}

std::optional<std::size_t> GoldenSet::find(std::string_view id) const {
  const auto [from, to] = by_id_.equal_range(std::hash<std::string_view>()(id));
  for (auto found = from; found != to; ++found)
    if (this->id(found->second) == id) return found->second;
  return std::nullopt;
}

Result<void> GoldenSet::add(Golden golden, std::uint32_t line) {
  if (places_.size() >= set_max)
    return fail(Code::invalid_argument, "a run takes at most {} goldens", set_max);
  identify(golden);
  const std::string text = canonical_with_id(golden);
  if (const auto other = find(golden.id)) {
    if (canonical_at(*other) == text) return {};  // Said twice.
    return fail(Code::conflict, "{} has the id '{}' of {}; give each golden its own", where(line),
                golden.id, where(places_[*other].line));
  }
  places_.push_back({.begin = TRY(texts_.add(golden.id + text)),
                     .id_size = static_cast<std::uint32_t>(golden.id.size()),
                     .size = static_cast<std::uint32_t>(text.size()),
                     .line = line});
  by_id_.emplace(std::hash<std::string_view>()(golden.id),
                 static_cast<std::uint32_t>(places_.size() - 1));
  return {};
}

std::string GoldenSet::version() const {
  std::vector<std::uint32_t> order(size());
  std::iota(order.begin(), order.end(), 0u);
  // Compared by what they begin with, so that few are read for it.
  std::string heads;
  heads.reserve(order.size() * head_bytes);
  for (const std::uint32_t each : order) {
    std::string text = canonical_at(each);
    text.resize(head_bytes, '\0');
    heads += text;
  }
  const auto head = [&](std::uint32_t i) {
    return std::string_view(heads).substr(i * head_bytes, head_bytes);
  };
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    const int difference = head(a).compare(head(b));
    return difference != 0 ? difference < 0 : a != b && canonical_at(a) < canonical_at(b);
  });
  Sha256Stream hash;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0) hash.add("\n");
    hash.add(canonical_at(order[i]));
  }
  return hash.finish();
}

namespace {

/// Whether the first record is one of our own, so that the file can be read line by line.
bool is_native_jsonl(const std::filesystem::path& file) {
  if (file.extension() != ".jsonl") return false;
  std::ifstream in(file, std::ios::binary);
  std::string line;
  while (std::getline(in, line) && line.size() <= line_bytes_max)
    if (line.find_first_not_of(" \t\r") != std::string::npos) {
      const auto value = json::parse_exact(line);
      // What is nearly ours is told in our words.
      return !value || !value->is_object() || value->get_object().contains("input") ||
             !(value->get_object().contains("user_input") ||
               value->get_object().contains("inputs") || value->get_object().contains("question"));
    }
  return true;
}

bool is_deepeval(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line;
  std::getline(in, line);
  return line.size() <= line_bytes_max &&
         (line.find("\"additional_metadata\"") != std::string::npos ||
          line.find("\"source_file\"") != std::string::npos);
}

/// The place names the line already; a column is all that is left to say.
Error in_line(const Error& error) {
  constexpr std::string_view first = "at line 1, ";
  std::string message = error.message();
  if (const std::size_t at = message.find(first); at != std::string::npos)
    message.replace(at, first.size(), "at ");
  return Error(error.code(), std::move(message));
}

}  // namespace

std::string GoldenSet::questions_version() const {
  std::vector<std::string> hashes;
  hashes.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) {
    Golden golden = at(i);
    golden.actual_output.reset();
    golden.retrieval_context.reset();
    golden.retrieved_ids.reset();
    golden.tools_called.reset();
    golden.latency_ms.reset();
    golden.cost_usd.reset();
    golden.trace_id.clear();
    hashes.push_back(sha256(canonical_with_id(golden)));
  }
  std::sort(hashes.begin(), hashes.end());
  return sha256(fmt::format("{}", fmt::join(hashes, "\n")));
}

Result<GoldenSet> load_golden_set(const std::filesystem::path& file) {
  if (is_native_jsonl(file) && !is_deepeval(file)) return read_jsonl_goldens(file);
  GoldenFile loaded = TRY(load_goldens(file));
  GoldenSet set;
  for (Golden& golden : loaded.goldens) TRY(set.add(std::move(golden)).within(file.string()));
  if (set.size() == 0) return fail(Code::invalid_argument, "{}: has no goldens", file.string());
  return set;
}

Result<GoldenSet> read_jsonl_goldens(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file))
    return fail(Code::not_found, "{}: there is no such file to read goldens from", file.string());
  GoldenSet set;
  std::string line;
  for (std::uint32_t number = 1; std::getline(in, line); ++number) {
    if (line.size() > line_bytes_max)
      return fail(Code::invalid_argument, "{}:{}: the line is longer than {} MB", file.string(),
                  number, line_bytes_max >> 20);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto place = fmt::format("{}:{}", file.string(), number);
    const auto parsed = json::parse_exact(line);
    if (!parsed) return in_line(parsed.error()).within(place);
    const json::Value& value = *parsed;
    Golden golden = TRY(parse_golden(value).within(place));
    TRY(set.add(std::move(golden), number).within(file.string()));
  }
  if (in.bad()) return fail(Code::unavailable, "{}: reading stopped", file.string());
  if (set.size() == 0)
    return fail(Code::invalid_argument, "{}: has no goldens; write one JSON object a line",
                file.string());
  return set;
}

std::vector<std::string> splits_of(const Golden& golden) {
  std::vector<std::string> splits;
  for (const char* member : {"dataset_split", "split"}) {
    const json::Value* value = golden.metadata.if_contains(member);
    if (value == nullptr) continue;
    if (value->is_string()) splits.emplace_back(value->get_string());
    if (!value->is_array()) continue;
    for (const json::Value& one : value->get_array())
      if (one.is_string()) splits.emplace_back(one.get_string());
  }
  if (splits.empty()) splits.emplace_back("base");
  return splits;
}

Result<GoldenSet> in_splits(const GoldenSet& goldens, const std::vector<std::string>& splits) {
  GoldenSet chosen;
  std::set<std::string> there;
  for (std::size_t i = 0; i < goldens.size(); ++i) {
    Golden golden = goldens.at(i);
    const auto own = splits_of(golden);
    there.insert(own.begin(), own.end());
    if (std::find_first_of(own.begin(), own.end(), splits.begin(), splits.end()) != own.end())
      TRY(chosen.add(std::move(golden), goldens.line(i)));
  }
  if (chosen.size() > 0) return chosen;
  constexpr std::size_t named_max = 20;
  std::vector<std::string> named(there.begin(), there.end());
  if (named.size() > named_max) named.resize(named_max);
  return fail(Code::not_found, "no golden is in split {}; there are: {}", fmt::join(splits, ", "),
              fmt::join(named, ", "));
}

}  // namespace slipway::eval
