// One call that is relayed: its request, its answer as it comes, its deadlines.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <span>
#include <string>

#include "http/detail/coding.hpp"
#include "http/detail/curl_request.hpp"
#include "http/detail/deadlines.hpp"
#include "http/detail/reply_reader.hpp"
#include "http/detail/wire.hpp"
#include "http/upstream.hpp"

namespace slipway::http::detail {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

class Call;
struct Origin;

/// What a call asks of its loop.
class CallControl {
 public:
  virtual ~CallControl() = default;
  enum class Wish { start, resume, cancel };
  /// From any thread. False: the loop has ended, and all its calls with it.
  virtual bool tell(std::shared_ptr<Call> call, Wish wish) = 0;
  // On the loop's thread.
  virtual void set_deadline(Timed& timed, TimePoint at) = 0;
  /// Room for what one read brings; taken again by the next.
  virtual std::span<char> buffer() = 0;
  /// The call needs another connection, one that nobody used before.
  virtual void connect_again(Call& call) = 0;
  /// The call is over; `wire` may serve the next one, if there is one.
  virtual void done(Call& call, std::unique_ptr<Wire> wire, Result<void> result) = 0;
};

/// `cancel` and `resume` come from any thread, everything else from the loop's.
class Call final : public UpstreamCall,
                   public Timed,
                   public Speaker,
                   public std::enable_shared_from_this<Call> {
 public:
  struct Setting {
    ClientRequest request;
    UpstreamTimeouts timeouts;
    UpstreamEvents events;
    std::shared_ptr<const Target> target;
    Reach reach = Reach::anywhere;
  };
  Call(std::weak_ptr<CallControl> control, Setting setting)
      : control_(std::move(control)), setting_(std::move(setting)) {}

  void cancel() override;
  void resume() override;

  const std::string& url() const { return setting_.request.url; }
  const Target& target() const { return *setting_.target; }
  Origin* origin = nullptr;  ///< The loop's: whose connections it waits for or has.

  /// Its time begins.
  void begin(CallControl& loop);
  /// What a handle has to know that makes a connection for this call, which must stay till then.
  void set_up(CURL* easy);
  /// Why curl could not connect.
  Error connect_error(CURLcode code) const;
  /// Asks over this connection; `is_used`: others have done so, and its peer may be gone.
  void speak(std::unique_ptr<Wire> wire, bool is_used);
  /// Takes what was held back, and goes on.
  void go_on();
  /// Its connection, when the loop ends the call.
  std::unique_ptr<Wire> take_wire() { return std::move(wire_); }
  void finish(Result<void> result);

  void on_wire(Wire& wire) override;
  void on_deadline(TimePoint now) override;

 private:
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address);
  void arm();
  void write_head();
  void shake_hands();
  void send();
  void receive();
  bool take(std::string_view data);
  void lost(bool is_broken);
  void conclude(bool is_clean);
  void end(Result<void> result);
  void break_off(std::string_view why);
  void tell_head();
  void tell_piece(std::string_view piece);
  Result<void> choose_decoder(Headers& headers);
  template <typename Event>
  void run(const Event& event);
  Error late(std::string_view what, std::chrono::milliseconds time) const;

  const std::weak_ptr<CallControl> control_;
  Setting setting_;
  CallControl* loop_ = nullptr;
  PublicOnly public_only_;
  std::array<char, CURL_ERROR_SIZE> message_{};
  TimePoint connect_at_ = TimePoint::max(), first_byte_at_ = TimePoint::max(),
            total_at_ = TimePoint::max();
  std::unique_ptr<Wire> wire_;
  std::string head_;      ///< Of the request.
  std::size_t sent_ = 0;  ///< Of head and body.
  ReplyReader reader_;
  std::unique_ptr<Decoder> decoder_;
  std::string decoded_;
  std::string held_;  ///< What came while the receiver wanted no more.
  bool decodes_ = false, is_used_ = false, is_shaking_ = false, is_sent_ = false;
  bool cannot_send_ = false, has_body_ = false, is_paused_ = false, has_ended_ = false;
};

}  // namespace slipway::http::detail
