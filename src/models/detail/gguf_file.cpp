// The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#include "models/detail/gguf_file.hpp"

#include <ggml.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

#include "core/mapped_file.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::uint32_t default_alignment = 32;
constexpr std::uint64_t count_max = 1u
                                    << 20;  // Of keys and of tensors; real models have thousands.
constexpr std::uint64_t array_items_max = 1u << 26;
constexpr std::uint32_t tensor_dimensions_max = 4;

enum class Type : std::uint32_t { string = 8, array = 9, count = 13 };
constexpr std::uint32_t uint32_type = 4;
constexpr std::uint64_t type_bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

class Reader {
 public:
  Reader(std::string_view head, std::uint64_t file_bytes) : head_(head), file_bytes_(file_bytes) {}

  Result<GgufHead> read() {
    if (!head_.starts_with("GGUF"))
      return fail(Code::invalid_argument, "it does not begin with 'GGUF', so it is no GGUF file");
    at_ = 4;
    const auto version = TRY(number<std::uint32_t>("version"));
    if (version != 2 && version != 3)
      return fail(Code::invalid_argument, "its GGUF version is {}; 2 and 3 can be read", version);
    const auto tensors = TRY(count("tensors", count_max));
    const auto keys = TRY(count("keys", count_max));
    for (std::uint64_t i = 0; i < keys; ++i) TRY(read_key().within(fmt::format("key {}", i)));
    if (result_.architecture.empty())
      return fail(Code::invalid_argument, "general.architecture is missing");
    for (std::uint64_t i = 0; i < tensors; ++i)
      TRY(read_tensor().within(fmt::format("tensor {}", i)));
    result_.tensors = tensors;
    result_.data_start = (at_ + alignment_ - 1) / alignment_ * alignment_;
    if (tensors > 0 && tensors_end_ > file_bytes_ - std::min(file_bytes_, result_.data_start))
      return fail(Code::invalid_argument,
                  "the weights need {} bytes, but the file has only {}: it is cut",
                  result_.data_start + tensors_end_, file_bytes_);
    return std::move(result_);
  }

 private:
  Result<std::string_view> take(std::uint64_t bytes, std::string_view what) {
    if (bytes > head_.size() - at_)
      return fail(Code::invalid_argument, "{} at byte {} goes beyond the end of the file", what,
                  at_);
    const std::string_view taken = head_.substr(at_, bytes);
    at_ += bytes;
    return taken;
  }

