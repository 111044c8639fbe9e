// What a user's file or folder is, what it says about itself, and whether it works.
#include <algorithm>
#include <fstream>

#include "core/fault.hpp"
#include "core/log.hpp"
#include "models/detail/cross_encoder.hpp"
#include "models/detail/file_hash.hpp"
#include "models/detail/gguf_file.hpp"
#include "models/detail/import_steps.hpp"
#include "models/detail/install.hpp"
#include "models/detail/llama_chat.hpp"
#include "models/detail/onnx_embedder.hpp"
#include "models/detail/onnx_runtime.hpp"

namespace slipway::models::detail {

// Parts of the files of sentence-transformers that we read.
struct PoolingFile {
  bool pooling_mode_cls_token = false;
  bool pooling_mode_mean_tokens = false;
};
BOOST_DESCRIBE_STRUCT(PoolingFile, (), (pooling_mode_cls_token, pooling_mode_mean_tokens))
struct PromptsFile {
  std::map<std::string, std::string> prompts;
};
BOOST_DESCRIBE_STRUCT(PromptsFile, (), (prompts))
struct LengthFile {
  std::optional<std::size_t> max_seq_length;
};
BOOST_DESCRIBE_STRUCT(LengthFile, (), (max_seq_length))
// Parts of the files of transformers that we read.
struct ModelFile {
  std::vector<std::string> architectures;
  std::optional<double> max_position_embeddings;
};
BOOST_DESCRIBE_STRUCT(ModelFile, (), (architectures, max_position_embeddings))
struct TokenizerFile {
  std::optional<double> model_max_length;  // 1e30 where the model has no limit.
};
BOOST_DESCRIBE_STRUCT(TokenizerFile, (), (model_max_length))

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t tokenizer_bytes_max = 256u << 20;

std::string first_of(const std::map<std::string, std::string>& prompts,
                     std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const auto found = prompts.find(key); found != prompts.end()) return found->second;
  return {};
}

/// What a sentence-transformers folder says about how its model wants to be used.
Result<void> read_settings(const fs::path& folder, Manifest& manifest) {
  const fs::path pooling_file = folder / "1_Pooling" / "config.json";
  const auto pooling = TRY(read_side_file<PoolingFile>(pooling_file));
  if (pooling.pooling_mode_cls_token) manifest.pooling = Pooling::cls;
  if (pooling.pooling_mode_mean_tokens) manifest.pooling = Pooling::mean;
  if (is_file(pooling_file) && pooling.pooling_mode_cls_token == pooling.pooling_mode_mean_tokens)
    return fail(Code::unsupported, "{}: pools in another way than cls or mean",
                pooling_file.string());
  const auto prompts =
      TRY(read_side_file<PromptsFile>(folder / "config_sentence_transformers.json"));
  manifest.query_prefix = first_of(prompts.prompts, {"query"});
  manifest.document_prefix = first_of(prompts.prompts, {"document", "passage", "corpus"});
  const auto length = TRY(read_side_file<LengthFile>(folder / "sentence_bert_config.json"));
  manifest.tokens_max = length.max_seq_length.value_or(0);
  return {};
}

struct OnnxFiles {
  fs::path model;
  fs::path folder;  ///< Where tokenizer.json and the settings stand.
};

Result<OnnxFiles> find_onnx(const fs::path& source) {
  std::error_code error;
  OnnxFiles files;
  if (!fs::is_directory(source, error)) {
    files.model = source;
    files.folder = source.has_parent_path() ? source.parent_path() : fs::path(".");
    // Hugging Face keeps exports in onnx/, the tokenizer above.
    if (!is_file(files.folder / "tokenizer.json") &&
        is_file(files.folder / ".." / "tokenizer.json"))
      files.folder = files.folder / "..";
  } else {
    files.folder = source;
    for (const char* name : {"model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx"})
      if (files.model.empty() && is_file(source / name)) files.model = source / name;
    if (files.model.empty())
      return fail(Code::invalid_argument,
                  "{}: holds no model; expected a .gguf file, model.onnx, onnx/model.onnx, "
                  "onnx/model_quantized.onnx, or text_model.onnx with vision_model.onnx",
                  source.string());
  }
  if (!is_file(files.folder / "tokenizer.json"))
    return fail(Code::invalid_argument, "{}: tokenizer.json is missing beside it; copy it there",
                files.model.string());
  return files;
}

/// The least of what the files say; 0 when they say nothing.
Result<std::size_t> pair_tokens_max(const fs::path& folder) {
  const auto model = TRY(read_side_file<ModelFile>(folder / "config.json"));
  const auto tokenizer = TRY(read_side_file<TokenizerFile>(folder / "tokenizer_config.json"));
  constexpr double none = 1e6;
  const double least = std::min(model.max_position_embeddings.value_or(none),
                                tokenizer.model_max_length.value_or(none));
  return least >= 1 && least < none ? static_cast<std::size_t>(least) : 0;
}

Result<bool> is_reranker(const OnnxFiles& files, const fs::path& model_path) {
  const auto described = TRY(read_side_file<ModelFile>(files.folder / "config.json"));
  for (const std::string& architecture : described.architectures)
    if (architecture.ends_with("ForSequenceClassification")) return true;
  const auto model = TRY(OnnxModel::open(model_path, TRY(remembered_hash(model_path))));
  return is_cross_encoder(*model);
}

