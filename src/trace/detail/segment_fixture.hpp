// A store as files, which may be opened again, for the tests of this module.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "trace/store.hpp"

namespace slipway::trace::detail {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline constexpr Nanoseconds base = 1'795'420'800'000'000'000;
inline constexpr Nanoseconds millisecond = 1'000'000;
inline constexpr Nanoseconds day = 86'400'000 * millisecond;

inline RunPatch run(const std::string& trace, const std::string& id, const std::string& parent,
                    std::int64_t at) {
  RunPatch patch;
  patch.trace_id = trace;
  patch.id = id;
  if (!parent.empty()) patch.parent_id = parent;
  patch.name = "run " + id;
  patch.start = base + at * millisecond;
  patch.end = *patch.start + 5 * millisecond;
  return patch;
}

/// A folder with a store in it, which may be opened again.
struct Place {
  std::filesystem::path path = [] {
    std::string name = std::filesystem::temp_directory_path() / "slipway-segments-XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    return name;
  }();
  /// What is known of prices, for stores that are opened from then on.
  std::function<std::shared_ptr<const PriceBook>()> prices;
  std::unique_ptr<TraceStore> store;
  Context context;

  explicit Place(std::size_t memory = 1) { open(memory); }
  ~Place() {
    store.reset();
    std::filesystem::remove_all(path);
  }
  void open(std::size_t memory = 1) {
    store.reset();
    store = must(
        TraceStore::open({.path = path / "traces", .memory_bytes_max = memory, .prices = prices}));
  }
  std::size_t files(std::string_view end) const {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(path / "traces"))
      count += file.path().string().ends_with(end) ? 1 : 0;
    return count;
  }
  /// Waits until what is set aside is in files and nothing is merged any more.
  void wait_for_files(std::size_t most) const {
    for (int i = 0; i < 500 && files(".traces") > most; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(files(".traces") <= most);
  }
  /// Waits until all files have their sums beside them, and nothing is written any more.
  void wait_for_sums() const {
    std::uintmax_t size = 0, before = 1;
    for (int i = 0; i < 100 && (size != before || files(".sums") < files(".traces")); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      before = std::exchange(size, 0);
      for (const auto& file : std::filesystem::directory_iterator(path / "traces"))
        if (file.path().extension() == ".sums") size += file.file_size();
    }
  }
  std::vector<std::string> found(const Query& query) {
    std::vector<std::string> ids;
    for (const Run& one : must(store->runs(context, query)).items) ids.push_back(one.id);
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  std::vector<std::string> words(std::string_view text) {
    Query query;
    query.text = parse_text_query(text);
    query.limit = 1000;
    return found(query);
  }
};

}  // namespace slipway::trace::detail
