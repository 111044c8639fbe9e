#include "core/jail.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <charconv>
#include <cstring>

#include "core/detail/jail_child.hpp"
#include "core/detail/sandbox_protocol.hpp"
#include "core/json.hpp"

namespace slipway {

namespace {

/// What the status lines say: see jail_child.hpp.
struct Told {
  bool is_ready = false;
  int exit_code = -1;
  std::string limit;
};

Result<Told> read_status(std::string_view status) {
  Told told;
  while (!status.empty()) {
    const std::size_t line_end = std::min(status.find('\n'), status.size());
    const std::string_view line = status.substr(0, line_end);
    status.remove_prefix(std::min(line_end + 1, status.size()));
    int number = -1;
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view rest = line.substr(std::min(space + 1, line.size()));
    std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (line == "ready") told.is_ready = true;
    if (line.starts_with("exit ")) told.exit_code = number;
    if (line.starts_with("limit ")) told.limit = rest;
    if (!line.starts_with("error ")) continue;
    const bool is_known = number >= 0 && number <= static_cast<int>(Code::internal);
    return Error(is_known ? static_cast<Code>(number) : Code::internal, std::string(status));
  }
  return told;
}

constexpr int over_time = 128 + SIGXCPU;

}  // namespace

std::vector<std::string> system_paths() {
  return {"/usr",
          "/bin",
          "/sbin",
          "/lib",
          "/lib32",
          "/lib64",
          "/opt",
          "/etc/alternatives",
          "/etc/ld.so.cache",
          "/etc/localtime",
          "/etc/ssl/certs"};
}

Result<JailOutput> run_jailed(const Context& context, const Jail& jail, std::string_view input) {
  SLIPWAY_ASSERT(!jail.command.empty() && jail.command[0].starts_with('/'));
  const detail::JailOrder order{
      .command = jail.command,
      .readable = jail.readable,
      .writable = jail.writable,
      .environment = jail.environment,
      .has_network = jail.has_network,
      .has_proc = jail.has_proc,
      .cpu_ms = jail.limits.cpu.count(),
      .memory_bytes_max = static_cast<std::int64_t>(jail.limits.memory_bytes_max),
      .processes_max = jail.limits.processes_max};
  std::string text = json::dump(json::to(order));
  const std::string bytes = std::to_string(text.size());
  text += input;
  const detail::ChildSaid said = TRY(detail::run_child(
      context, {.arguments = {"slipway", detail::sandbox_argument, detail::jail_entry, bytes},
                .input = text,
                .timeout = jail.limits.wall,
                .output_bytes_max = jail.limits.output_bytes_max}));
  const Told told = TRY(read_status(said.status));
  if (told.limit == "cpu" || told.exit_code == over_time)
    return fail(Code::deadline_exceeded, "used up its {} ms of processor time",
                jail.limits.cpu.count());
  if (told.limit == "memory")
    return fail(Code::invalid_argument, "takes more than {} bytes of memory",
                jail.limits.memory_bytes_max);
  if (!told.is_ready || told.exit_code < 0) {
    if (WIFSIGNALED(said.wait_status) || told.is_ready)
      return fail(Code::invalid_argument, "was ended by the system, most likely out of memory");
    return fail(Code::unsupported, "a sandbox did not start: {}",
                said.err.empty() ? std::string("it ended without a word") : said.err);
  }
  return JailOutput{.out = said.out, .err = said.err, .exit_code = told.exit_code};
}

}  // namespace slipway
