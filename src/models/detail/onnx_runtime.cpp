#include "models/detail/onnx_runtime.hpp"

#include <cpuid.h>
#include <fcntl.h>
#include <onnxruntime/onnxruntime_session_options_config_keys.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <optional>

#include "core/files.hpp"
#include "core/log.hpp"
#include "core/mapped_file.hpp"
#include "models/detail/onnx_library.hpp"

// Measured on bge-small-en-v1.5-q (34 MB), CPU time: a session made from the file takes 220 ms,
// most of it for rewriting the graph. The rewritten graph in ONNX Runtime's own format, mapped
// instead of read, takes 43 ms, needs 23 MB less memory and gives the same bits. So it is kept in
// the cache directory, under a name that holds everything it depends on. The format is verified
// when it is loaded; what does not pass is made again. One thread per call: texts run beside each
// other instead (see onnx_embedder.cpp).
namespace slipway::models::detail {

namespace {

constexpr std::size_t hash_digits = 16;

/// What the rewritten graph may depend on besides the model: kernels are chosen by the processor.
std::string processor_key() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  std::string key;
  if (__get_cpuid(0, &a, &b, &c, &d)) key += fmt::format("{:x}.{:x}.{:x}.", b, c, d);
  // The upper half of b is the number of the core that happens to answer.
  if (__get_cpuid(1, &a, &b, &c, &d)) key += fmt::format("{:x}.{:x}.{:x}.", a, c, d);
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) key += fmt::format("{:x}.{:x}.{:x}", b, c, d);
  return key;
}

std::string digits_of(const std::string& hash) {
  const std::size_t colon = hash.find(':');
  return hash.substr(colon == std::string::npos ? 0 : colon + 1, hash_digits);
}

std::filesystem::path cached_path(const std::string& hash, const std::string& version) {
  const std::string key = sha256(version + "\n" + processor_key());
  return cache_directory() / "onnx" / fmt::format("{}-{}.ort", digits_of(hash), digits_of(key));
}

/// The name must not appear before the bytes are on the disk: a torn file would be loaded later.
bool publish(const std::filesystem::path& from, const std::filesystem::path& to) {
  const int file = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool is_synced = ::fsync(file) == 0;
  ::close(file);
  std::error_code error;
  if (is_synced) std::filesystem::rename(from, to, error);
  return is_synced && !error;
}

class Model final : public OnnxModel {
 public:
  /// The file as its author made it; the rewritten graph is left at `save_as` if that is given.
  static Result<std::unique_ptr<Model>> from_file(const OnnxLibrary& library,
                                                  const std::filesystem::path& path,
                                                  const std::filesystem::path& save_as) {
    const OrtApi* api = library.api;
    const auto options = TRY(session_options(api, ORT_ENABLE_ALL));
    const auto check = [&](OrtStatus* status) { return onnx_check(api, status, Code::internal); };
    if (!save_as.empty()) {
      TRY(check(api->SetOptimizedModelFilePath(options.get(), save_as.c_str())));
      TRY(check(api->AddSessionConfigEntry(options.get(), kOrtSessionOptionsConfigSaveModelFormat,
                                           "ORT")));
    }
    OrtSession* session = nullptr;
    TRY(onnx_check(api,
                   api->CreateSession(library.environment, path.c_str(), options.get(), &session),
                   Code::invalid_argument));
    return finish(std::make_unique<Model>(api, session, std::nullopt));
  }

  /// What `from_file` saved. The weights stay in the mapped file.
  static Result<std::unique_ptr<Model>> from_cache(const OnnxLibrary& library,
                                                   const std::filesystem::path& path) {
    const OrtApi* api = library.api;
    auto file = TRY(MappedFile::open(path));
    const auto options = TRY(session_options(api, ORT_DISABLE_ALL));
    const std::pair<const char*, const char*> entries[] = {
        {kOrtSessionOptionsConfigLoadModelFormat, "ORT"},
        {kOrtSessionOptionsConfigUseORTModelBytesDirectly, "1"},
        {kOrtSessionOptionsConfigUseORTModelBytesForInitializers, "1"}};
    for (const auto& [key, value] : entries)
      TRY(onnx_check(api, api->AddSessionConfigEntry(options.get(), key, value), Code::internal));
    const std::string_view bytes = file.bytes();
    OrtSession* session = nullptr;
    TRY(onnx_check(api,
                   api->CreateSessionFromArray(library.environment, bytes.data(), bytes.size(),
                                               options.get(), &session),
                   Code::invalid_argument));
    // Most weights have been copied into the order the kernels want and are not read here again.
    ::madvise(const_cast<char*>(bytes.data()), bytes.size(), MADV_DONTNEED);
    return finish(std::make_unique<Model>(api, session, std::move(file)));
  }

