// One connection: reads requests one after the other, hands them out, writes the answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/detail/body_reader.hpp"
#include "http/detail/coding.hpp"
#include "http/detail/deadlines.hpp"
#include "http/detail/edge.hpp"
#include "http/detail/head.hpp"
#include "http/detail/outbox.hpp"
#include "http/detail/transport.hpp"

namespace slipway::http::detail {

class ExchangeCore;

/// On its edge's thread only. While a request is answered the next ones wait unparsed, so answers
/// leave in order; a read is outstanding all the time, so that a client who leaves is seen.
class Connection final : public Timed,
                         public Watcher,
                         public std::enable_shared_from_this<Connection> {
 public:
  /// `edge` outlives it; the descriptor is its own from here on.
  Connection(Edge& edge, int fd, const SslContext& tls, std::string peer);
  ~Connection() override;

  void start();
  /// The exchange at hand has something to write or wants to be looked after.
  void serve();
  void on_deadline(TimePoint now) override;
  void on_ready(int fd, std::uint32_t events) override;
  void close_if_idle();
  void abort();

 private:
  enum class Phase {
    handshake,
    head,       ///< Reads a head, or waits for one.
    body,       ///< Reads a body.
    answering,  ///< Somebody has the exchange.
    ending,     ///< The last bytes go out.
    lingering,  ///< Reads away what the client still sends, so that it can read the answer.
    closed
  };
  /// An exchange whose answer is complete but has not left yet.
  struct Finished {
    std::shared_ptr<ExchangeCore> exchange;
    TimePoint started_at;
    std::uint64_t bytes_in = 0, bytes_out = 0;
  };

  // connection.cpp: events and their order.
  /// What throws has a bug, or found no memory: this connection ends, not the process.
  void run(void (Connection::*event)());
  void wait_writable();
  /// Tells the reactor what this waits for.
  void listen();
  void on_readable();
  void on_writable();
  void shake_hands();
  void read_some();
  void take(std::string_view data);
  void drive();
  void settle();
  void flush();
  void account(std::size_t bytes);
  int unacknowledged() const;
  void peer_ended();
  void linger_or_close();
  void close(bool is_complete);
  void record(const Finished& finished, bool is_complete);

  // connection_request.cpp: from bytes to an exchange.
  void advance(std::string_view& data);
  bool read_head(std::string_view& data);
  void begin_request(std::string_view head, std::string_view& data);
  std::optional<Refusal> check_body();
  void begin_body(std::string_view& data);
  void refuse_early(Response response, std::string_view& data);
  void read_body(std::string_view& data);
  std::optional<Refusal> take_piece(std::string_view piece);
  void finish_body();
  void dispatch();
  void refuse(const Refusal& refusal);
  void answer_last(Response response);
  bool may_parse() const;
  void pump();
  void finish_exchange(bool keeps_alive);
  void make_exchange();

  Edge& edge_;
  Transport transport_;
  const std::string peer_;
  std::string client_name_;

  Phase phase_ = Phase::head;
  bool is_reading_ = false, is_writing_ = false;  ///< What it waits for,
  std::uint32_t listens_ = 0;                     ///< and the reactor knows.
  bool write_wants_read_ = false;                 ///< Of the TLS layer.
  bool is_busy_ = false;                          ///< Within `drive`.
  bool must_look_again_ = false;                  ///< Something came while it was busy.
  bool has_begun_ = false;                        ///< A byte of the next request is here.
  bool must_linger_ = false;
  std::string in_;  ///< Bytes that were not parsed yet.
  Outbox out_;
  TimePoint read_deadline_ = TimePoint::max();
  TimePoint write_deadline_ = TimePoint::max();
  TimePoint wrote_at_{};
  int unacknowledged_ = 0;  ///< Bytes that the peer had not taken when writing had to wait.
  std::size_t lingered_bytes_ = 0;

  // The request at hand.
  HeadScanner scanner_;
  Framing framing_;
  BodyReader body_reader_;
  std::unique_ptr<Decoder> decoder_;
  std::size_t body_bytes_max_ = 0;
  std::uint64_t body_bytes_ = 0;  ///< As sent.
  std::shared_ptr<ExchangeCore> exchange_;
  TimePoint started_at_{};
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
  std::size_t foreign_bytes_ = 0;  ///< Of earlier answers, before the first of this one in `out_`.
  std::vector<Finished> finished_;
};

}  // namespace slipway::http::detail
