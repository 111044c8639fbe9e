#include "http/mail.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace slipway::http {

namespace {

/// Takes one mail, or refuses it, as a mail server on loopback does.
class MailSink {
 public:
  explicit MailSink(std::string answer_to_mail = "250 ok") : answer_(std::move(answer_to_mail)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~MailSink() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  MailSink(const MailSink&) = delete;
  MailSink& operator=(const MailSink&) = delete;
  std::string url() const { return fmt::format("smtp://127.0.0.1:{}", port_); }
  const std::string& said() {
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([] {});
    return said_;
  }

 private:
  void serve() {
    const int client = ::accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    const auto say = [&](const std::string& line) {
      const std::string text = line + "\r\n";
      [[maybe_unused]] const auto sent = ::send(client, text.data(), text.size(), MSG_NOSIGNAL);
    };
    say("220 sink");
    std::string pending;
    char buffer[4096];
    bool is_data = false;
    for (;;) {
      const ssize_t count = ::recv(client, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      pending.append(buffer, static_cast<std::size_t>(count));
      for (std::size_t end = 0; (end = pending.find("\r\n")) != std::string::npos;) {
        const std::string line = pending.substr(0, end);
        pending.erase(0, end + 2);
        said_ += line + "\n";
        if (is_data) {
          if (line == ".") {
            is_data = false;
            say("250 taken");
          }
        } else if (line == "DATA") {
          is_data = true;
          say("354 go on");
        } else if (line.starts_with("MAIL")) {
          say(answer_);
        } else if (line == "QUIT") {
          say("221 bye");
        } else {
          say("250 ok");
        }
      }
    }
    ::close(client);
  }

  const std::string answer_;
  int listener_ = -1;
  int port_ = 0;
  std::string said_;
  std::thread thread_;
};

const std::string date = "Wed, 25 Nov 2026 09:30:00 +0000";

Mail mail() {
  return {.from = "slipway@example.org",
          .to = {"ann@example.org", "bob@example.org"},
          .subject = "Budget \"team\"\r\nBcc: all@example.org",
          .text = "80 % of it are spent."};
}

}  // namespace

TEST_CASE("a mail is handed to a server whole, and no header of anybody else's with it") {
  MailSink sink;
  const auto sent = send_mail({}, {.url = sink.url()}, mail(), date);
  INFO((sent ? std::string() : sent.error().message()));
  REQUIRE(sent.ok());
  const std::string& said = sink.said();
  CHECK(said.find("MAIL FROM:<slipway@example.org>") != std::string::npos);
  CHECK(said.find("RCPT TO:<bob@example.org>") != std::string::npos);
  CHECK(said.find("Subject: Budget \"team\"  Bcc: all@example.org\n") != std::string::npos);
  CHECK(said.find("ODAgJSBvZiBpdCBhcmUgc3BlbnQu\n") != std::string::npos);
}

TEST_CASE("a server that refuses or is not there is told as such") {
  MailSink sink("550 not you");
  const auto refused = send_mail({}, {.url = sink.url()}, mail(), date);
  REQUIRE(!refused);
  CHECK(refused.error().code() == Code::unavailable);
  CHECK(refused.error().message().find("550") != std::string::npos);
  CHECK(!send_mail({}, {.url = "smtp://127.0.0.1:1"}, mail(), date));
}

TEST_CASE("servers and addresses are checked before anything is sent") {
  CHECK(check_mail_server("smtps://mail.example.org:465"));
  CHECK(!check_mail_server("http://mail.example.org"));
  CHECK(!check_mail_server("smtp://user:secret@mail.example.org"));
  CHECK(!check_mail_server("smtp://mail\r\nHELO x"));
  CHECK(check_mail_address("ann@example.org"));
  for (const char* wrong : {"", "ann", "@example.org", "ann@", "a b@c", "a@b>\r\nRCPT TO:<c@d"})
    CHECK(!check_mail_address(wrong));
}

TEST_CASE("subjects in other scripts are encoded words") {
  Mail one = mail();
  one.subject = std::string(100, '\x80');  // No UTF-8: cut anywhere, and at an end some time.
  CHECK(mail_text(one, date).find("Subject: =?utf-8?B?") != std::string::npos);
  one.subject = "Бюджет";
  CHECK(mail_text(one, date).find("Subject: =?utf-8?B?0JHRjtC00LbQtdGC?=\r\n") !=
        std::string::npos);
}

}  // namespace slipway::http