  Model(const OrtApi* api, OrtSession* session, std::optional<MappedFile> file)
      : api_(api),
        file_(std::move(file)),
        session_(session, api->ReleaseSession),
        memory_(nullptr, api->ReleaseMemoryInfo) {}

  const std::vector<OnnxPort>& inputs() const override { return inputs_; }
  const std::vector<OnnxPort>& outputs() const override { return outputs_; }

  Result<void> run(std::span<const OnnxInput> inputs, const std::string& output,
                   const Reader& read) const override {
    Feeds feeds;
    for (const OnnxInput& input : inputs) {
      const std::int64_t shape[] = {1, static_cast<std::int64_t>(input.values.size())};
      TRY(add(feeds, input.name, input.values, shape));
    }
    return run_on(feeds, output, read);
  }

  Result<void> run_floats(const OnnxFloats& input, const std::string& output,
                          const Reader& read) const override {
    Feeds feeds;
    TRY(add(feeds, input.name, input.values, input.shape));
    return run_on(feeds, output, read);
  }

 private:
  struct Feeds {
    std::vector<OnnxOwner<OrtValue>> owners;
    std::vector<const OrtValue*> values;
    std::vector<const char*> names;
  };

  /// `name` and `values` are borrowed until the model has run.
  template <typename T>
  Result<void> add(Feeds& feeds, const std::string& name, std::span<const T> values,
                   std::span<const std::int64_t> shape) const {
    constexpr auto type = std::is_same_v<T, float> ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
                                                   : ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
    OrtValue* value = nullptr;
    // The API takes a mutable pointer for inputs and outputs alike; inputs are only read.
    TRY(check(api_->CreateTensorWithDataAsOrtValue(memory_.get(), const_cast<T*>(values.data()),
                                                   values.size_bytes(), shape.data(), shape.size(),
                                                   type, &value)));
    feeds.owners.emplace_back(value, api_->ReleaseValue);
    feeds.values.push_back(value);
    feeds.names.push_back(name.c_str());
    return {};
  }

  Result<void> run_on(const Feeds& feeds, const std::string& output, const Reader& read) const {
    const char* wanted = output.c_str();
    OrtValue* result = nullptr;
    TRY(check(api_->Run(session_.get(), nullptr, feeds.names.data(), feeds.values.data(),
                        feeds.values.size(), &wanted, 1, &result)));
    const OnnxOwner<OrtValue> owner(result, api_->ReleaseValue);
    OrtTensorTypeAndShapeInfo* raw_info = nullptr;
    TRY(check(api_->GetTensorTypeAndShape(result, &raw_info)));
    const OnnxOwner<OrtTensorTypeAndShapeInfo> info(raw_info, api_->ReleaseTensorTypeAndShapeInfo);
    const OnnxPort port = TRY(describe(raw_info));
    if (port.type != OnnxType::float32)
      return fail(Code::unsupported, "output '{}' is not of type float", output);
    std::size_t count = 0;
    TRY(check(api_->GetTensorShapeElementCount(raw_info, &count)));
    void* data = nullptr;
    TRY(check(api_->GetTensorMutableData(result, &data)));
    return read({static_cast<const float*>(data), count}, port.shape);
  }

  using Options = OnnxOwner<OrtSessionOptions>;

  static Result<Options> session_options(const OrtApi* api, GraphOptimizationLevel level) {
    OrtSessionOptions* raw = nullptr;
    TRY(onnx_check(api, api->CreateSessionOptions(&raw), Code::internal));
    Options options(raw, api->ReleaseSessionOptions);
    const auto check = [&](OrtStatus* status) { return onnx_check(api, status, Code::internal); };
    TRY(check(api->SetIntraOpNumThreads(raw, 1)));
    TRY(check(api->SetInterOpNumThreads(raw, 1)));
    // Patterns are remembered per input length: hundreds of lengths are memory for nothing.
    TRY(check(api->DisableMemPattern(raw)));
    TRY(check(api->SetSessionGraphOptimizationLevel(raw, level)));
    return options;
  }

  static Result<std::unique_ptr<Model>> finish(std::unique_ptr<Model> model) {
    TRY(model->read_ports());
    return model;
  }

  Result<void> check(OrtStatus* status) const { return onnx_check(api_, status, Code::internal); }

