// What guardrails say of a call: of its input, and what webhooks say of any text.
#include "core/log.hpp"
#include "gateway/detail/call.hpp"

namespace slipway::gateway::detail {

namespace {

constexpr std::size_t webhook_bytes_max = 4u << 20;

dialects::WireError refused(std::string reason) {
  return {400, "guardrail_refused", std::move(reason), ""};
}

}  // namespace

void Call::guard_input(models::ModelTask task, InputTexts texts,
                       std::function<void(bool is_altered)> then) {
  GuardList guards = guards_for(plan_->guards(), record_.model, Phase::input, task);
  if (guards.empty()) {
    then(false);
    return;
  }
  const InputVerdict verdict = check_input(guards, task, texts, record_.guards);
  if (verdict.refusal) {
    refuse(refused(*verdict.refusal));
    return;
  }
  Hooks hooks;
  hooks.guards = std::move(guards);
  for (const std::string* text : texts) hooks.texts.push_back(*text);
  hooks.then = [this, texts = std::move(texts), then = std::move(then),
                was_altered = verdict.is_altered](const Hooks& done,
                                                  std::optional<std::string> refusal) {
    if (refusal) {
      refuse(refused(*std::move(refusal)));
      return;
    }
    if (done.is_altered)
      for (std::size_t i = 0; i < texts.size(); ++i) *texts[i] = done.texts[i];
    then(was_altered || done.is_altered);
  };
  ask_hooks(std::move(hooks));
}

void Call::ask_hooks(Hooks hooks) {
  while (hooks.next < hooks.guards.size() && hooks.guards[hooks.next]->config.webhook.empty())
    ++hooks.next;
  if (hooks.next == hooks.guards.size()) {
    const auto then = hooks.then;
    then(hooks, {});
    return;
  }
  const auto guard = hooks.guards[hooks.next];
  http::ClientRequest request;
  request.method = "POST";
  request.url = guard->config.webhook;
  request.headers.emplace("Content-Type", "application/json");
  request.body = webhook_question(*guard, hooks.phase, record_, hooks.texts);
  struct Answer {
    int status = 0;
    std::string body;
  };
  const auto answer = std::make_shared<Answer>();
  const auto kept = std::make_shared<Hooks>(std::move(hooks));
  const auto self = shared_from_this();
  http::UpstreamEvents events;
  events.on_head = [answer](int status, const http::Headers&) { answer->status = status; };
  events.on_body = [answer](std::string_view piece) {
    if (answer->body.size() + piece.size() <= webhook_bytes_max) answer->body += piece;
    return true;
  };
  events.on_end = [this, self, answer, kept](Result<void> result) {
    Result<std::string> body = std::move(answer->body);
    if (!result)
      body = result.error();
    else if (answer->status != 200)
      body = fail(Code::unavailable, "it answered with status {}", answer->status);
    hook_answered(std::move(*kept), std::move(body));
  };
  const auto started = engine_.upstream().start(
      std::move(request), {guard->timeout, guard->timeout, guard->timeout}, std::move(events));
  if (!started) hook_answered(std::move(*kept), started.error());
}

void Call::hook_answered(Hooks hooks, Result<std::string> body) {
  if (is_gone()) {
    if (hooks.phase == Phase::output)
      answered();
    else
      finish(499, "client_closed");
    return;
  }
  const auto guard = hooks.guards[hooks.next++];
  auto answer =
      body ? webhook_answer(*body, hooks.texts.size()) : Result<WebhookAnswer>(body.error());
  if (!answer) {
    log::warning("guardrail '{}': its webhook cannot be asked: {}", guard->name,
                 answer.error().message());
    answer = WebhookAnswer{guard->config.on_error, "its webhook cannot be asked", {}};
  }
  record_.guards.push_back({guard->name, hooks.phase, answer->verdict, answer->reason});
  if (answer->verdict == Verdict::refuse) {
    const std::string reason = answer->reason.empty() ? "refused" : answer->reason;
    const auto then = hooks.then;
    then(hooks, fmt::format("guardrail '{}': {}", guard->name, reason));
    return;
  }
  if (answer->verdict == Verdict::mask) {
    hooks.texts = std::move(answer->texts);
    hooks.is_altered = true;
  }
  ask_hooks(std::move(hooks));
}

}  // namespace slipway::gateway::detail
