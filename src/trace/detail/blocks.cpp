#include "trace/detail/blocks.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>

#include "core/fault.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::size_t buffer_bytes = 1u << 20;
constexpr std::size_t items_max = 1024;  ///< Of a block, so that its lengths are added up quickly.
/// More than any text that was ever taken.
constexpr std::uint64_t block_bytes_most = 1u << 30;

Error from_errno(std::string_view doing, const std::filesystem::path& path) {
  return fail(errno == EACCES || errno == EROFS ? Code::forbidden : Code::unavailable,
              "cannot {} {}: {}", doing, path.string(), std::strerror(errno));
}

Error damaged() { return fail(Code::invalid_argument, "a block of stored traces is damaged"); }

}  // namespace

Result<void> sync_folder(const std::filesystem::path& folder) {
  TRY(fault_point(FaultKind::file, "sync folder"));
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return from_errno("open", folder);
  const bool is_synced = ::fsync(descriptor) == 0;
  const Error error = from_errno("sync", folder);
  ::close(descriptor);
  if (!is_synced) return error;
  return {};
}

NewFile::NewFile(std::filesystem::path path, bool is_durable)
    : path_(std::move(path)), temporary_(path_.string() + ".new"), is_durable_(is_durable) {}

Result<std::unique_ptr<NewFile>> NewFile::create(const std::filesystem::path& path,
                                                 bool is_durable) {
  TRY(fault_point(FaultKind::file, "create"));
  auto file = std::unique_ptr<NewFile>(new NewFile(path, is_durable));
  file->descriptor_ =
      ::open(file->temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file->descriptor_ < 0) return from_errno("create", file->temporary_);
  return file;
}

NewFile::~NewFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

Result<void> NewFile::flush() {
  TRY(fault_point(FaultKind::file, "write"));
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return from_errno("write", temporary_);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
  return {};
}

Result<std::uint64_t> NewFile::append(std::string_view bytes) {
  const std::uint64_t place = size_;
  buffer_ += bytes;
  size_ += bytes.size();
  if (buffer_.size() >= buffer_bytes) TRY(flush());
  return place;
}

Result<void> NewFile::align() {
  if (size_ % 8 != 0) TRY(append(std::string(8 - size_ % 8, '\0')));
  return {};
}

Result<void> NewFile::finish() {
  TRY(flush());
  TRY(fault_point(FaultKind::file, "fsync"));
  if (is_durable_ && ::fsync(descriptor_) != 0) return from_errno("sync", temporary_);
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const Error error = from_errno("rename", temporary_);
    ::unlink(temporary_.c_str());
    return error;
  }
  if (is_durable_) TRY(sync_folder(path_.parent_path()));
  return {};
}

BlockWriter::BlockWriter(NewFile& file, std::size_t block_bytes, int level)
    : file_(file), block_bytes_(block_bytes), context_(ZSTD_createCCtx(), &ZSTD_freeCCtx) {
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
}

BlockWriter::~BlockWriter() = default;

Result<void> BlockWriter::add(std::string_view text) {
  open_ += text;
  lengths_.add(static_cast<std::int64_t>(text.size()));
  ++count_;
  ++open_count_;
  if (open_.size() >= block_bytes_ || open_count_ == items_max) return flush();
  return {};
}

Result<void> BlockWriter::flush() {
  std::string packed(ZSTD_compressBound(open_.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(context_.get(), packed.data(), packed.size(), open_.data(), open_.size());
  if (ZSTD_isError(size) != 0)
    return fail(Code::internal, "traces cannot be compressed: {}", ZSTD_getErrorName(size));
  packed.resize(size);
  offsets_.add(static_cast<std::int64_t>(TRY(file_.append(packed))));
  sizes_.add(static_cast<std::int64_t>(size));
  firsts_.add(static_cast<std::int64_t>(count_));  // Of the next block.
  ++blocks_;
  open_.clear();
  open_count_ = 0;
  return {};
}

Result<BlockSections> BlockWriter::finish() {
  if (open_count_ > 0) TRY(flush());
  return BlockSections{lengths_.finish(), firsts_.finish(), offsets_.finish(),
                       sizes_.finish(),   blocks_,          count_};
}

Block BlockCache::find(std::uint64_t key) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(key);
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->block;
}

void BlockCache::put(std::uint64_t key, Block block) {
  const std::lock_guard lock(mutex_);
  if (places_.count(key) > 0 || block->size() > bytes_max_ / 2) return;
  bytes_ += block->size();
  entries_.push_front({key, std::move(block)});
  places_[key] = entries_.begin();
  while (bytes_ > bytes_max_) {
    bytes_ -= entries_.back().block->size();
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

Result<BlockView> BlockView::open(const Parts& parts) {
  BlockView view;
  view.file_ = parts.file;
  view.lengths_ = TRY(ColumnView::open(parts.lengths, parts.items));
  view.firsts_ = TRY(ColumnView::open(parts.firsts, parts.blocks));
  view.offsets_ = TRY(ColumnView::open(parts.offsets, parts.blocks));
  view.sizes_ = TRY(ColumnView::open(parts.sizes, parts.blocks));
  return view;
}

std::size_t BlockView::block_of(std::size_t item) const {
  return firsts_.lower_bound(static_cast<std::int64_t>(item) + 1);
}

Result<Block> BlockView::read_block(std::size_t block) const {
  if (block >= offsets_.rows()) return damaged();
  const auto offset = static_cast<std::uint64_t>(offsets_.at(block));
  const auto size = static_cast<std::uint64_t>(sizes_.at(block));
  if (offset > file_.size() || size > file_.size() - offset) return damaged();
  const char* const from = file_.data() + offset;
  const std::uint64_t raw = ZSTD_getFrameContentSize(from, size);
  if (raw > block_bytes_most) return damaged();
  auto text = std::make_shared<std::string>(raw, '\0');
  if (ZSTD_decompress(text->data(), raw, from, size) != raw) return damaged();
  return Block(std::move(text));
}

std::string_view BlockView::item_in(const std::string& block, std::size_t number,
                                    std::size_t item) const {
  std::size_t first = number == 0 ? 0 : static_cast<std::size_t>(firsts_.at(number - 1));
  std::uint64_t offset = 0;
  for (; first < item; ++first) offset += static_cast<std::uint64_t>(lengths_.at(first));
  const auto length = static_cast<std::uint64_t>(lengths_.at(item));
  if (offset > block.size() || length > block.size() - offset) return {};
  return std::string_view(block).substr(offset, length);
}

Result<std::string_view> BlockWalk::item(std::size_t item) {
  if (item >= view_.count()) return damaged();
  const std::size_t number = view_.block_of(item);
  if (!block_ || number != number_) block_ = TRY(view_.read_block(number));
  number_ = number;
  return view_.item_in(*block_, number, item);
}

}  // namespace slipway::trace::detail
