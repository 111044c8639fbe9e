#include "models/detail/import_steps.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/fault.hpp"

namespace slipway::models::detail {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

Result<void> copy_file(const Context& context, const fs::path& from, const fs::path& to) {
  TRY(fault_point(FaultKind::file, "copy"));
  std::ifstream in(from, std::ios::binary);
  if (!in) return fail(Code::not_found, "cannot open {}: {}", from.string(), std::strerror(errno));
  const int out = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (out < 0)
    return fail(Code::unavailable, "cannot make {}: {}", to.string(), std::strerror(errno));
  const auto copy = [&]() -> Result<void> {
    std::string block(4u << 20, '\0');
    while (in) {
      TRY(context.check());
      in.read(block.data(), static_cast<std::streamsize>(block.size()));
      std::string_view rest(block.data(), static_cast<std::size_t>(in.gcount()));
      while (!rest.empty()) {
        const ssize_t written = ::write(out, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0)
          return fail(Code::unavailable, "cannot write {}: {}", to.string(), std::strerror(errno));
        rest.remove_prefix(static_cast<std::size_t>(written));
      }
    }
    if (in.bad()) return fail(Code::unavailable, "cannot read {}", from.string());
    if (::fsync(out) != 0)
      return fail(Code::unavailable, "cannot sync {}: {}", to.string(), std::strerror(errno));
    return {};
  };
  auto done = copy();
  ::close(out);
  return done;
}

}  // namespace slipway::models::detail
