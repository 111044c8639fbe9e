#include "models/detail/gguf_file.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <random>

#include "core/files.hpp"
#include "core/mapped_file.hpp"

using namespace slipway;
using namespace slipway::models::detail;
namespace fs = std::filesystem;

namespace {

const fs::path model_file = SLIPWAY_TEST_MODELS "/smollm2-135m-instruct/model.gguf";

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void put_string(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out += text;
}

/// Two keys and one tensor of 8 floats.
std::string tiny() {
  std::string out = "GGUF";
  put(out, std::uint32_t{3});
  put(out, std::uint64_t{1});
  put(out, std::uint64_t{2});
  put_string(out, "general.architecture");
  put(out, std::uint32_t{8});
  put_string(out, "llama");
  put_string(out, "general.name");
  put(out, std::uint32_t{8});
  put_string(out, "tiny");
  put_string(out, "weight");
  put(out, std::uint32_t{1});
  put(out, std::uint64_t{8});
  put(out, std::uint32_t{0});
  put(out, std::uint64_t{0});
  out.resize((out.size() + 31) / 32 * 32);
  out.append(32, '\0');
  return out;
}

/// A file that is gone after the test.
class ScratchFile {
 public:
  ScratchFile() : path_(fs::temp_directory_path() / fmt::format("slipway-{}.gguf", getpid())) {}
  ~ScratchFile() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The model's head with changes, and a hole as long as its weights: cheap to make.
void write_with_hole(const fs::path& path, std::string_view head, std::uint64_t size) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << head;
  fs::resize_file(path, size);
}

}  // namespace

TEST_CASE("the head of a real model is read") {
  const auto head = read_gguf_head(model_file);
  INFO((head.ok() ? std::string() : head.error().message()));
  REQUIRE(head.ok());
  CHECK(head->architecture == "llama");
  CHECK(head->tensors == 272);
  CHECK(head->chat_template.find("<|im_start|>") != std::string::npos);
  CHECK(vet_gguf({}, model_file).ok());
}

TEST_CASE("every truncation of a small file is refused") {
  const std::string whole = tiny();
  REQUIRE(parse_gguf_head(whole, whole.size()).ok());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const auto result = parse_gguf_head(std::string_view(whole).substr(0, size), size);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code() == Code::invalid_argument);
  }
}

TEST_CASE("counts and sizes beyond reason are refused without asking for memory") {
  for (const std::size_t at : {8, 16, 24, 52, 56}) {
    for (const std::uint64_t huge : {~0ull, 1ull << 62, 1ull << 33}) {
      std::string bytes = tiny();
      std::memcpy(bytes.data() + at, &huge, sizeof huge);
      CAPTURE(at);
      CHECK_FALSE(parse_gguf_head(bytes, bytes.size()).ok());
    }
  }
}

TEST_CASE("random changes of a head are read or refused, and llama.cpp never takes us down") {
  const MappedFile file = [] {
    auto opened = MappedFile::open(model_file);
    REQUIRE(opened.ok());
    return *std::move(opened);
  }();
  const std::uint64_t size = file.bytes().size();
  const auto head = parse_gguf_head(file.bytes(), size);
  REQUIRE(head.ok());
  const std::string good(file.bytes().substr(0, head->data_start));
  const ScratchFile scratch;
  std::mt19937 random(5);
  int passed_to_llama = 0;
  for (int round = 0; round < 120; ++round) {
    std::string bytes = good;
    // The beginning and the end hold counts, types and shapes; the middle is the vocabulary.
    const std::size_t span = round % 2 == 0 ? 2000 : bytes.size();
    for (std::size_t i = 1 + random() % 3; i > 0; --i) {
      std::size_t at = random() % span;
      if (random() % 2 == 0) at = bytes.size() - 1 - at % std::min<std::size_t>(20'000, span);
      bytes[at] = static_cast<char>(random() % 3 == 0 ? random() : bytes[at] ^ (1 << random() % 8));
    }
    if (!parse_gguf_head(bytes, size) || passed_to_llama >= 8) continue;
    ++passed_to_llama;
    write_with_hole(scratch.path(), bytes, size);
    const auto vetted = vet_gguf(Context().with_timeout(std::chrono::seconds(60)), scratch.path());
    if (!vetted) CHECK(vetted.error().code() == Code::invalid_argument);
  }
  CHECK(passed_to_llama > 0);
}

TEST_CASE("a head that makes llama.cpp crash is one clear error") {
  const MappedFile file = *MappedFile::open(model_file);
  std::string bytes(
      file.bytes().substr(0, parse_gguf_head(file.bytes(), file.bytes().size())->data_start));
  // A model without layers.
  const std::string_view key = "llama.block_count";
  const std::size_t at = bytes.find(key) + key.size() + 4;
  const std::uint32_t nonsense = 0;
  std::memcpy(bytes.data() + at, &nonsense, sizeof nonsense);
  const ScratchFile scratch;
  write_with_hole(scratch.path(), bytes, file.bytes().size());
  const auto result = vet_gguf({}, scratch.path());
  REQUIRE_FALSE(result.ok());
#if !defined(__SANITIZE_ADDRESS__)  // It turns the signal into an exit.
  CHECK(result.error().message().find("crashed its reader") != std::string::npos);
#endif
  CHECK(result.error().code() == Code::invalid_argument);
  CHECK(result.error().message().find(scratch.path().string()) != std::string::npos);
}

TEST_CASE("a file cut in its weights says how many bytes are missing") {
  const MappedFile file = *MappedFile::open(model_file);
  const auto result = parse_gguf_head(file.bytes(), file.bytes().size() - 1000);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message().find("it is cut") != std::string::npos);
}
