// One URL is one document.
#pragma once

#include "connectors/detail/session.hpp"

namespace slipway::connectors::detail {

class WebConnector final : public Connector {
 public:
  static Result<std::unique_ptr<Connector>> open(const std::string& source, const Options& options);

  const std::string& source() const override { return source_; }
  /// The URL itself: no request is made.
  Result<Listing> list(const Context& context) override;
  Result<Fetched> fetch(const Context& context, const RemoteItem& item,
                        const std::string& known_validator) override;
  /// Nothing is unlisted that the URL covers: `fetch` tells what is gone.
  Result<std::vector<std::string>> confirm_gone(const Context& context,
                                                const std::vector<UnlistedItem>& unlisted) override;

 private:
  WebConnector(Url url, Session session)
      : url_(std::move(url)), source_(url_.text()), session_(std::move(session)) {}

  Url url_;
  std::string source_;
  Session session_;
};

/// What is remembered of an answer: its tag, its date, and whose they are.
std::string encode_condition(const Condition& condition);
/// An empty condition for anything else: then the document is fetched whole.
Condition decode_condition(const std::string& validator);

/// What the loader is told: the server's word, unless that says nothing or the name and the bytes
/// say more. Empty: nobody knows.
std::string media_type_of(const std::string& content_type, const std::string& path,
                          std::string_view bytes);

}  // namespace slipway::connectors::detail
