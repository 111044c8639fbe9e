// `slipway mcp serve`: a server on standard input and output, for clients that start it themselves.
// Beside a running `slipway serve` it is that server's voice.
#include <unistd.h>

#include <condition_variable>
#include <thread>

#include "app/detail/backend.hpp"
#include "app/mcp_commands.hpp"
#include "mcp/local_door.hpp"

namespace slipway::app {

namespace {

constexpr int door_tries = 10;
constexpr std::chrono::milliseconds door_pause{200};

/// Does what a server does now and then, until it ends.
class Ticking {
 public:
  explicit Ticking(detail::Backend& backend)
      : thread_([this, &backend](const std::stop_token& stop) {
          constexpr std::chrono::seconds tick{1};
          std::unique_lock lock(mutex_);
          while (!stop.stop_requested()) {
            wake_.wait_for(lock, stop, tick, [] { return false; });
            if (!stop.stop_requested()) backend.tick();
          }
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

Result<int> serve_by(App& app, mcp::Server& server) {
  auto served = server.serve(app.context(), STDIN_FILENO, STDOUT_FILENO);
  if (!served && served.error().code() != Code::cancelled) return std::move(served.error());
  return exit_done;
}

/// By the server that has the folder, if it is one; nothing: there is none.
Result<std::optional<int>> serve_through_server(App& app) {
  const std::filesystem::path folder = TRY(app.data_folder());
  Result<void> spoken = fail(Code::not_found, "");
  // One that has just taken the folder has no door yet.
  for (int i = 0; i < door_tries && !spoken && spoken.error().code() == Code::not_found; ++i) {
    if (i > 0) std::this_thread::sleep_for(door_pause);
    spoken = mcp::speak_through_door(app.context(), folder, STDIN_FILENO, STDOUT_FILENO);
  }
  if (!spoken && spoken.error().code() == Code::not_found) return std::optional<int>();
  if (!spoken && spoken.error().code() != Code::cancelled) return std::move(spoken.error());
  return std::optional<int>(exit_done);
}

/// What can be served beside another command that has the folder.
Result<int> serve_collections(App& app) {
  rag::Library* library = TRY(app.library(DataFolder::may_be_made));
  // Borrowed: the app outlives the server.
  const std::shared_ptr<rag::Library> borrowed(library, [](rag::Library*) {});
  const auto offer = detail::make_mcp_offer({.library = [borrowed] { return borrowed; }});
  const auto server = mcp::Server::make({.offer = *offer, .threads_max = 8});
  return serve_by(app, *server);
}

}  // namespace

Result<int> mcp_serve(App& app) {
  LoadedConfig loaded = TRY(app.load_config_again());
  loaded.config.server.host = ServerConfig().host;  // Nobody is listened to.
  {
    detail::Backend backend(app);
    const auto started = backend.start(loaded);
    if (started) {
      const Ticking ticking(backend);
      return serve_by(app, backend.mcp());
    }
    if (started.error().code() != Code::conflict) return started.error();
    if (const auto code = TRY(serve_through_server(app))) return *code;
    app.note(
        fmt::format("collections only, without agents and models: {}", started.error().message()));
  }
  return serve_collections(app);
}

}  // namespace slipway::app
