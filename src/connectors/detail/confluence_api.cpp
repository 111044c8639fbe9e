// Requests go to the base that the user named, whatever a link says: of `_links.next` only what
// stands behind the base is taken. Gateways and wrong base URLs in the server's settings make links
// to hosts that must not get our credentials.
#include "connectors/detail/confluence.hpp"
#include "core/unicode.hpp"

namespace slipway::connectors::detail {

namespace {

/// With a body expanded a server gives at most 50 results, with other expansions 200, with none
/// 1000, whatever is asked; a link to the next page is what counts.
constexpr int limit = 200;
/// Pages of results without any new id, one after the other, before we give up: a server may filter
/// what an account may not see after it has cut the page.
constexpr int barren_pages_max = 100;
constexpr std::string_view api_start = "/rest/api/";

}  // namespace

Result<void> ConfluenceApi::walk(const Context& context, const std::string& target,
                                 const Take& take) const {
  std::set<std::string> asked;
  std::set<std::string> ids;
  int barren_pages = 0;
  std::string at = target;
  while (!at.empty()) {
    if (!asked.insert(at).second)
      return fail(Code::unavailable,
                  "{}: its pages of results lead round in a circle; the list is not whole",
                  base_.origin());
    ResultPage page = TRY(read_result_page(TRY(get(context, at))).within(base_.origin()));
    const std::size_t before = ids.size();
    for (Content& content : page.contents)
      if (ids.insert(content.id).second) TRY(take(std::move(content), page.web_base));
    if (ids.size() > options().items_max)
      return fail(Code::invalid_argument, "{}: holds more than the limit of {} items; choose less",
                  base_.origin(), options().items_max);
    barren_pages = ids.size() == before ? barren_pages + 1 : 0;
    if (barren_pages > barren_pages_max)
      return fail(Code::unavailable,
                  "{}: {} pages of results held nothing new; the list is not whole", base_.origin(),
                  barren_pages);
    at.clear();
    if (page.next_start >= 0) at = fmt::format("{}&start={}", target, page.next_start);
    if (page.next.empty()) continue;
    const std::size_t start = page.next.find(api_start);
    if (start == std::string::npos)
      return fail(Code::unavailable, "{}: its link to the next page of results leads elsewhere: {}",
                  base_.origin(), one_line(http::redact_url(page.next)));
    at = page.next.substr(start);
  }
  return {};
}

Result<void> ConfluenceApi::search(const Context& context, const std::string& cql,
                                   std::string_view expand, const Take& take) const {
  // By birth: what is edited meanwhile does not move from one page of results to another.
  return walk(context,
              fmt::format("{}content/search?cql={}&limit={}&expand={}", api_start,
                          encode_component(cql + " order by created"), limit, expand),
              take);
}

Result<void> ConfluenceApi::attachments(const Context& context,
                                        const std::vector<std::string>& pages,
                                        const Take& take) const {
  constexpr std::string_view expand = "version,container";
  auto searched = search(
      context, fmt::format("type = attachment and container in ({})", fmt::join(pages, ", ")),
      expand, take);
  // Cloud does not promise that its queries know containers.
  if (searched || searched.error().code() != Code::invalid_argument) return searched;
  for (const std::string& page : pages)
    TRY(walk(context,
             fmt::format("{}content/{}/child/attachment?limit={}&expand={}", api_start, page, limit,
                         expand),
             [&](Content&& file, const std::string& web_base) {
               if (file.container_id.empty()) file.container_id = page;
               return take(std::move(file), web_base);
             }));
  return {};
}

Result<json::Value> ConfluenceApi::get(const Context& context, const std::string& target,
                                       int* status) const {
  for (bool is_second = false;; is_second = true) {
    const Reply reply = TRY(ask(context, target));
    if (status != nullptr) *status = reply.status;
    auto answer = read(reply);
    // Cut off on the way, perhaps; what the status says has been asked often enough.
    const bool may_pass =
        !answer && answer.error().code() == Code::unavailable && reply.status == 200;
    if (!may_pass || is_second) return answer;
  }
}

Result<json::Value> ConfluenceApi::read(const Reply& reply) const {
  if (reply.status / 100 != 2) return session_.error(reply);
  const std::string shown = http::redact_url(reply.url.text());
  if (looks_like_html(reply.body))
    return fail(Code::unauthenticated,
                "{}: answers with {} instead of JSON; log-in pages look like that: check the base "
                "URL and the credentials for {}",
                shown, summary_of(reply.body), base_.origin());
  auto answer = json::parse(reply.body);
  if (!answer)
    return fail(Code::unavailable, "{}: the answer of {} bytes is not whole JSON: {}", shown,
                reply.body.size(), answer.error().message());
  return answer;
}

Result<Reply> ConfluenceApi::ask(const Context& context, const std::string& target) const {
  const Url url = TRY(resolve(base_, base_.path + target));
  Reply reply = TRY(session_.get(context, url));
  TRY(check_account(reply));
  return reply;
}

/// Data Center answers whom it does not know with what anybody may see, often nothing: that looks
/// as if all had been deleted.
Result<void> ConfluenceApi::check_account(const Reply& reply) const {
  if (!session_.has_credentials()) return {};
  const std::string reason = reply.header("x-seraph-loginreason");
  if (reason.find("AUTHENTICATION_DENIED") != std::string::npos)
    return fail(Code::unauthenticated,
                "{}: wants a CAPTCHA solved for this account; log in once with a browser",
                base_.origin());
  if (reply.header("x-ausername") == "anonymous" ||
      reason.find("AUTHENTICATED_FAILED") != std::string::npos)
    return fail(Code::unauthenticated,
                "{}: does not accept the credentials and answers as to anybody; check the user and "
                "the token",
                base_.origin());
  return {};
}

Result<Reply> ConfluenceApi::download(const Context& context, const std::string& link) const {
  const bool is_below = link.starts_with('/') && !link.starts_with("//") &&
                        !link.starts_with(base_.path + "/download") &&
                        !link.starts_with(base_.path + std::string(api_start));
  const Url url = TRY(resolve(base_, is_below ? base_.path + link : link));
  if (url.origin() != base_.origin())
    return fail(Code::invalid_argument,
                "the link to the file leads to {}, not to {}; it is not followed", url.origin(),
                base_.origin());
  Reply reply = TRY(session_.get(context, url));
  if (reply.url.origin() == base_.origin()) TRY(check_account(reply));
  return reply;
}

std::string ConfluenceApi::web_url(const std::string& web_base, const std::string& link) const {
  if (link.empty()) return {};
  const std::string own = base_.origin() + base_.path;
  const auto url =
      parse_url(link.starts_with('/') ? (web_base.empty() ? own : web_base) + link : link);
  return url ? url->text() : std::string();
}

}  // namespace slipway::connectors::detail
