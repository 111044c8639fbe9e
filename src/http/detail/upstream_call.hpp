// One call that is relayed, on a curl handle of the loop.
#pragma once

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "http/detail/curl_request.hpp"
#include "http/detail/deadlines.hpp"
#include "http/upstream.hpp"

namespace slipway::http::detail {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

class Call;

/// What a call asks of its loop, from any thread.
class CallControl {
 public:
  virtual ~CallControl() = default;
  enum class Wish { start, resume, cancel };
  /// False: the loop has ended, and all its calls with it.
  virtual bool tell(std::shared_ptr<Call> call, Wish wish) = 0;
  // On the loop's thread.
  virtual void set_deadline(Timed& timed, TimePoint at) = 0;
  /// A socket that curl will close by the loop's own function.
  virtual void opened(int fd) = 0;
};

/// `cancel` and `resume` come from any thread, everything else from the loop's.
class Call final : public UpstreamCall, public Timed, public std::enable_shared_from_this<Call> {
 public:
  struct Setting {
    ClientRequest request;
    UpstreamTimeouts timeouts;
    UpstreamEvents events;
    Target target;
    Reach reach = Reach::anywhere;
  };
  Call(std::weak_ptr<CallControl> control, Setting setting)
      : control_(std::move(control)), setting_(std::move(setting)) {}

  void cancel() override;
  void resume() override;

  /// Options that all calls share; once per handle.
  static void prepare(CURL* easy);
  /// Sets up a prepared handle for this call; it is the caller's again after `take_handle`.
  void begin(Easy easy, CallControl& control);
  CURL* handle() const { return easy_.get(); }
  const std::string& url() const { return setting_.request.url; }
  Easy take_handle();

  /// Of what was paused. Anything but CURLE_OK ends the call.
  CURLcode go_on();
  void on_deadline(TimePoint now) override;
  bool is_over_time() const { return late_ != Late::no; }
  bool is_stopped() const { return is_stopped_; }
  /// Tells the end: what curl says, or why the loop ended it.
  void finish(CURLcode code);
  void finish(Error error);

 private:
  enum class Late { no, first_byte, total };

  static std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* self);
  static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self);
  static int on_request(void* self, char*, char*, int, int);
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address);
  void take_header(std::string_view line);
  void set_body(CURL* easy);
  void arm();
  Result<void> judge(CURLcode code) const;
  /// Runs an event; one that throws has a bug and ends the call.
  bool run(const std::function<void()>& event);

  const std::weak_ptr<CallControl> control_;
  Setting setting_;
  CallControl* loop_ = nullptr;
  Easy easy_;
  HeaderList header_list_;
  PublicOnly public_only_;
  bool decodes_ = false;
  TimePoint first_byte_at_ = TimePoint::max(), total_at_ = TimePoint::max();
  Late late_ = Late::no;
  int status_ = 0;
  Headers headers_;
  std::size_t header_bytes_ = 0;
  bool has_head_ = false, has_body_ = false, has_ended_ = false;
  bool is_paused_ = false;   ///< The receiver wants no more for now.
  bool is_held_ = false;     ///< And curl holds a piece back.
  bool is_stopped_ = false;  ///< A callback went wrong.
  std::array<char, CURL_ERROR_SIZE> message_{};
};

}  // namespace slipway::http::detail
