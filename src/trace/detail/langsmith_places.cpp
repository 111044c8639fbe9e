#include "trace/detail/langsmith_places.hpp"

#include <algorithm>

namespace slipway::trace::detail {

Result<Places> Places::make(const Context& context, TraceStore& store, Sessions& sessions) {
  Places places(store, sessions);
  for (const Session& session : TRY(sessions.declared(context)))
    places.session_ids_[session.name] = session.id;
  return places;
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
  return place;
}

}  // namespace slipway::trace::detail
