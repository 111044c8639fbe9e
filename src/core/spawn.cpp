// posix_spawn and not fork: it shares the address space until exec, so starting a child costs the
// same in a process of gigabytes, and no code of ours runs between the two.
#include "core/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/descriptor.hpp"

extern char** environ;  // NOLINT(readability-identifier-naming): POSIX

namespace slipway {

namespace {

struct FileActions {
  posix_spawn_file_actions_t actions;
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
};

struct Attributes {
  posix_spawnattr_t attributes;
  Attributes() {
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes); }
};

/// As exec wants them: it takes pointers to what it does not change.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

Error failure_of(int number) {
  return {number == ENOENT ? Code::not_found : Code::unavailable, std::strerror(number)};
}

}  // namespace

Result<pid_t> spawn(const SpawnOptions& options) {
  SLIPWAY_ASSERT(!options.command.empty());
  FileActions files;
  // Above the numbers that they become, so that placing one never overwrites another, even in a
  // process that was started with its standard descriptors closed.
  const int count = static_cast<int>(options.descriptors.size());
  std::vector<Descriptor> lifted;
  for (int i = 0; i < count; ++i) {
    int from = options.descriptors[static_cast<std::size_t>(i)];
    if (from < count) {
      lifted.emplace_back(::fcntl(from, F_DUPFD_CLOEXEC, count));
      from = lifted.back().get();
      if (from < 0) return failure_of(errno);
    }
    posix_spawn_file_actions_adddup2(&files.actions, from, i);
  }
  posix_spawn_file_actions_addclosefrom_np(&files.actions, count);
  if (!options.folder.empty())
    posix_spawn_file_actions_addchdir_np(&files.actions, options.folder.c_str());
  const Attributes attributes;
  const std::vector<char*> words = pointers(options.command);
  const std::vector<char*> variables =
      options.environment ? pointers(*options.environment) : std::vector<char*>();
  const std::string& program = options.program.empty() ? options.command.front() : options.program;
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, program.c_str(), &files.actions, &attributes.attributes,
                                   words.data(), options.environment ? variables.data() : environ);
  if (error != 0) return failure_of(error);
  return pid;
}

}  // namespace slipway
