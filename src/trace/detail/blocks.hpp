// Texts in compressed blocks, written front to back and read one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/result.hpp"
#include "trace/detail/packing.hpp"

struct ZSTD_CCtx_s;

namespace slipway::trace::detail {

/// A file that is written once, front to back, and takes its name when it is whole.
class NewFile {
 public:
  /// Fails: unavailable, forbidden.
  static Result<std::unique_ptr<NewFile>> create(const std::filesystem::path& path,
                                                 bool is_durable);
  ~NewFile();  ///< What was not finished is deleted.
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// The place where the bytes will stand. Fails: unavailable (the disk).
  Result<std::uint64_t> append(std::string_view bytes);
  /// To the next multiple of eight.
  Result<void> align();
  std::uint64_t size() const { return size_; }
  /// On disk, under its name. Fails: unavailable.
  Result<void> finish();

 private:
  NewFile(std::filesystem::path path, bool is_durable);
  Result<void> flush();

  const std::filesystem::path path_, temporary_;
  const bool is_durable_;
  int descriptor_ = -1;
  std::string buffer_;
  std::uint64_t size_ = 0;
};

/// The file's folder, so that a new name in it stays. Fails: unavailable.
Result<void> sync_folder(const std::filesystem::path& folder);

/// Where the texts of a stream are: its columns, as sections of the file.
struct BlockSections {
  std::string lengths, firsts, offsets, sizes;
  std::size_t blocks = 0, items = 0;
};

class BlockWriter {
 public:
  /// The file must outlive it.
  BlockWriter(NewFile& file, std::size_t block_bytes, int level);
  ~BlockWriter();
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  Result<void> add(std::string_view text);
  std::size_t count() const { return count_; }
  Result<BlockSections> finish();

 private:
  Result<void> flush();

  NewFile& file_;
  const std::size_t block_bytes_;
  const std::unique_ptr<ZSTD_CCtx_s, std::size_t (*)(ZSTD_CCtx_s*)> context_;
  ColumnWriter lengths_, firsts_, offsets_, sizes_;
  std::string open_;
  std::size_t open_count_ = 0, count_ = 0, blocks_ = 0;
};

using Block = std::shared_ptr<const std::string>;

/// A text and what keeps it.
struct BlockText {
  Block block;
  std::string_view text;
};

/// Blocks that were read lately. Safe to use from many threads.
class BlockCache {
 public:
  explicit BlockCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  Block find(std::uint64_t key);
  void put(std::uint64_t key, Block block);

 private:
  struct Entry {
    std::uint64_t key;
    Block block;
  };
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;  ///< The youngest first.
  std::unordered_map<std::uint64_t, std::list<Entry>::iterator> places_;
};

/// A stream of a file that must outlive it.
class BlockView {
 public:
  struct Parts {
    std::string_view file, lengths, firsts, offsets, sizes;
    std::size_t blocks = 0, items = 0;
  };
  BlockView() = default;
  /// Fails: invalid_argument (damaged).
  static Result<BlockView> open(const Parts& parts);

  std::size_t count() const { return lengths_.rows(); }
  std::size_t block_of(std::size_t item) const;
  /// Fails: invalid_argument (damaged).
  Result<Block> read_block(std::size_t block) const;
  /// The text of an item inside its block; empty when the two do not fit.
  std::string_view item_in(const std::string& block, std::size_t number, std::size_t item) const;

 private:
  std::string_view file_;
  ColumnView lengths_, firsts_, offsets_, sizes_;
};

/// Reads a stream in its order, each block once.
class BlockWalk {
 public:
  /// The view must outlive it.
  explicit BlockWalk(const BlockView& view) : view_(view) {}
  /// Valid until the next call.
  Result<std::string_view> item(std::size_t item);

 private:
  const BlockView& view_;
  std::size_t number_ = 0;
  Block block_;
};

}  // namespace slipway::trace::detail
