// A server's door for other programs of the same user on this machine: a socket in a folder. Who
// may open it has all rights, as one who starts the server by its command has.
#pragma once

#include <filesystem>
#include <memory>

#include "mcp/server.hpp"

namespace slipway::mcp {

class LocalDoor {
 public:
  struct Options {
    std::filesystem::path folder;  ///< There, and of nobody else: its socket is made anew.
    std::size_t clients_max = 16;  ///< Those that come after them are sent away.
  };
  /// Speaks with whoever comes, as `Server::serve` does, until it is destroyed; that ends what is
  /// under way. `server` must outlive it. Fails: unavailable (the folder, the system).
  static Result<std::unique_ptr<LocalDoor>> open(Server& server, const Options& options);
  virtual ~LocalDoor() = default;
};

/// Lets a client on two file descriptors speak with the server whose door is in `folder`. Waits
/// until `in` ends and the server has said what it had to say. Fails: not_found (no server has a
/// door there), unavailable (it ended, reading, writing), cancelled.
Result<void> speak_through_door(const Context& context, const std::filesystem::path& folder, int in,
                                int out);

}  // namespace slipway::mcp