Result<void> describe_reranker(const fs::path& folder, const fs::path& target, Manifest& manifest) {
  manifest.task = ModelTask::rerank;
  manifest.tokens_max = TRY(pair_tokens_max(folder));
  const auto reranker = TRY(open_cross_encoder(
      {.name = "imported", .folder = target, .tokens_max = manifest.tokens_max, .threads = 1}));
  return {};
}

Result<void> describe_embedder(const Context& context, const OnnxFiles& files,
                               const fs::path& target, Manifest& manifest) {
  manifest.task = ModelTask::embed;
  TRY(read_settings(files.folder, manifest));
  if (!manifest.pooling) {
    log::warning(
        "{}: nothing says how it pools; mean is taken. Change it in manifest.json if that "
        "is wrong",
        files.model.string());
    manifest.pooling = Pooling::mean;
  }
  OnnxEmbedderOptions options;
  options.name = "imported";
  options.folder = target;
  options.pooling = *manifest.pooling;
  options.tokens_max = manifest.tokens_max;
  options.threads = 1;
  const auto embedder = TRY(open_onnx_embedder(options));
  manifest.dimension = TRY(embedder->embed_one(context, "a trial", TextRole::document)).size();
  return {};
}

Result<void> import_onnx(const Context& context, const OnnxFiles& files, const fs::path& target) {
  Manifest manifest;
  manifest.provider = Provider::onnx;
  manifest.source = files.model.string();
  std::error_code ignored;
  if (fs::file_size(files.folder / "tokenizer.json", ignored) > tokenizer_bytes_max)
    return fail(Code::invalid_argument, "tokenizer.json is larger than {} bytes",
                tokenizer_bytes_max);
  TRY(copy_file(context, files.model, target / "model.onnx"));
  TRY(copy_file(context, files.folder / "tokenizer.json", target / "tokenizer.json"));
  if (TRY(is_reranker(files, target / "model.onnx")))
    TRY(describe_reranker(files.folder, target, manifest));
  else
    TRY(describe_embedder(context, files, target, manifest));
  manifest.hash = TRY(sha256_of_file(target / "model.onnx"));
  return write_manifest(target, manifest);
}

Result<void> import_gguf(const Context& context, const fs::path& source, const fs::path& target) {
  TRY(copy_file(context, source, target / "model.gguf"));
  // The copy is checked, not the source: that could change meanwhile.
  const GgufHead head = TRY(vet_gguf(context, target / "model.gguf"));
  LlamaChatOptions options;
  options.name = source.filename().string();
  options.path = target / "model.gguf";
  TRY(open_llama_chat(options));
  Manifest manifest;
  manifest.task = ModelTask::chat;
  manifest.provider = Provider::llama;
  manifest.source = source.string();
  manifest.licence = head.licence;
  manifest.description = fmt::format("{} ({})", head.name, head.architecture);
  manifest.hash = TRY(sha256_of_file(target / "model.gguf"));
  return write_manifest(target, manifest);
}

/// A message about the copy becomes one about the file that the user knows.
Error about_source(Error error, const fs::path& target, const fs::path& source) {
  std::string text = error.message();
  for (const char* name : {"/model.gguf", "/model.onnx", ""}) {
    const std::string copy = target.string() + name;
    for (std::size_t at = 0; (at = text.find(copy, at)) != std::string::npos;)
      text.replace(at, copy.size(), source.string());
  }
  return Error(error.code(), std::move(text));
}

Result<std::vector<fs::path>> gguf_files_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".gguf") found.push_back(entry.path());
  if (error) return fail(Code::forbidden, "cannot read {}: {}", folder.string(), error.message());
  std::sort(found.begin(), found.end());
  if (found.size() > 1)
    return fail(Code::invalid_argument, "{}: holds several .gguf files, {} and {}; name one",
                folder.string(), found[0].filename().string(), found[1].filename().string());
  return found;
}

Result<bool> begins_as_gguf(const fs::path& path) {
  TRY(fault_point(FaultKind::file, "open"));
  std::ifstream in(path, std::ios::binary);
  char magic[4] = {};
  in.read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "GGUF";
}

Result<void> import_any(const Context& context, const fs::path& source, const fs::path& target) {
  std::error_code error;
  if (!fs::exists(source, error)) return fail(Code::not_found, "{} is not there", source.string());
  if (fs::is_directory(source, error)) {
    const auto gguf = TRY(gguf_files_in(source));
    if (!gguf.empty()) return import_gguf(context, gguf.front(), target);
    if (TRY(import_towers(context, source, target))) return {};
    return import_onnx(context, TRY(find_onnx(source)), target);
  }
  if (!is_file(source))
    return fail(Code::invalid_argument, "{} is neither a file nor a folder", source.string());
  if (TRY(begins_as_gguf(source))) return import_gguf(context, source, target);
  if (source.extension() == ".onnx") {
    if (TRY(import_towers(context, source, target))) return {};
    return import_onnx(context, TRY(find_onnx(source)), target);
  }
  return fail(Code::invalid_argument,
              "{} is no model: it does not begin with 'GGUF' and is not called *.onnx",
              source.string());
}

}  // namespace

Result<void> copy_foreign_model(const Context& context, const fs::path& source,
                                const fs::path& staging) {
  const fs::path target = staging / "model";
  auto imported = import_any(context, source, target);
  if (!imported) return about_source(std::move(imported.error()), target, source);
  return {};
}

}  // namespace slipway::models::detail
