// llama.cpp asserts (that is, aborts) on some heads that are well formed but make no sense. So a
// foreign file is first loaded without its weights in a child that may crash.
//
// The child may open no file, so it gets the head alone and a stream that pretends to have the
// rest: weights are never read there, and a model of many gigabytes costs no copy.
#include <llama.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/mapped_file.hpp"
#include "core/sandbox.hpp"
#include "models/detail/gguf_file.hpp"
#include "models/detail/llama_runtime.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::string_view entry_name = "vet-gguf";

/// The head, then zeros up to the size of the file.
struct PretendedFile {
  std::string_view head;
  std::uint64_t bytes = 0;
  std::uint64_t at = 0;
};

ssize_t read_pretended(void* cookie, char* buffer, std::size_t size) {
  auto& file = *static_cast<PretendedFile*>(cookie);
  const std::uint64_t count = std::min<std::uint64_t>(size, file.bytes - file.at);
  const std::uint64_t from_head =
      file.at < file.head.size() ? std::min<std::uint64_t>(count, file.head.size() - file.at) : 0;
  std::memcpy(buffer, file.head.data() + file.at * (from_head > 0), from_head);
  std::memset(buffer + from_head, 0, count - from_head);
  file.at += count;
  return static_cast<ssize_t>(count);
}

int seek_pretended(void* cookie, off64_t* offset, int whence) {
  auto& file = *static_cast<PretendedFile*>(cookie);
  std::int64_t base = 0;
  if (whence == SEEK_CUR) base = static_cast<std::int64_t>(file.at);
  if (whence == SEEK_END) base = static_cast<std::int64_t>(file.bytes);
  const std::int64_t target = base + *offset;
  if (target < 0 || static_cast<std::uint64_t>(target) > file.bytes) return -1;
  file.at = static_cast<std::uint64_t>(target);
  *offset = target;
  return 0;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Result<void> load_without_weights(std::FILE* file) {
  start_llama();
  const LlamaErrors errors;
  llama_model_params parameters = llama_model_default_params();
  parameters.load_mode = LLAMA_LOAD_MODE_NONE;
  parameters.no_alloc = true;
  parameters.use_extra_bufts = false;
  const LlamaOwner<llama_model> model(llama_model_load_from_file_ptr(file, parameters));
  if (!model)
    return fail(Code::invalid_argument, "llama.cpp refuses it: {}", errors.text("no reason given"));
  llama_context_params small = llama_context_default_params();
  small.n_ctx = 256;
  small.n_batch = 32;
  small.n_ubatch = 32;
  const LlamaOwner<llama_context> context(llama_init_from_model(model.get(), small));
  if (!context)
    return fail(Code::invalid_argument, "llama.cpp cannot compute with it: {}",
                errors.text("no reason given"));
  return {};
}

/// `input`: the file's size in 8 bytes, then its head.
Result<std::string> vet_in_child(std::string_view input) {
  PretendedFile pretended;
  if (input.size() < sizeof pretended.bytes)
    return fail(Code::internal, "the input has no size in front");
  std::memcpy(&pretended.bytes, input.data(), sizeof pretended.bytes);
  pretended.head = input.substr(sizeof pretended.bytes);
  cookie_io_functions_t functions{};
  functions.read = &read_pretended;
  functions.seek = &seek_pretended;
  const std::unique_ptr<std::FILE, CloseFile> file(fopencookie(&pretended, "rb", functions));
  if (!file) return fail(Code::internal, "no stream");
  try {
    TRY(load_without_weights(file.get()));
  } catch (const std::exception& error) {
    return fail(Code::invalid_argument, "llama.cpp refuses it: {}", error.what());
  }
  return std::string();
}

const SandboxRegistration registration(entry_name, &vet_in_child);

}  // namespace

Result<GgufHead> vet_gguf(const Context& context, const std::filesystem::path& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  GgufHead head = TRY(parse_gguf_head(file.bytes(), file.bytes().size()).within(path.string()));
  const std::uint64_t size = file.bytes().size();
  std::string input(reinterpret_cast<const char*>(&size), sizeof size);
  input += file.bytes().substr(0, std::min(head.data_start, size));
  SandboxLimits limits;
  limits.memory_bytes_max = 8ull << 30;  // Room for the pretended weights' address space.
  TRY(run_sandboxed(context, entry_name, input, limits).within(path.string()));
  return head;
}

}  // namespace slipway::models::detail
