// llama.cpp started once, silenced, and its models owned.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/result.hpp"

struct llama_model;
struct llama_context;
struct llama_sampler;
struct llama_vocab;
struct ggml_threadpool;

namespace slipway::models::detail {

using Token = std::int32_t;

struct LlamaDeleter {
  void operator()(llama_model* model) const;
  void operator()(llama_context* context) const;
  void operator()(llama_sampler* sampler) const;
  void operator()(ggml_threadpool* threads) const;
};
template <typename T>
using LlamaOwner = std::unique_ptr<T, LlamaDeleter>;

/// Starts llama.cpp and sends its words to the log (debug). Cheap when called again.
void start_llama();

/// Collects what llama.cpp reports as errors on this thread while it lives.
class LlamaErrors {
 public:
  LlamaErrors();
  ~LlamaErrors();
  LlamaErrors(const LlamaErrors&) = delete;
  LlamaErrors& operator=(const LlamaErrors&) = delete;
  /// One line, or `otherwise` when nothing was reported.
  std::string text(std::string_view otherwise) const;

 private:
  std::string lines_;
};

/// Maps the weights, after checking the head. Fails: not_found, invalid_argument (llama.cpp refuses
/// it), unsupported (no text generator).
Result<LlamaOwner<llama_model>> load_llama_model(const std::filesystem::path& path);

/// Rewrites the weights with 8 bits each, which the processor reads faster than some smaller forms.
/// The same input gives the same bytes. Fails: invalid_argument, unavailable.
Result<void> requantize_gguf(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace slipway::models::detail
