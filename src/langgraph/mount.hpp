// The API that LangGraph's clients speak, under /langgraph: an agent is a graph, its assistant is
// there from the start, threads and runs are those of the agents' host. Source: langgraph-sdk
// 0.4.14 (Python) and 1.15.0 (JavaScript), and what langgraph-api 0.16.7 says on the wire.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/host.hpp"
#include "agents/runtime.hpp"
#include "http/client.hpp"
#include "http/router.hpp"
#include "store/database.hpp"

namespace slipway::langgraph {

/// The tables `langgraph_*` of the main database.
std::vector<store::Migration> migrations();

/// What the face keeps of its own (assistants, items, what clients asked of their runs) and does
/// after the answer: calls webhooks, begins delayed runs, deletes what was for one run or has
/// outlived its time. One per database; outlives all routes. Safe to use from many threads.
class Keeper {
 public:
  /// All of it must outlive the keeper.
  struct Options {
    agents::Host& host;
    agents::Runtime& runtime;  ///< The host's.
    store::Database& database;
    http::Client& client;  ///< For webhooks, whose URLs callers choose: `Reach::public_only`.
    std::string version;   ///< Of this program, for /info.
    std::size_t followers = 256;  ///< Threads for streams and waiting calls, at most.
    const Clock& clock = system_clock();
    Random& random = system_random();
  };
  /// Takes up what was due when the last one ended. Fails: unavailable (the database).
  static Result<std::shared_ptr<Keeper>> open(Options options);
  virtual ~Keeper() = default;
  /// The server ends: whoever follows a run is sent away, runs go on.
  virtual void end_waiting() = 0;
};

/// An error refuses the request.
using Admit = std::function<Result<void>(const http::Request&, std::string_view role)>;

/// Adds the routes. `keeper` lives as long as the routes do.
void mount(http::Router& router, const std::shared_ptr<Keeper>& keeper, const Admit& admit);

/// Whether requests for that path are answered, and refused, in this face's words.
bool is_face_path(std::string_view path);
/// Those that answer everybody: whether it is there, and what it is.
bool is_open_path(std::string_view path);
/// {"detail": why}; of paths that are not of the face nothing.
std::optional<http::Response> refusal(const http::Request& head, int status,
                                      const std::string& why);

}  // namespace slipway::langgraph
