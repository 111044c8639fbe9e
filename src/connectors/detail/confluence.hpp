// Pages, blog posts and attachments of a Confluence server, Cloud or Data Center, over REST.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "connectors/detail/confluence_source.hpp"
#include "connectors/detail/confluence_wire.hpp"
#include "connectors/detail/session.hpp"

namespace slipway::connectors::detail {

/// What the API answers about one server. Safe to use from many threads.
class ConfluenceApi {
 public:
  ConfluenceApi(Url base, Session session) : base_(std::move(base)), session_(std::move(session)) {}

  using Take = std::function<Result<void>(Content&&, const std::string& web_base)>;

  /// All results behind `target` ("/rest/api/..."), page by page, each id once; ends only when the
  /// server says that there is no more. Fails also when pages lead round in a circle.
  Result<void> walk(const Context& context, const std::string& target, const Take& take) const;
  /// All that a query finds. Its order is ours.
  Result<void> search(const Context& context, const std::string& cql, std::string_view expand,
                      const Take& take) const;
  /// The attachments of some pages, in one query where the server allows it.
  Result<void> attachments(const Context& context, const std::vector<std::string>& pages,
                           const Take& take) const;
  /// A JSON answer; `status` is set if the server has answered at all. Fails with what the status
  /// means, and when it is a web page: then somebody has to log in.
  Result<json::Value> get(const Context& context, const std::string& target,
                          int* status = nullptr) const;
  /// The status as it is: for questions whose answer it is.
  Result<Reply> ask(const Context& context, const std::string& target) const;
  /// A file of this server. Fails: invalid_argument (a link to another host).
  Result<Reply> download(const Context& context, const std::string& link) const;
  Error error(const Reply& reply) const { return session_.error(reply); }

  const Url& base() const { return base_; }
  const Options& options() const { return session_.options(); }
  std::string web_url(const std::string& web_base, const std::string& link) const;

 private:
  Result<json::Value> read(const Reply& reply) const;
  Result<void> check_account(const Reply& reply) const;

  Url base_;
  Session session_;
};

/// Calls `use` with some of `ids` at a time, so that the URL of a query stays below 2 KiB.
template <typename Ids, typename Use>
Result<void> for_batches(const Ids& ids, const Use& use) {
  constexpr std::size_t batch_size = 50;
  std::vector<std::string> batch;
  for (const std::string& id : ids) {
    batch.push_back(id);
    if (batch.size() == batch_size) TRY(use(std::exchange(batch, {})));
  }
  return batch.empty() ? Result<void>() : use(batch);
}

class ConfluenceConnector final : public Connector {
 public:
  static Result<std::unique_ptr<Connector>> open(const std::string& source, const Options& options);

  const std::string& source() const override { return name_; }
  Result<Listing> list(const Context& context) override;
  Result<Fetched> fetch(const Context& context, const RemoteItem& item,
                        const std::string& known_validator) override;
  Result<std::vector<std::string>> confirm_gone(const Context& context,
                                                const std::vector<UnlistedItem>& unlisted) override;

 private:
  struct Uri {
    std::string page;
    std::string attachment;  ///< Empty: the page itself.
  };
  struct Pages;
  struct Judged;

  ConfluenceConnector(ConfluenceSource source, ConfluenceApi api)
      : source_(std::move(source)), name_(source_.text()), api_(std::move(api)) {}

  Result<void> list_all(const Context& context, Pages& pages, Listing& listing) const;
  Result<void> list_pages(const Context& context, Pages& pages) const;
  Result<void> list_space(const Context& context, const ConfluenceApi::Take& take) const;
  Result<void> list_attachments(const Context& context, const Pages& pages, Listing& listing) const;
  RemoteItem page_item(const Content& page) const;
  RemoteItem attachment_item(const Content& file, const Content& page,
                             const std::string& web_base) const;
  json::Object metadata_of(const Content& content, const std::string& web_base) const;
  Result<Fetched> fetch_page(const Context& context, const Uri& uri) const;
  Result<json::Value> page_answer(const Context& context, const std::string& id) const;
  Result<Fetched> fetch_attachment(const Context& context, const RemoteItem& item) const;

  std::optional<Uri> parse_uri(std::string_view uri) const;
  Result<void> find_pages(const Context& context, Judged& judged) const;
  Result<void> find_chosen(const Context& context, Judged& judged) const;
  Result<void> find_attachments(const Context& context, Judged& judged) const;
  Result<std::optional<Content>> look_up(const Context& context, const std::string& id) const;
  bool is_gone(const Judged& judged, const Uri& id, bool is_ours) const;

  ConfluenceSource source_;
  std::string name_;
  ConfluenceApi api_;
};

}  // namespace slipway::connectors::detail
