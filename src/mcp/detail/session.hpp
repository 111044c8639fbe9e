// What a legacy client has: a session, and streams that it can come back to.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "mcp/detail/outlet.hpp"
#include "mcp/server.hpp"

namespace slipway::mcp::detail {

/// The events of one request, or of what belongs to none (GET): each has an id, is kept for a
/// while, and goes to whoever is attached. Safe to use from many threads.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  /// `number` is of the ids: "3.17" is the 17th event of stream 3. `primes`: it begins with an
  /// empty event, so that who is cut off before the first has an id to come back with.
  Stream(std::uint64_t number, bool primes) : number_(number), primes_(primes) {}

  /// Sends what comes after event `seen`, and all that follows; one that was attached is ended.
  void attach(http::ExchangePtr exchange, std::uint64_t seen);
  /// False: it is closed. Nobody need listen: it is kept.
  bool send(const json::Object& message);
  /// Nothing more will come.
  void close();
  /// Ends the connection, not the stream.
  void pause(std::chrono::milliseconds retry);
  bool is_closed() const;
  std::uint64_t number() const { return number_; }

  static constexpr std::size_t events_max = 512;
  static constexpr std::size_t bytes_max = 4u << 20;

 private:
  void attach_locked(http::ExchangePtr exchange, std::uint64_t seen);
  void write_locked(std::uint64_t sequence, const std::string& data);

  struct Kept {
    std::uint64_t sequence = 0;
    std::string data;
  };
  const std::uint64_t number_;
  const bool primes_;
  mutable std::mutex mutex_;
  std::deque<Kept> events_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  http::ExchangePtr exchange_;  ///< Null: nobody listens.
  bool is_closed_ = false;
};

/// Legacy HTTP: an event stream of the session, from the start.
class StreamOutlet final : public Outlet {
 public:
  explicit StreamOutlet(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  bool send(const json::Object& message) override { return stream_->send(message); }
  void finish(int, const json::Object& message) override;
  void drop() override;
  void pause(std::chrono::milliseconds retry) override { stream_->pause(retry); }
  /// Of a batch: the stream ends with the last of so many answers.
  void expect(std::size_t answers) { answers_left_ = answers; }

 private:
  void end_one();
  const std::shared_ptr<Stream> stream_;
  std::mutex mutex_;
  std::size_t answers_left_ = 1;
};

/// A client that was asked and has not answered yet.
struct Asked {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Message> answer;
  bool is_over = false;  ///< Nobody will answer any more.
};

/// A client: a legacy session over HTTP, a process over stdio, or a single modern request.
struct Session {
  std::string id;
  Principal principal;

  std::mutex mutex;     ///< Guards what follows.
  std::string version;  ///< Negotiated; empty: not yet, or modern.
  json::Object capabilities;
  int log_rank = 0;
  std::set<std::string> subscriptions;
  std::map<std::string, std::stop_source> running;  ///< By the key of the request's id.
  std::map<std::int64_t, std::shared_ptr<Asked>> asked;
  std::int64_t last_asked = 0;
  OutletPtr general;  ///< For what belongs to no request; may be null.
  std::map<std::uint64_t, std::shared_ptr<Stream>> streams;
  std::uint64_t last_stream = 0, general_stream = 0;
  std::int64_t used_ms = 0;
  bool is_ended = false;

  static constexpr std::size_t subscriptions_max = 1'000, running_max = 256, streams_max = 64;

  /// A new stream; the oldest that are closed are forgotten. Null: too many are open.
  std::shared_ptr<Stream> add_stream();
  /// Of an event id, with the number of the event.
  std::shared_ptr<Stream> stream_of(std::string_view event_id, std::uint64_t& seen);
  /// To whoever waits for it; of what nobody asked it is dropped.
  void take_answer(Message answer);
  /// Stops that request, if it is under way.
  void cancel(const std::string& id_key);
  /// Stops all that runs and waits, ends all streams.
  void end();
};
using SessionPtr = std::shared_ptr<Session>;

/// By their ids. Safe to use from many threads.
class Sessions {
 public:
  struct Options {
    std::size_t max = 1'000;
    std::chrono::milliseconds idle_max{0};
    const Clock& clock;
    Random& random;
  };
  explicit Sessions(Options options) : options_(options) {}
  /// Null: all places are taken by sessions with work under way.
  SessionPtr add(Principal principal);
  /// Null: there is none, or it is another's.
  SessionPtr find(const std::string& id, const Principal& principal);
  /// Ends it, if there is such a one.
  void remove(const std::string& id);
  std::vector<SessionPtr> all();

 private:
  std::int64_t now_ms() const;
  void make_room();

  const Options options_;
  std::mutex mutex_;
  std::map<std::string, SessionPtr> sessions_;
};

}  // namespace slipway::mcp::detail
