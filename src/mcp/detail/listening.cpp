// What changed is told to who wants to hear: sessions, and `subscriptions/listen`.
#include "mcp/detail/engine.hpp"

namespace slipway::mcp::detail {

namespace {

bool flag(const json::Object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found && found->is_bool() && found->get_bool();
}

json::Object tagged(const Listener& listener) {
  return {{"_meta", json::Object{{meta::subscription, listener.id}}}};
}

bool wants(const Listener& listener, ListKind kind) {
  if (kind == ListKind::tools) return listener.tools;
  return kind == ListKind::prompts ? listener.prompts : listener.resources;
}

std::string changed_method(ListKind kind) {
  return fmt::format("notifications/{}/list_changed",
                     kind == ListKind::templates ? "resources" : list_name(kind));
}

}  // namespace

void Listeners::remove(const Outlet* outlet) {
  const std::lock_guard lock(mutex);
  list.remove_if([&](const auto& listener) { return listener->outlet.get() == outlet; });
}

void Listeners::remove(const Outlet* outlet, const std::string& key) {
  const std::lock_guard lock(mutex);
  list.remove_if([&](const auto& listener) {
    return listener->outlet.get() == outlet && id_key(listener->id) == key;
  });
}

std::vector<std::shared_ptr<Listener>> Listeners::all() {
  const std::lock_guard lock(mutex);
  return {list.begin(), list.end()};
}

void Engine::listen(const SessionPtr&, const Message& message, const OutletPtr& outlet) {
  const json::Object& wanted = object_of(message.params, "notifications");
  auto listener = std::make_shared<Listener>();
  listener->id = message.id;
  listener->outlet = outlet;
  json::Object honoured;
  const auto take = [&](std::string_view key, bool has, bool& into) {
    if (has && info_.tells_changes && flag(wanted, key)) honoured[key] = into = true;
  };
  take("toolsListChanged", info_.has_tools, listener->tools);
  take("promptsListChanged", info_.has_prompts, listener->prompts);
  take("resourcesListChanged", info_.has_resources, listener->resources);
  if (const auto* uris = wanted.if_contains("resourceSubscriptions");
      uris && uris->is_array() && info_.has_resources && info_.tells_changes) {
    json::Array kept;
    for (const json::Value& uri : uris->get_array())
      if (uri.is_string() && listener->uris.size() < Session::subscriptions_max &&
          listener->uris.insert(std::string(uri.get_string())).second)
        kept.push_back(uri);
    honoured["resourceSubscriptions"] = std::move(kept);
  }
  json::Object params = tagged(*listener);
  params["notifications"] = std::move(honoured);
  {
    const std::lock_guard lock(listeners_->mutex);
    if (listeners_->list.size() >= options_.listeners_max)
      return outlet->finish(
          503,
          make_error(message.id, {code::internal_error, "too many clients listen; try later", {}}));
    // Within the lock: nothing may be told before it.
    outlet->send(make_notification("notifications/subscriptions/acknowledged", std::move(params)));
    listeners_->list.push_back(std::move(listener));
  }
}

void Engine::tell_changed(ListKind kind) {
  const std::string method = changed_method(kind);
  for (const auto& listener : listeners_->all())
    if (wants(*listener, kind))
      listener->outlet->send(make_notification(method, tagged(*listener)));
  for (const SessionPtr& session : sessions_.all()) {
    OutletPtr general;
    {
      const std::lock_guard lock(session->mutex);
      general = session->general;
    }
    if (general) general->send(make_notification(method, {}));
  }
  tell_guests([](const Session&) { return true; }, make_notification(method, {}));
}

void Engine::tell_guests(const std::function<bool(const Session&)>& who,
                         const json::Object& message) {
  std::vector<SessionPtr> guests;
  {
    const std::lock_guard lock(guests_mutex_);
    for (const auto& [key, weak] : guests_)
      if (auto guest = weak.lock()) guests.push_back(std::move(guest));
  }
  for (const SessionPtr& guest : guests) {
    OutletPtr general;
    {
      const std::lock_guard lock(guest->mutex);
      if (!guest->version.empty() && who(*guest)) general = guest->general;
    }
    if (general) general->send(message);
  }
}

void Engine::tell_updated(const std::string& uri) {
  constexpr std::string_view method = "notifications/resources/updated";
  for (const auto& listener : listeners_->all()) {
    if (!listener->uris.contains(uri)) continue;
    json::Object params = tagged(*listener);
    params["uri"] = uri;
    listener->outlet->send(make_notification(method, std::move(params)));
  }
  const json::Object message = make_notification(method, {{"uri", uri}});
  for (const SessionPtr& session : sessions_.all()) {
    OutletPtr general;
    {
      const std::lock_guard lock(session->mutex);
      if (session->subscriptions.contains(uri)) general = session->general;
    }
    if (general) general->send(message);
  }
  tell_guests([&](const Session& guest) { return guest.subscriptions.contains(uri); }, message);
}

void Engine::end_listening() {
  std::list<std::shared_ptr<Listener>> ended;
  {
    const std::lock_guard lock(listeners_->mutex);
    ended.swap(listeners_->list);
  }
  for (const auto& listener : ended) {
    json::Object result = tagged(*listener);
    result["resultType"] = "complete";
    listener->outlet->finish(200, make_result(listener->id, std::move(result)));
  }
  for (const SessionPtr& session : sessions_.all()) {
    std::shared_ptr<Stream> stream;
    {
      const std::lock_guard lock(session->mutex);
      if (const auto found = session->streams.find(session->general_stream);
          found != session->streams.end())
        stream = found->second;
    }
    if (stream) stream->pause(std::chrono::seconds(5));
  }
}

}  // namespace slipway::mcp::detail
