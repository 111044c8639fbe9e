// From the bytes of a connection to exchanges, and from exchanges to bytes.
#include <algorithm>

#include "core/log.hpp"
#include "http/detail/connection.hpp"
#include "http/detail/exchange_core.hpp"
#include "http/detail/identity.hpp"

namespace slipway::http::detail {

namespace {

/// Answers of pipelined requests that may wait for the network before the next request is read.
constexpr std::size_t answers_bytes_max = 64u << 10;

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

bool Connection::may_parse() const {
  return (phase_ == Phase::head || phase_ == Phase::body) && out_.bytes() < answers_bytes_max;
}

void Connection::advance(std::string_view& data) {
  while (!data.empty() && may_parse()) {
    if (phase_ == Phase::body)
      read_body(data);
    else if (!read_head(data))
      return;
  }
}

bool Connection::read_head(std::string_view& data) {
  if (!has_begun_) {
    has_begun_ = true;
    started_at_ = now();
    read_deadline_ = started_at_ + edge_.shared().options.header_timeout;
  }
  const auto found = scanner_.scan(data, edge_.shared().limits);
  if (!found) return false;
  scanner_.reset();
  if (found->refusal) {
    bytes_in_ = data.size();
    data = {};
    refuse(*found->refusal);
    return false;
  }
  const std::string_view head = data.substr(0, found->size);
  data.remove_prefix(found->size);
  begin_request(head, data);
  return true;
}

void Connection::make_exchange() {
  exchange_ = std::make_shared<ExchangeCore>(edge_.shared_from_this(), *this);
  ++edge_.shared().exchanges;
  foreign_bytes_ = out_.bytes();
  bytes_out_ = 0;
}

void Connection::begin_request(std::string_view head, std::string_view& data) {
  make_exchange();
  bytes_in_ = head.size();
  Request& request = exchange_->request_to_fill();
  const auto refusal = parse_head(head, edge_.shared().limits, request, framing_);
  request.peer = peer_;
  request.is_secure = transport_.is_secure();
  request.client_name = client_name_;
  identify(request, edge_.random());
  exchange_->make_ready({framing_.minor_version, framing_.keeps_alive, framing_.takes_trailers});
  if (refusal) return refuse(*refusal);
  if (const auto wrong = check_body()) return refuse(*wrong);
  if (const auto& ask = edge_.shared().options.before_body)
    if (auto response = ask(request)) return refuse_early(std::move(*response), data);
  if (!framing_.has_body()) return dispatch();
  begin_body(data);
}

std::optional<Refusal> Connection::check_body() {
  const auto& options = edge_.shared().options;
  const Request& request = exchange_->request();
  body_bytes_max_ = options.body_bytes_max;
  body_bytes_ = 0;
  decoder_.reset();
  if (!framing_.has_body()) return {};
  if (options.body_limit) body_bytes_max_ = options.body_limit(request).value_or(body_bytes_max_);
  if (framing_.length > body_bytes_max_)
    return Refusal{413, fmt::format("the body of {} bytes is longer than the limit of {}",
                                    framing_.length, body_bytes_max_)};
  const std::string_view encoding = request.headers.get("content-encoding");
  const auto coding = parse_coding(encoding);
  if (!coding)
    return Refusal{415, "this Content-Encoding is not understood; use gzip, deflate, zstd or none"};
  decoder_ = Decoder::make(*coding);
  return {};
}

void Connection::begin_body(std::string_view& data) {
  phase_ = Phase::body;
  body_reader_ = BodyReader(framing_);
  read_deadline_ = now() + edge_.shared().options.body_timeout;
  if (!framing_.expects_continue || !data.empty()) return;
  constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  out_.add_copy(go_on);
  foreign_bytes_ += go_on.size();
  must_look_again_ = true;
}

void Connection::refuse_early(Response response, std::string_view& data) {
  // A body that is here already is skipped; for one that is not, nobody waits.
  BodyReader reader(framing_);
  while (!data.empty() && !reader.done() && !reader.refusal()) {
    const std::size_t before = data.size();
    reader.next(data);
    bytes_in_ += before - data.size();
  }
  if (reader.done()) {
    phase_ = Phase::answering;
    read_deadline_ = TimePoint::max();
    exchange_->reply(std::move(response));
    return;
  }
  must_linger_ = true;
  answer_last(std::move(response));
}

void Connection::read_body(std::string_view& data) {
  while (!data.empty() && !body_reader_.done()) {
    const std::size_t before = data.size();
    const std::string_view piece = body_reader_.next(data);
    bytes_in_ += before - data.size();
    if (body_reader_.refusal()) return refuse(*body_reader_.refusal());
    if (const auto refusal = take_piece(piece)) return refuse(*refusal);
  }
  if (body_reader_.done()) return finish_body();
  read_deadline_ = now() + edge_.shared().options.body_timeout;
}

std::optional<Refusal> Connection::take_piece(std::string_view piece) {
  if (piece.empty()) return {};
  const auto too_long = [&] {
    return Refusal{413,
                   fmt::format("the body is longer than the limit of {} bytes", body_bytes_max_)};
  };
  std::string& body = exchange_->request_to_fill().body;
  body_bytes_ += piece.size();
  if (body_bytes_ > body_bytes_max_) return too_long();
  if (!decoder_) {
    // Room as the bytes come: an announced length costs its sender nothing.
    const std::size_t needed = body.size() + piece.size();
    if (framing_.length > 0 && needed > body.capacity())
      body.reserve(std::min<std::size_t>(framing_.length, std::max(needed, 2 * body.capacity())));
    body += piece;
  } else if (const auto fed = decoder_->feed(piece, body, body_bytes_max_); !fed) {
    if (fed.error().code() == Code::rate_limited) return too_long();
    return Refusal{fed.error().code() == Code::unavailable ? 503 : 400, fed.error().message()};
  }
  if (!exchange_->charge_body())
    return Refusal{503, "the bodies of other requests fill the memory; try again later"};
  return {};
}

void Connection::finish_body() {
  if (decoder_)
    if (const auto ended = decoder_->end(); !ended) return refuse({400, ended.error().message()});
  decoder_.reset();
  dispatch();
}

void Connection::dispatch() {
  phase_ = Phase::answering;
  read_deadline_ = TimePoint::max();
  ++edge_.shared().requests;
  const ExchangePtr handle = exchange_->handle();
  try {
    edge_.shared().handler(handle);
  } catch (const std::exception& error) {
    log::error("the handler of {} {} threw: {}; please report it", handle->request().method,
               handle->request().path, error.what());
  }
}

void Connection::refuse(const Refusal& refusal) {
  ++edge_.shared().malformed;
  must_linger_ = true;
  if (!exchange_) {
    make_exchange();
    identify(exchange_->request_to_fill(), edge_.random());
    exchange_->request_to_fill().peer = peer_;
    exchange_->make_ready({});
  }
  // What was read of the body is of no use to anyone.
  std::string().swap(exchange_->request_to_fill().body);
  std::optional<Response> told;
  if (const auto& tell = edge_.shared().options.tell_refusal)
    told = tell(exchange_->request(), refusal.status, refusal.why);
  answer_last(told ? std::move(*told) : problem(refusal.status, refusal.why));
}

void Connection::answer_last(Response response) {
  phase_ = Phase::answering;
  read_deadline_ = TimePoint::max();
  exchange_->close_afterwards();
  exchange_->reply(std::move(response));
}

void Connection::pump() {
  const std::size_t before = out_.bytes();
  const auto taken = exchange_->take(out_);
  bytes_out_ += out_.bytes() - before;
  if (taken.is_aborted) {
    flush();
    return close(false);
  }
  // A stream that began before a drain promised nothing about it.
  if (taken.is_ended) finish_exchange(taken.keeps_alive && !edge_.shared().is_draining);
}

void Connection::finish_exchange(bool keeps_alive) {
  finished_.push_back({exchange_, started_at_, bytes_in_, bytes_out_});
  exchange_->detach();
  --edge_.shared().exchanges;
  exchange_.reset();
  has_begun_ = false;
  must_look_again_ = true;
  phase_ = keeps_alive ? Phase::head : Phase::ending;
  read_deadline_ = now() + edge_.shared().options.idle_timeout;
  if (keeps_alive) return;
  read_deadline_ = TimePoint::max();
  in_.clear();
}

}  // namespace slipway::http::detail
