// A request while the offer answers it: progress, log, and questions to the client.
#include <algorithm>

#include "core/schema_check.hpp"
#include "mcp/detail/engine.hpp"

namespace slipway::mcp::detail {

namespace {

constexpr std::size_t memory_bytes_max = 64u << 10;
constexpr int asks_again_max = 3;

std::string_view capability_of(std::string_view method) {
  if (method == "elicitation/create") return "elicitation";
  return method == "sampling/createMessage" ? "sampling" : "roots";
}

/// An accepted form must be what was asked for.
bool is_fit(const Question& question, const json::Value& answer) {
  if (!answer.is_object()) return false;
  const json::Object& object = answer.get_object();
  if (question.method == "roots/list") {
    const auto* roots = object.if_contains("roots");
    return roots && roots->is_array();
  }
  if (question.method != "elicitation/create") return object.contains("content");
  const std::string action = text_of(object, "action");
  if (action == "decline" || action == "cancel") return true;
  if (action != "accept") return false;
  const auto* schema = question.params.if_contains("requestedSchema");
  if (!schema) return true;
  const auto check = json::SchemaCheck::make(*schema, json::UnknownKeyword::ignored);
  return !check || (*check)->check(object_of(object, "content")).ok();
}

class CallOfEngine final : public Call {
 public:
  CallOfEngine(const Engine& engine, SessionPtr session, const Message& message,
               std::optional<RequestMeta> meta, OutletPtr outlet)
      : engine_(engine),
        session_(std::move(session)),
        message_(message),
        meta_(std::move(meta)),
        outlet_(std::move(outlet)) {
    const std::lock_guard lock(session_->mutex);
    principal_ = session_->principal;
    version_ = meta_ ? meta_->version : session_->version;
    capabilities_ = meta_ ? meta_->capabilities : session_->capabilities;
    if (const auto* token = message_.meta().if_contains("progressToken");
        token && (token->is_string() || token->is_number()))
      token_ = *token;
  }

  void set_context(Context context) { context_ = std::move(context); }
  const Context& context() const override { return context_; }
  const Principal& principal() const override { return principal_; }
  const std::string& version() const override { return version_; }
  bool is_modern() const override { return meta_.has_value(); }
  const json::Object& meta() const override { return message_.meta(); }

  bool client_can(std::string_view capability) const override {
    const auto dot = capability.find('.');
    const auto* found = capabilities_.if_contains(capability.substr(0, dot));
    if (!found || !found->is_object()) return false;
    const std::string_view part = dot == capability.npos ? "" : capability.substr(dot + 1);
    const json::Object& object = found->get_object();
    // A client that names no modes takes forms.
    if (capability.starts_with("elicitation") && (part.empty() || part == "form"))
      return object.contains("form") || !object.contains("url");
    return part.empty() || object.contains(part);
  }

  bool wants_progress() const override { return !token_.is_null(); }
  void progress(double done, std::optional<double> total, std::string_view text) override {
    if (token_.is_null() || context_.stop().stop_requested()) return;
    json::Object params{{"progressToken", token_}, {"progress", done}};
    if (total) params["total"] = *total;
    if (!text.empty() && version_ >= "2025-03-26") params["message"] = text;
    outlet_->send(make_notification("notifications/progress", std::move(params)));
  }

  void log(std::string_view level, std::string_view logger, json::Value data) override {
    const auto rank = log_rank(level);
    if (!rank || context_.stop().stop_requested()) return;
    if (meta_) {
      if (!meta_->log_rank || *rank < *meta_->log_rank) return;
    } else {
      const std::lock_guard lock(session_->mutex);
      if (*rank < session_->log_rank) return;
    }
    json::Object params{{"level", level}, {"data", std::move(data)}};
    if (!logger.empty()) params["logger"] = logger;
    outlet_->send(make_notification("notifications/message", std::move(params)));
  }

  std::optional<json::Object> ask(const std::vector<Question>& questions) override {
    for (const Question& question : questions)
      if (!can_answer(question)) return std::nullopt;
    return meta_ ? ask_modern(questions) : ask_legacy(questions);
  }
  Answer pending() override { return pending_; }
  json::Object& memory() override { return memory_; }
  void pause_stream(std::chrono::milliseconds retry) override { outlet_->pause(retry); }

  /// What the client brought back.
  std::optional<RpcError> read_round() {
    if (!meta_) return std::nullopt;
    const auto* state = message_.params.if_contains("requestState");
    if (state && !state->is_null()) {
      if (!state->is_string()) return RpcError{code::invalid_params, "requestState: a text", {}};
      auto round = engine_.signer().read(state->get_string(), request_text());
      if (!round) return RpcError{code::invalid_params, round.error().message(), {}};
      known_ = std::move(round->answers);
      memory_ = std::move(round->memory);
    }
    const auto* answers = message_.params.if_contains("inputResponses");
    if (answers && !answers->is_null() && !answers->is_object())
      return RpcError{code::invalid_params, "inputResponses: an object is expected", {}};
    fresh_ = object_of(message_.params, "inputResponses");
    return std::nullopt;
  }

