// What is not listed is judged by itself. It is gone when the server denies it twice, in a search
// and by its id; or when it came from this source, is still there, and the source does not choose
// it any more. In doubt it stays.
#include "connectors/detail/confluence.hpp"
#include "core/unicode.hpp"

namespace slipway::connectors::detail {

/// What the server says of what is in question.
struct ConfluenceConnector::Judged {
  std::set<std::string> pages;           ///< Asked for.
  std::map<std::string, Content> found;  ///< Those of them that are there.
  std::set<std::string> searchable;      ///< Those that a search finds.
  std::set<std::string> of_this_source;  ///< Pages that came from it, themselves or their files.
  std::set<std::string> chosen;          ///< Those of them that the source chooses now.
  std::map<std::string, std::string> attachments;  ///< Asked for: the page of each.
  std::set<std::string> attachments_found;
};

Result<std::vector<std::string>> ConfluenceConnector::confirm_gone(
    const Context& context, const std::vector<UnlistedItem>& unlisted) {
  TRY(context.check());
  Judged judged;
  for (const UnlistedItem& item : unlisted) {
    const auto id = parse_uri(item.uri);
    if (!id) continue;
    judged.pages.insert(id->page);
    if (item.source == name_) judged.of_this_source.insert(id->page);
    if (!id->attachment.empty()) judged.attachments[id->attachment] = id->page;
  }
  TRY(find_pages(context, judged));
  TRY(find_chosen(context, judged));
  TRY(find_attachments(context, judged));
  std::vector<std::string> gone;
  for (const UnlistedItem& item : unlisted) {
    const auto id = parse_uri(item.uri);
    if (id && is_gone(judged, *id, item.source == name_)) gone.push_back(item.uri);
  }
  return gone;
}

bool ConfluenceConnector::is_gone(const Judged& judged, const Uri& id, bool is_ours) const {
  if (!judged.found.contains(id.page)) return true;
  if (is_ours && !judged.chosen.contains(id.page)) return true;
  if (id.attachment.empty()) return false;
  return (is_ours && !source_.has_attachments) || !judged.attachments_found.contains(id.attachment);
}

Result<void> ConfluenceConnector::find_pages(const Context& context, Judged& judged) const {
  TRY(for_batches(judged.pages, [&](const std::vector<std::string>& ids) -> Result<void> {
    auto searched =
        api_.search(context, fmt::format("id in ({})", fmt::join(ids, ", ")), "version,space",
                    [&](Content&& content, const std::string&) -> Result<void> {
                      if (!content.is_current() || content.type == "attachment") return {};
                      judged.searchable.insert(content.id);
                      judged.found.emplace(content.id, std::move(content));
                      return {};
                    });
    // Some versions refuse a query that names an id which they do not know.
    if (!searched && searched.error().code() == Code::invalid_argument) return {};
    return searched;
  }));
  for (const std::string& id : judged.pages) {
    if (judged.found.contains(id)) continue;
    if (auto content = TRY(look_up(context, id))) judged.found.emplace(id, *std::move(content));
  }
  return {};
}

/// Nothing when the server does not have it, or only in its trash or archive.
Result<std::optional<Content>> ConfluenceConnector::look_up(const Context& context,
                                                            const std::string& id) const {
  const std::string target = fmt::format("/rest/api/content/{}?expand=version,space,container", id);
  int status = 0;
  auto answer = api_.get(context, target, &status);
  if (status == 404 || status == 410) return std::optional<Content>();
  Content content;
  content.id = id;
  if (status == 403) return std::optional(content);  // There, though not for us.
  content = TRY(read_content(TRY(std::move(answer))));
  return content.is_current() ? std::optional(content) : std::nullopt;
}

Result<void> ConfluenceConnector::find_chosen(const Context& context, Judged& judged) const {
  std::set<std::string> in_question;
  for (const std::string& id : judged.of_this_source) {
    const auto found = judged.found.find(id);
    if (found == judged.found.end()) continue;
    const bool is_named = source_.scope == ConfluenceScope::page && source_.value == id;
    const bool is_in_space =
        source_.scope == ConfluenceScope::space &&
        unicode::to_lower(found->second.space_key) == unicode::to_lower(source_.value);
    // Of what we may not see nothing is known; and a query does not choose what its index lacks.
    const bool is_in_doubt =
        found->second.space_key.empty() ||
        (source_.scope == ConfluenceScope::cql && !judged.searchable.contains(id));
    if (is_named || is_in_space || is_in_doubt)
      judged.chosen.insert(id);
    else if (source_.scope == ConfluenceScope::cql)
      in_question.insert(id);
  }
  return for_batches(in_question, [&](const std::vector<std::string>& ids) -> Result<void> {
    return api_.search(context,
                       fmt::format("{} and id in ({})", source_.condition(), fmt::join(ids, ", ")),
                       "version", [&](Content&& content, const std::string&) -> Result<void> {
                         judged.chosen.insert(content.id);
                         return {};
                       });
  });
}

Result<void> ConfluenceConnector::find_attachments(const Context& context, Judged& judged) const {
  std::set<std::string> pages;
  for (const auto& [id, page] : judged.attachments)
    if (judged.found.contains(page)) pages.insert(page);
  const ConfluenceApi::Take take = [&](Content&& content, const std::string&) -> Result<void> {
    const auto asked = judged.attachments.find(content.id);
    if (asked != judged.attachments.end() && content.is_current() &&
        asked->second == content.container_id)
      judged.attachments_found.insert(content.id);
    return {};
  };
  TRY(for_batches(pages, [&](const std::vector<std::string>& ids) {
    return api_.attachments(context, ids, take);
  }));
  for (const auto& [id, page] : judged.attachments) {
    if (!pages.contains(page) || judged.attachments_found.contains(id)) continue;
    const auto content = TRY(look_up(context, id));
    // One that hangs at another page now has another uri.
    if (content && (content->container_id == page || content->container_id.empty()))
      judged.attachments_found.insert(id);
  }
  return {};
}

}  // namespace slipway::connectors::detail
