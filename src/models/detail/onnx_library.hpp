// The ONNX Runtime library. Only `onnx_*.cpp` may include this: it brings the C API.
#pragma once

#include <onnxruntime/onnxruntime_c_api.h>

#include <memory>
#include <string>

#include "core/result.hpp"

namespace slipway::models::detail {

struct OnnxLibrary {
  const OrtApi* api = nullptr;
  OrtEnv* environment = nullptr;  ///< Lives as long as the process: sessions may end last of all.
  std::string version;            ///< "1.32.0"
};

/// Opened at the first call, from $SLIPWAY_ONNXRUNTIME, else beside the program
/// (../lib/slipway/, then its own folder), else where the build found it, else where the loader
/// looks. Safe to call from many threads. Fails: not_found (nowhere), unavailable (damaged, too
/// old).
Result<OnnxLibrary> onnx_library();

/// The library's own words, or success.
Result<void> onnx_check(const OrtApi* api, OrtStatus* status, Code code);

/// `unique_ptr` for what the C API hands out: `OnnxOwner<OrtValue>(value, api->ReleaseValue)`.
template <typename T>
using OnnxOwner = std::unique_ptr<T, void(ORT_API_CALL*)(T*)>;

}  // namespace slipway::models::detail
