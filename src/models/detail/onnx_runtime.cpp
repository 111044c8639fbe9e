#include "models/detail/onnx_runtime.hpp"

#include <cpuid.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <optional>

#include "core/files.hpp"
#include "core/log.hpp"
#include "models/detail/onnx_library.hpp"

// Measured on bge-small-en-v1.5-q (34 MB): creating a session takes 280 ms of CPU time, 220 of them
// for rewriting the graph. Loading the rewritten graph takes 66 ms and gives the same bits, so it
// is kept in the cache directory under a name that holds everything it depends on. One thread per
// session call: texts run beside each other instead (see onnx_embedder.cpp).
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
  return cache_directory() / "onnx" / fmt::format("{}-{}.onnx", digits_of(hash), digits_of(key));
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
  enum class Graph { as_in_file, optimized };

  static Result<std::unique_ptr<Model>> create(const OnnxLibrary& library,
                                               const std::filesystem::path& path, Graph graph,
                                               const std::filesystem::path& save_as = {}) {
    const OrtApi* api = library.api;
    OrtSessionOptions* raw_options = nullptr;
    TRY(onnx_check(api, api->CreateSessionOptions(&raw_options), Code::internal));
    const OnnxOwner<OrtSessionOptions> options(raw_options, api->ReleaseSessionOptions);
    const auto check = [&](OrtStatus* status) { return onnx_check(api, status, Code::internal); };
    TRY(check(api->SetIntraOpNumThreads(raw_options, 1)));
    TRY(check(api->SetInterOpNumThreads(raw_options, 1)));
    // Patterns are remembered per input length: hundreds of lengths are memory for nothing.
    TRY(check(api->DisableMemPattern(raw_options)));
    TRY(check(api->SetSessionGraphOptimizationLevel(
        raw_options, graph == Graph::optimized ? ORT_ENABLE_ALL : ORT_DISABLE_ALL)));
    if (!save_as.empty()) TRY(check(api->SetOptimizedModelFilePath(raw_options, save_as.c_str())));
    OrtSession* session = nullptr;
    TRY(onnx_check(api,
                   api->CreateSession(library.environment, path.c_str(), raw_options, &session),
                   Code::invalid_argument));
    auto model = std::make_unique<Model>(library, session);
    TRY(model->read_ports());
    return model;
  }

  Model(const OnnxLibrary& library, OrtSession* session)
      : api_(library.api),
        session_(session, library.api->ReleaseSession),
        memory_(nullptr, library.api->ReleaseMemoryInfo) {}

  const std::vector<OnnxPort>& inputs() const override { return inputs_; }
  const std::vector<OnnxPort>& outputs() const override { return outputs_; }

  Result<void> run(std::span<const OnnxInput> inputs, const std::string& output,
                   const Reader& read) const override {
    std::vector<OnnxOwner<OrtValue>> owners;
    std::vector<const OrtValue*> values;
    std::vector<const char*> names;
    for (const OnnxInput& input : inputs) {
      const std::int64_t shape[] = {1, static_cast<std::int64_t>(input.values.size())};
      OrtValue* value = nullptr;
      // The API takes a mutable pointer for inputs and outputs alike; inputs are only read.
      TRY(check(api_->CreateTensorWithDataAsOrtValue(
          memory_.get(), const_cast<std::int64_t*>(input.values.data()), input.values.size_bytes(),
          shape, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &value)));
      owners.emplace_back(value, api_->ReleaseValue);
      values.push_back(value);
      names.push_back(input.name.c_str());
    }
    const char* wanted = output.c_str();
    OrtValue* result = nullptr;
    TRY(check(api_->Run(session_.get(), nullptr, names.data(), values.data(), values.size(),
                        &wanted, 1, &result)));
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

 private:
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
  OnnxOwner<OrtSession> session_;
  OnnxOwner<OrtMemoryInfo> memory_;
  std::vector<OnnxPort> inputs_;
  std::vector<OnnxPort> outputs_;
};

/// Optimizes, and leaves the outcome at `cached` if that can be written.
Result<std::unique_ptr<Model>> create_and_save(const OnnxLibrary& library,
                                               const std::filesystem::path& path,
                                               const std::filesystem::path& cached) {
  static std::atomic<unsigned> number{0};
  const std::filesystem::path draft =
      fmt::format("{}.{}.{}.tmp", cached.string(), ::getpid(), number++);
  TRY(make_directories(cached.parent_path()));
  auto model = Model::create(library, path, Model::Graph::optimized, draft);
  if (model && !publish(draft, cached)) log::debug("cannot write {}", cached.string());
  std::error_code ignored;
  std::filesystem::remove(draft, ignored);
  return model;
}

}  // namespace

Result<std::unique_ptr<OnnxModel>> OnnxModel::open(const std::filesystem::path& path,
                                                   const std::string& hash) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return fail(Code::not_found, "'{}' is not a file", path.string());
  const OnnxLibrary library = TRY(onnx_library());
  const std::filesystem::path cached = cached_path(hash, library.version);
  if (std::filesystem::exists(cached, error)) {
    if (auto model = Model::create(library, cached, Model::Graph::as_in_file))
      return std::unique_ptr<OnnxModel>(*std::move(model));
    std::filesystem::remove(cached, error);  // Damaged: it is made again.
  }
  if (auto model = create_and_save(library, path, cached))
    return std::unique_ptr<OnnxModel>(*std::move(model));
  // The model is broken or the cache cannot be written; without the cache it shows which.
  auto model = Model::create(library, path, Model::Graph::optimized);
  if (!model) return std::move(model.error()).within(path.string());
  return std::unique_ptr<OnnxModel>(*std::move(model));
}

}  // namespace slipway::models::detail