  template <typename T>
  Result<T> number(std::string_view what) {
    const std::string_view bytes = TRY(take(sizeof(T), what));
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);  // GGUF is little endian, and so are we.
    static_assert(std::endian::native == std::endian::little);
    return value;
  }

  Result<std::uint64_t> count(std::string_view what, std::uint64_t max) {
    const auto value = TRY(number<std::uint64_t>(what));
    if (value > max)
      return fail(Code::invalid_argument, "the number of {} is {}, more than {}", what, value, max);
    return value;
  }

  Result<std::string_view> string(std::string_view what) {
    const auto bytes = TRY(number<std::uint64_t>(what));
    return take(bytes, what);
  }

  Result<void> skip(std::uint32_t type, std::uint64_t items) {
    if (type >= static_cast<std::uint32_t>(Type::count) ||
        type == static_cast<std::uint32_t>(Type::array))
      return fail(Code::invalid_argument, "{} is no type of a value", type);
    if (type != static_cast<std::uint32_t>(Type::string)) {
      TRY(take(items * type_bytes[type], "a value"));
      return {};
    }
    for (std::uint64_t i = 0; i < items; ++i) TRY(string("a string"));
    return {};
  }

  Result<void> read_key() {
    const std::string key(TRY(string("a key")));
    if (key.empty() || key.size() > 65535 || !keys_.insert(key).second)
      return fail(Code::invalid_argument, "'{}' is empty, too long or there twice",
                  std::string_view(key).substr(0, 80));
    const auto type = TRY(number<std::uint32_t>("a type"));
    if (type == static_cast<std::uint32_t>(Type::array)) {
      const auto item_type = TRY(number<std::uint32_t>("a type"));
      const auto items = TRY(count("items", array_items_max));
      return skip(item_type, items).within(key);
    }
    if (key == "general.alignment") return read_alignment(type);
    if (key == "general.file_type" && type == uint32_type) {
      result_.file_type = TRY(number<std::uint32_t>(key));
      return {};
    }
    std::string* const wanted = wanted_string(key);
    if (wanted == nullptr) return skip(type, 1).within(key);
    if (type != static_cast<std::uint32_t>(Type::string))
      return fail(Code::invalid_argument, "'{}' is no string", key);
    *wanted = TRY(string("a string"));
    return {};
  }

  std::string* wanted_string(std::string_view key) {
    if (key == "general.architecture") return &result_.architecture;
    if (key == "general.name") return &result_.name;
    if (key == "general.license") return &result_.licence;
    if (key == "tokenizer.chat_template") return &result_.chat_template;
    return nullptr;
  }

  Result<void> read_alignment(std::uint32_t type) {
    if (type != uint32_type) return fail(Code::invalid_argument, "general.alignment is no uint32");
    alignment_ = TRY(number<std::uint32_t>("general.alignment"));
    if (!std::has_single_bit(alignment_) || alignment_ > 1u << 20)
      return fail(Code::invalid_argument, "general.alignment is {}, not a power of two",
                  alignment_);
    return {};
  }

  Result<void> read_tensor() {
    const std::string name(TRY(string("a name")));
    if (name.empty() || name.size() >= GGML_MAX_NAME || !tensor_names_.insert(name).second)
      return fail(Code::invalid_argument, "'{}' is empty, too long or there twice",
                  std::string_view(name).substr(0, 80));
    const auto dimensions = TRY(number<std::uint32_t>("dimensions"));
    if (dimensions == 0 || dimensions > tensor_dimensions_max)
      return fail(Code::invalid_argument, "'{}' has {} dimensions", name, dimensions);
    constexpr std::uint64_t elements_max = 1ull << 40;
    std::uint64_t elements = 1;
    std::uint64_t row = 0;
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      const auto size = TRY(number<std::uint64_t>("a dimension"));
      if (size == 0 || size > elements_max / elements)
        return fail(Code::invalid_argument, "'{}' has an impossible dimension of {}", name, size);
      if (i == 0) row = size;
      elements *= size;
    }
    const auto type = TRY(number<std::uint32_t>("a type"));
    const auto offset = TRY(number<std::uint64_t>("an offset"));
    const std::uint64_t bytes = TRY(tensor_bytes(name, type, {elements, row}));
    if (offset % alignment_ != 0 || offset > file_bytes_ || bytes > file_bytes_)
      return fail(Code::invalid_argument, "'{}' has its weights beyond the end of the file", name);
    tensors_end_ = std::max(tensors_end_, offset + bytes);
    return {};
  }

  struct Shape {
    std::uint64_t elements;
    std::uint64_t row;
  };
  static Result<std::uint64_t> tensor_bytes(const std::string& name, std::uint32_t type,
                                            const Shape& shape) {
    const auto known = type < GGML_TYPE_COUNT ? static_cast<ggml_type>(type) : GGML_TYPE_COUNT;
    const std::int64_t block = known == GGML_TYPE_COUNT ? 0 : ggml_blck_size(known);
    if (block <= 0 || ggml_type_size(known) == 0)
      return fail(Code::invalid_argument, "'{}' has the unknown type {}", name, type);
    if (shape.row % static_cast<std::uint64_t>(block) != 0)
      return fail(Code::invalid_argument, "'{}' has rows of {} values, not a multiple of {}", name,
                  shape.row, block);
    return shape.elements / static_cast<std::uint64_t>(block) * ggml_type_size(known);
  }

  std::string_view head_;
  std::uint64_t file_bytes_;
  std::uint64_t at_ = 0;
  std::uint32_t alignment_ = default_alignment;
  std::uint64_t tensors_end_ = 0;
  std::set<std::string> keys_;
  std::set<std::string> tensor_names_;
  GgufHead result_;
};

}  // namespace

Result<GgufHead> parse_gguf_head(std::string_view head, std::uint64_t file_bytes) {
  return Reader(head, file_bytes).read();
}

Result<GgufHead> read_gguf_head(const std::filesystem::path& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  return parse_gguf_head(file.bytes(), file.bytes().size()).within(path.string());
}

}  // namespace slipway::models::detail
