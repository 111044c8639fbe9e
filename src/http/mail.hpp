// A mail handed to a server by SMTP, blocking, with a deadline from the Context.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"

namespace slipway::http {

/// Who takes mails.
struct MailServer {
  std::string url;   ///< "smtp://mail.example.org:587", "smtps://..."; the former is encrypted when
                     ///< the server offers it.
  std::string user;  ///< Empty: it asks for none.
  std::string password;
};

struct Mail {
  std::string from;             ///< An address: "slipway@example.org".
  std::vector<std::string> to;  ///< Addresses, one at least.
  std::string subject;          ///< UTF-8; line breaks become blanks.
  std::string text;             ///< UTF-8
};

/// Fails: invalid_argument (a URL that is none of SMTP, an address with signs that no address has).
Result<void> check_mail_server(std::string_view url);
Result<void> check_mail_address(std::string_view address);

/// `date` is that of the mail, as "Wed, 25 Nov 2026 09:30:00 +0000". The server has taken it when
/// this succeeds. Fails: as the checks; unavailable (it cannot be reached, or refuses; the message
/// holds no password), deadline_exceeded, cancelled.
Result<void> send_mail(const Context& context, const MailServer& server, const Mail& mail,
                       const std::string& date);

/// A mail as it is sent: headers, a blank line, the text in lines that servers take.
std::string mail_text(const Mail& mail, const std::string& date);

}  // namespace slipway::http
