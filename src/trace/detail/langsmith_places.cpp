#include "trace/detail/langsmith_places.hpp"

#include <algorithm>

namespace slipway::trace::detail {

Result<Places> Places::make(const Context& context, const Services& services) {
  Places places(services);
  for (const Session& session : TRY(services.sessions.declared(context)))
    places.session_ids_[session.name] = session.id;
  return places;
}

Result<void> Places::learn(const Context& context, const std::vector<Run>& runs) {
  std::vector<std::string> ids;
  for (const Run& run : runs) ids.push_back(run.id);
  if (ids.empty()) return {};
  for (const auto& [id, stats] : TRY(services_.feedbacks.stats_of_runs(context, ids)))
    feedback_[id] = json::dump(feedback_stats_json(stats));
  for (const auto& [id, files] : TRY(services_.attachments.of_runs(context, ids))) {
    json::Object urls;
    for (const AttachmentInfo& file : files)
      urls["attachment." + file.name] =
          json::Object{{"presigned_url", services_.attachments.link(file)},
                       {"mime_type", file.media_type},
                       {"size", file.size}};
    attachments_[id] = json::dump(urls);
  }
  for (const Share& share : TRY(services_.shares.of_runs(context, ids)))
    shares_[as_uuid(share.subject)] = share.token;
  return {};
}

Result<LangSmithPlace> Places::of(const Context& context, const Run& run) {
  LangSmithPlace place;
  const auto known = session_ids_.find(run.project);
  place.session_id = known == session_ids_.end() ? uuid_of(run.project) : known->second;
  if (known == session_ids_.end()) sessions_->remember(run.project);
  place.dotted_order = TRY(orders_.of(context, run));
  // All but the last step are those of its ancestors.
  std::string_view rest = place.dotted_order;
  for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
    const std::string_view step = rest.substr(0, dot);
    place.parent_ids.emplace_back(step.substr(std::min(step.find('Z') + 1, step.size())));
    rest.remove_prefix(dot + 1);
  }
  if (const auto found = feedback_.find(run.id); found != feedback_.end())
    place.feedback_stats = found->second;
  if (const auto found = attachments_.find(run.id); found != attachments_.end())
    place.s3_urls = found->second;
  if (const auto found = shares_.find(as_uuid(run.id)); found != shares_.end())
    place.share_token = found->second;
  return place;
}

}  // namespace slipway::trace::detail