 private:
  bool can_answer(const Question& question) {
    std::string capability(capability_of(question.method));
    const bool is_url = text_of(question.params, "mode") == "url";
    if (client_can(is_url ? "elicitation.url" : capability)) return true;
    json::Object needed{
        {capability, is_url ? json::Object{{"url", json::Object()}} : json::Object()}};
    pending_ = RpcError{meta_ ? code::missing_capability : code::invalid_request,
                        fmt::format("this needs a client with the capability '{}'", capability),
                        json::Object{{"requiredCapabilities", std::move(needed)}}};
    return false;
  }

  std::string request_text() const {
    const auto name = name_of_request(message_.method, message_.params);
    return json::dump(json::Array{message_.method, name.value_or(""), principal_.name,
                                  json::dump_canonical(object_of(message_.params, "arguments"))});
  }

  std::optional<json::Object> ask_modern(const std::vector<Question>& questions) {
    json::Object answers, missing;
    for (const Question& question : questions) {
      const json::Value* answer = known_.if_contains(question.key);
      if (!answer) answer = fresh_.if_contains(question.key);
      if (answer && is_fit(question, *answer)) {
        used_[question.key] = *answer;
        answers[question.key] = *answer;
      } else {
        missing[question.key] =
            json::Object{{"method", question.method}, {"params", question.params}};
      }
    }
    if (missing.empty()) return answers;
    if (json::dump(memory_).size() > memory_bytes_max) {
      pending_ = RpcError{code::internal_error, "the call keeps too much between rounds", {}};
      return std::nullopt;
    }
    pending_ = json::Object{
        {"resultType", "input_required"},
        {"inputRequests", std::move(missing)},
        {"requestState",
         engine_.signer().sign({.answers = used_, .memory = memory_}, request_text())}};
    return std::nullopt;
  }

  std::optional<json::Object> ask_legacy(const std::vector<Question>& questions) {
    json::Object answers;
    std::vector<const Question*> open;
    for (const Question& question : questions) open.push_back(&question);
    for (int round = 0; round < asks_again_max && !open.empty(); ++round) {
      std::vector<std::pair<const Question*, std::shared_ptr<Asked>>> waiting;
      for (const Question* question : open) {
        auto asked = send_question(*question);
        if (!asked) return std::nullopt;
        waiting.emplace_back(question, std::move(asked));
      }
      open.clear();
      for (const auto& [question, asked] : waiting) {
        auto answer = wait_for(*asked);
        if (!answer) return std::nullopt;
        if (is_fit(*question, *answer))
          answers[question->key] = std::move(*answer);
        else
          open.push_back(question);
      }
    }
    if (open.empty()) return answers;
    pending_ = RpcError{
        code::invalid_params,
        fmt::format("the client's answer to '{}' is not what was asked for", open.front()->method),
        {}};
    return std::nullopt;
  }

  std::shared_ptr<Asked> send_question(const Question& question) {
    auto asked = std::make_shared<Asked>();
    std::int64_t id = 0;
    {
      const std::lock_guard lock(session_->mutex);
      asked->is_over = session_->is_ended;
      id = ++session_->last_asked;
      session_->asked.emplace(id, asked);
    }
    if (outlet_->send(make_request(id, question.method, question.params))) return asked;
    const std::lock_guard lock(session_->mutex);
    session_->asked.erase(id);
    pending_ = RpcError{code::invalid_request,
                        "the client takes no requests here: it does not accept an event stream",
                        {}};
    return nullptr;
  }

  std::optional<json::Value> wait_for(Asked& asked) {
    const std::stop_callback wake(context_.stop(), [&asked] {
      const std::lock_guard lock(asked.mutex);
      asked.is_over = true;
      asked.changed.notify_all();
    });
    std::unique_lock lock(asked.mutex);
    asked.changed.wait_for(lock, engine_.options().answer_wait_max,
                           [&] { return asked.answer || asked.is_over; });
    if (!asked.answer) {
      pending_ = RpcError{code::internal_error,
                          asked.is_over ? "the call was cancelled while its client was asked"
                                        : "the client did not answer in time",
                          {}};
      return std::nullopt;
    }
    if (asked.answer->error) {
      pending_ = RpcError{code::internal_error,
                          fmt::format("the client refused: {}", asked.answer->error->message),
                          {}};
      return std::nullopt;
    }
    return std::move(*asked.answer->result);
  }

  const Engine& engine_;
  const SessionPtr session_;
  const Message& message_;
  const std::optional<RequestMeta> meta_;
  const OutletPtr outlet_;
  Context context_;
  Principal principal_;
  std::string version_;
  json::Object capabilities_;
  json::Value token_;
  json::Object known_, fresh_, used_;  ///< Answers: of earlier rounds, of this, that were used.
  json::Object memory_;
  Answer pending_ = RpcError{code::internal_error, "nothing was asked", {}};
};

}  // namespace

std::unique_ptr<Call> make_call(const Engine& engine, const SessionPtr& session,
                                const Message& message, std::optional<RequestMeta> meta,
                                const OutletPtr& outlet, Context context) {
  auto call = std::make_unique<CallOfEngine>(engine, session, message, std::move(meta), outlet);
  call->set_context(context.with_caller(call->principal().name));
  return call;
}

std::optional<RpcError> read_round(Call& call) {
  return static_cast<CallOfEngine&>(call).read_round();
}

}  // namespace slipway::mcp::detail
