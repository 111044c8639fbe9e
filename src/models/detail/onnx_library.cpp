#include "models/detail/onnx_library.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/guarded.hpp"

namespace slipway::models::detail {

namespace {

constexpr const char* library_file = "libonnxruntime.so.1";

/// Where it may be, best first. A path without a folder is looked for by the loader.
std::vector<std::filesystem::path> candidates() {
  if (const char* set = std::getenv("SLIPWAY_ONNXRUNTIME"); set && *set) return {set};
  std::vector<std::filesystem::path> paths;
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (!program.empty()) {
    const auto folder = program.parent_path();
    paths.push_back(folder.parent_path() / "lib" / "slipway" / library_file);
    paths.push_back(folder / library_file);
  }
#ifdef SLIPWAY_ONNXRUNTIME_DEFAULT
  paths.emplace_back(SLIPWAY_ONNXRUNTIME_DEFAULT);
#endif
  return paths;
}

Result<void*> open_library() {
  const auto paths = candidates();
  for (const auto& path : paths) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) continue;
    if (void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    return fail(Code::unavailable, "ONNX Runtime cannot be loaded: {}", dlerror());
  }
  if (std::getenv("SLIPWAY_ONNXRUNTIME") && !paths.empty())
    return fail(Code::not_found, "SLIPWAY_ONNXRUNTIME: '{}' does not exist; unset it or correct it",
                paths.front().string());
  if (void* library = dlopen(library_file, RTLD_NOW | RTLD_LOCAL)) return library;
  return fail(Code::not_found,
              "ONNX Runtime ({}) is not installed: set SLIPWAY_ONNXRUNTIME to its path, or use an "
              "embedder of provider openai",
              library_file);
}

Result<OnnxLibrary> load() {
  void* library = TRY(open_library());
  using GetApiBase = const OrtApiBase*(ORT_API_CALL*)();
  const auto get_base = reinterpret_cast<GetApiBase>(dlsym(library, "OrtGetApiBase"));
  const OrtApiBase* base = get_base ? get_base() : nullptr;
  if (!base) return fail(Code::unavailable, "ONNX Runtime cannot be loaded: {}", dlerror());
  OnnxLibrary loaded;
  loaded.version = base->GetVersionString();
  loaded.api = base->GetApi(ORT_API_VERSION);
  if (!loaded.api)
    return fail(Code::unavailable, "ONNX Runtime {} is too old; at least 1.{} is needed",
                loaded.version, ORT_API_VERSION);
  // Its own log is silent: what fails comes back as a status, and we say it once.
  TRY(onnx_check(loaded.api,
                 loaded.api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "slipway", &loaded.environment),
                 Code::unavailable));
  return loaded;
}

}  // namespace

Result<OnnxLibrary> onnx_library() {
  // One for the process, as the library itself: its environment holds process-wide state.
  static Guarded<std::optional<OnnxLibrary>> shared;
  return shared.with([](std::optional<OnnxLibrary>& library) -> Result<OnnxLibrary> {
    if (!library) library = TRY(load());
    return *library;
  });
}

Result<void> onnx_check(const OrtApi* api, OrtStatus* status, Code code) {
  if (!status) return {};
  const OnnxOwner<OrtStatus> owner(status, api->ReleaseStatus);
  return Error(code, fmt::format("ONNX Runtime: {}", api->GetErrorMessage(status)));
}

}  // namespace slipway::models::detail