  Result<void> read_ports() {
    OrtMemoryInfo* memory = nullptr;
    TRY(check(api_->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory)));
    memory_.reset(memory);
    std::size_t count = 0;
    TRY(check(api_->SessionGetInputCount(session_.get(), &count)));
    for (std::size_t i = 0; i < count; ++i)
      inputs_.push_back(
          TRY(read_port(i, api_->SessionGetInputName, api_->SessionGetInputTypeInfo)));
    TRY(check(api_->SessionGetOutputCount(session_.get(), &count)));
    for (std::size_t i = 0; i < count; ++i)
      outputs_.push_back(
          TRY(read_port(i, api_->SessionGetOutputName, api_->SessionGetOutputTypeInfo)));
    return {};
  }

  template <typename GetName, typename GetType>
  Result<OnnxPort> read_port(std::size_t index, GetName get_name, GetType get_type) {
    OrtAllocator* allocator = nullptr;
    TRY(check(api_->GetAllocatorWithDefaultOptions(&allocator)));
    char* name = nullptr;
    TRY(check(get_name(session_.get(), index, allocator, &name)));
    const std::string copy = name;
    TRY(check(api_->AllocatorFree(allocator, name)));
    OrtTypeInfo* raw_type = nullptr;
    TRY(check(get_type(session_.get(), index, &raw_type)));
    const OnnxOwner<OrtTypeInfo> type(raw_type, api_->ReleaseTypeInfo);
    const OrtTensorTypeAndShapeInfo* info = nullptr;  // Belongs to `type`; null for non-tensors.
    TRY(check(api_->CastTypeInfoToTensorInfo(raw_type, &info)));
    OnnxPort port;
    if (info) port = TRY(describe(info));
    port.name = copy;
    return port;
  }

  Result<OnnxPort> describe(const OrtTensorTypeAndShapeInfo* info) const {
    OnnxPort port;
    ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    TRY(check(api_->GetTensorElementType(info, &type)));
    if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64) port.type = OnnxType::int64;
    if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) port.type = OnnxType::float32;
    std::size_t rank = 0;
    TRY(check(api_->GetDimensionsCount(info, &rank)));
    port.shape.resize(rank);
    TRY(check(api_->GetDimensions(info, port.shape.data(), rank)));
    return port;
  }

  const OrtApi* api_;
  std::optional<MappedFile> file_;  ///< Before the session, which looks into it to the end.
  OnnxOwner<OrtSession> session_;
  OnnxOwner<OrtMemoryInfo> memory_;
  std::vector<OnnxPort> inputs_;
  std::vector<OnnxPort> outputs_;
};

/// Rewrites the graph and opens what the cache then holds, as every later call will.
Result<std::unique_ptr<Model>> fill_cache(const OnnxLibrary& library,
                                          const std::filesystem::path& path,
                                          const std::filesystem::path& cached) {
  static std::atomic<unsigned> number{0};
  const std::filesystem::path draft =
      fmt::format("{}.{}.{}.tmp", cached.string(), ::getpid(), number++);
  TRY(make_directories(cached.parent_path()));
  const auto model = Model::from_file(library, path, draft);
  const bool is_published = model && publish(draft, cached);
  std::error_code ignored;
  std::filesystem::remove(draft, ignored);
  if (!is_published) return fail(Code::unavailable, "cannot write {}", cached.string());
  return Model::from_cache(library, cached);
}

}  // namespace

Result<void> OnnxModel::run_floats(const OnnxFloats& input, const std::string&,
                                   const Reader&) const {
  return fail(Code::unsupported, "the model takes no floats, so no '{}'", input.name);
}

Result<std::unique_ptr<OnnxModel>> OnnxModel::open(const std::filesystem::path& path,
                                                   const std::string& hash) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return fail(Code::not_found, "'{}' is not a file", path.string());
  const OnnxLibrary library = TRY(onnx_library());
  const std::filesystem::path cached = cached_path(hash, library.version);
  if (std::filesystem::exists(cached, error)) {
    if (auto model = Model::from_cache(library, cached))
      return std::unique_ptr<OnnxModel>(*std::move(model));
    std::filesystem::remove(cached, error);  // Damaged: it is made again.
  }
  if (auto model = fill_cache(library, path, cached))
    return std::unique_ptr<OnnxModel>(*std::move(model));
  // The model is broken or the cache cannot be written; without the cache it shows which.
  auto model = Model::from_file(library, path, {});
  if (!model) return std::move(model.error()).within(path.string());
  log::debug("the cache cannot hold {}: opening it takes longer", cached.string());
  return std::unique_ptr<OnnxModel>(*std::move(model));
}

}  // namespace slipway::models::detail
