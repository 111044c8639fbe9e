#include "http/mail.hpp"

#include <algorithm>

#include "core/base64.hpp"
#include "core/fault.hpp"
#include "core/unicode.hpp"
#include "http/detail/curl_request.hpp"

namespace slipway::http {

namespace {

constexpr std::chrono::milliseconds timeout_max{30'000};

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

/// What is still to be sent.
struct Source {
  std::string_view rest;
  const Context* context = nullptr;
};

std::size_t read_text(char* to, std::size_t size, std::size_t count, void* data) {
  auto& source = *static_cast<Source*>(data);
  const std::size_t bytes = std::min(size * count, source.rest.size());
  std::copy_n(source.rest.data(), bytes, to);
  source.rest.remove_prefix(bytes);
  return bytes;
}

int check_context(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Source*>(data)->context->check() ? 0 : 1;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

std::string header_text(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  if (is_ascii(text)) return text;
  // Encoded words hold 75 characters at most; characters are not cut in two.
  constexpr std::size_t piece_bytes = 42;
  std::string encoded;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = unicode::floor_boundary(text, std::min(at + piece_bytes, text.size()));
    if (!encoded.empty()) encoded += "\r\n ";
    encoded += "=?utf-8?B?" + base64(std::string_view(text).substr(at, end - at)) + "?=";
    at = end;
  }
  return encoded;
}

}  // namespace

Result<void> check_mail_server(std::string_view url) {
  const bool is_smtp = url.starts_with("smtp://") || url.starts_with("smtps://");
  const bool is_clean =
      std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > ' ' && c < 0x7F; });
  if (is_smtp && is_clean && url.find('@') == std::string_view::npos) return {};
  return fail(Code::invalid_argument,
              "'{}' is no mail server; write smtp://HOST:PORT or smtps://HOST:PORT, user and "
              "password beside it",
              is_smtp ? url.substr(0, url.find("://") + 3) : url.substr(0, 100));
}

Result<void> check_mail_address(std::string_view address) {
  constexpr std::size_t address_bytes_max = 254;
  const std::size_t at = address.find('@');
  const bool is_clean = std::all_of(address.begin(), address.end(), [](unsigned char c) {
    return c > ' ' && c != 0x7F && c != '<' && c != '>' && c != ',';
  });
  if (is_clean && at != std::string_view::npos && at > 0 && at + 1 < address.size() &&
      address.size() <= address_bytes_max)
    return {};
  return fail(Code::invalid_argument, "'{}' is no mail address; write name@example.org",
              address.substr(0, 100));
}

std::string mail_text(const Mail& mail, const std::string& date) {
  std::string text = fmt::format(
      "Date: {}\r\nFrom: <{}>\r\nTo: <{}>\r\nSubject: {}\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
      "Auto-Submitted: auto-generated\r\n\r\n",
      date, mail.from, fmt::join(mail.to, ">, <"), header_text(mail.subject));
  constexpr std::size_t line_bytes = 57;  // 76 characters of base 64.
  for (std::size_t at = 0; at < mail.text.size(); at += line_bytes)
    text += base64(std::string_view(mail.text).substr(at, line_bytes)) + "\r\n";
  return text;
}

Result<void> send_mail(const Context& context, const MailServer& server, const Mail& mail,
                       const std::string& date) {
  TRY(context.check());
  TRY(check_mail_server(server.url));
  TRY(check_mail_address(mail.from).within("from"));
  if (mail.to.empty()) return fail(Code::invalid_argument, "to: names nobody");
  for (const std::string& address : mail.to) TRY(check_mail_address(address).within("to"));
  TRY(fault_point(FaultKind::network, "send"));
  detail::start_curl();
  const Easy easy(curl_easy_init());
  SLIPWAY_ASSERT(easy != nullptr);
  const std::string text = mail_text(mail, date), from = "<" + mail.from + ">";
  Source source{text, &context};
  curl_slist* list = nullptr;
  for (const std::string& address : mail.to)
    list = curl_slist_append(list, ("<" + address + ">").c_str());
  const detail::HeaderList recipients(list);
  CURL* const handle = easy.get();
  detail::set_option(handle, CURLOPT_URL, server.url.c_str());
  detail::set_option(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  detail::set_option(handle, CURLOPT_PROXY, "");
  detail::set_option(handle, CURLOPT_NOSIGNAL, 1L);
  detail::set_option(handle, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_TRY));
  if (!server.user.empty()) {
    detail::set_option(handle, CURLOPT_USERNAME, server.user.c_str());
    detail::set_option(handle, CURLOPT_PASSWORD, server.password.c_str());
  }
  detail::set_option(handle, CURLOPT_MAIL_FROM, from.c_str());
  detail::set_option(handle, CURLOPT_MAIL_RCPT, recipients.get());
  detail::set_option(handle, CURLOPT_UPLOAD, 1L);
  detail::set_option(handle, CURLOPT_READFUNCTION, &read_text);
  detail::set_option(handle, CURLOPT_READDATA, &source);
  detail::set_option(handle, CURLOPT_NOPROGRESS, 0L);
  detail::set_option(handle, CURLOPT_XFERINFOFUNCTION, &check_context);
  detail::set_option(handle, CURLOPT_XFERINFODATA, &source);
  const auto left = std::min(context.remaining(timeout_max), timeout_max);
  detail::set_option(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
  const CURLcode code = curl_easy_perform(handle);
  if (code == CURLE_OK) return {};
  TRY(context.check());
  if (code == CURLE_OPERATION_TIMEDOUT)
    return fail(Code::deadline_exceeded, "{}: it took no mail within {} ms", server.url,
                left.count());
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return fail(Code::unavailable, "{}: it took no mail: {}{}", server.url, curl_easy_strerror(code),
              status > 0 ? fmt::format(" (it said {})", status) : std::string());
}

}  // namespace slipway::http
