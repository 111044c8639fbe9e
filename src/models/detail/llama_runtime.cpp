#include "models/detail/llama_runtime.hpp"

#include <llama.h>

#include <mutex>

#include "core/fault.hpp"
#include "core/log.hpp"
#include "core/pool.hpp"
#include "core/unicode.hpp"
#include "models/detail/gguf_file.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t error_bytes_max = 600;
thread_local std::string* errors_of_thread = nullptr;

void on_log(ggml_log_level level, const char* text, void*) {
  std::string_view line(text);
  while (line.ends_with('\n')) line.remove_suffix(1);
  if (line.empty() || line == ".") return;  // Dots of progress.
  if (level == GGML_LOG_LEVEL_ERROR && errors_of_thread != nullptr &&
      errors_of_thread->size() < error_bytes_max) {
    if (!errors_of_thread->empty()) *errors_of_thread += "; ";
    *errors_of_thread += line;
  }
  log::debug("llama.cpp: {}", line);
}

}  // namespace

void LlamaDeleter::operator()(llama_model* model) const { llama_model_free(model); }
void LlamaDeleter::operator()(llama_context* context) const { llama_free(context); }
void LlamaDeleter::operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
void LlamaDeleter::operator()(ggml_threadpool* threads) const { ggml_threadpool_free(threads); }

void start_llama() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(&on_log, nullptr);
    llama_backend_init();
  });
}

LlamaErrors::LlamaErrors() {
  SLIPWAY_ASSERT(errors_of_thread == nullptr);
  errors_of_thread = &lines_;
}

LlamaErrors::~LlamaErrors() { errors_of_thread = nullptr; }

std::string LlamaErrors::text(std::string_view otherwise) const {
  if (lines_.empty()) return std::string(otherwise);
  std::string text = lines_;
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return text.substr(0, unicode::floor_boundary(text, std::min(text.size(), error_bytes_max)));
}

Result<LlamaOwner<llama_model>> load_llama_model(const std::filesystem::path& path) {
  const GgufHead head = TRY(read_gguf_head(path));
  start_llama();
  const LlamaErrors errors;
  llama_model_params parameters = llama_model_default_params();
  // Repacking copies the weights into another order; with 8 bits that gains nothing here, and
  // mapped weights cost no memory of their own.
  parameters.use_extra_bufts = head.file_type != LLAMA_FTYPE_MOSTLY_Q8_0;
  LlamaOwner<llama_model> model;
  try {
    model.reset(llama_model_load_from_file(path.c_str(), parameters));
  } catch (const std::exception& error) {
    return fail(Code::invalid_argument, "{}: llama.cpp refuses it: {}", path.string(),
                error.what());
  }
  if (!model)
    return fail(Code::invalid_argument, "{}: llama.cpp refuses it: {}", path.string(),
                errors.text("no reason given"));
  if (llama_model_has_encoder(model.get()) || !llama_model_has_decoder(model.get()) ||
      llama_model_is_diffusion(model.get()))
    return fail(Code::unsupported, "{}: it is not a model that continues a text, so it cannot chat",
                path.string());
  return model;
}

Result<void> requantize_gguf(const std::filesystem::path& from, const std::filesystem::path& to) {
  start_llama();
  TRY(fault_point(FaultKind::file, "requantize"));
  const LlamaErrors errors;
  llama_model_quantize_params parameters = llama_model_quantize_default_params();
  parameters.ftype = LLAMA_FTYPE_MOSTLY_Q8_0;
  parameters.allow_requantize = true;
  parameters.nthread = static_cast<std::int32_t>(core_count());
  std::uint32_t status = 1;
  try {
    status = llama_model_quantize(from.c_str(), to.c_str(), &parameters);
  } catch (const std::exception& error) {
    return fail(Code::unavailable, "cannot requantize {}: {}", from.string(), error.what());
  }
  if (status == 0) return {};
  return fail(Code::unavailable, "cannot requantize {}: {}", from.string(),
              errors.text("no reason given"));
}

}  // namespace slipway::models::detail
