#include "eval/targets.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "core/files.hpp"
#include "core/json_exact.hpp"
#include "core/secret.hpp"
#include "core/unicode.hpp"
#include "eval/detail/program.hpp"
#include "eval/span_id.hpp"

namespace slipway::eval {

namespace {

constexpr int timeout_s_default = 120, limit_default = 8;
constexpr int reply_tokens_max = 1024;
constexpr std::size_t reply_bytes_max = 16u << 20, shown_bytes_max = 300;

/// What a target may say of a golden.
constexpr std::string_view answer_members[] = {
    "actual_output", "retrieval_context", "retrieved_ids", "tools_called",
    "latency_ms",    "cost_usd",          "trace_id"};

bool is_answer_member(std::string_view name) {
  return std::find(std::begin(answer_members), std::end(answer_members), name) !=
         std::end(answer_members);
}

/// The golden without an answer.
Golden asked(const Golden& golden) {
  Golden fresh = golden;
  fresh.actual_output.reset();
  fresh.retrieval_context.reset();
  fresh.retrieved_ids.reset();
  fresh.tools_called.reset();
  fresh.latency_ms.reset();
  fresh.cost_usd.reset();
  fresh.trace_id.clear();
  return fresh;
}

class Stopwatch {
 public:
  double ms() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_)
        .count();
  }

 private:
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// The golden with what a reply says of it: an object's members, or all of a text.
Result<Golden> with_reply(Golden golden, const json::Value& reply, double latency_ms) {
  json::Object native = to_json(golden);
  if (!native.contains("latency_ms")) native["latency_ms"] = latency_ms;
  if (reply.is_object()) {
    for (const auto& [key, value] : reply.get_object())
      if (is_answer_member(key) && !value.is_null()) native[key] = value;
    if (!native.contains("actual_output"))
      for (const char* other : {"output", "answer", "response", "text"})
        if (const json::Value* text = reply.get_object().if_contains(other);
            text != nullptr && text->is_string() && !native.contains("actual_output"))
          native["actual_output"] = *text;
  } else if (reply.is_string()) {
    native["actual_output"] = reply;
  }
  if (!native.contains("actual_output"))
    return fail(Code::invalid_argument, "the reply has no actual_output: {}",
                json::dump(reply).substr(0, shown_bytes_max));
  return parse_golden(native).within("the reply");
}

std::chrono::milliseconds timeout_of(const TargetSpec& spec) {
  return std::chrono::seconds(spec.timeout_s.value_or(timeout_s_default));
}

bool names_document(std::string_view key, const rag::SearchItem& item) {
  if (key == item.document_id || key == item.uri || key == item.path) return true;
  const std::string_view path = item.path;
  return path.size() > key.size() && path.ends_with(key) &&
         path[path.size() - key.size() - 1] == '/';
}

/// "sha256:..." of how a target is told, for identities.
std::string digest_of(const TargetSpec& spec) {
  return sha256(json::dump_canonical(json::to(spec)));
}

class RagTarget final : public Target {
 public:
  RagTarget(const TargetSpec& spec, rag::Library& library, rag::AnswerMode mode,
            std::string version)
      : spec_(spec), library_(library), mode_(mode), version_(std::move(version)) {}

  std::string name() const override {
    return fmt::format("rag {} ({})", *spec_.rag, rag::wire_name(mode_));
  }
  std::string identity() const override { return digest_of(spec_) + " at " + version_; }

  Result<Golden> answer(const Context& context, const Golden& golden, int repeat) override {
    rag::AskRequest request;
    request.collection = *spec_.rag;
    request.question = golden.input;
    request.mode = mode_;
    request.limit = spec_.limit.value_or(limit_default);
    request.model = spec_.answer_model;
    request.seed = static_cast<std::uint64_t>(repeat);
    std::vector<rag::SearchItem> passages;
    const rag::AskEvents events{
        .on_passages = [&](const std::vector<rag::SearchItem>& found) { passages = found; },
        .on_sentence = {}};
    const Stopwatch watch;
    const rag::Answer answer =
        TRY(library_.ask(context.with_timeout(timeout_of(spec_)), request, events));
    Golden answered = asked(golden);
    answered.latency_ms = watch.ms();
    answered.actual_output = answer.answer;
    answered.cost_usd = answer.cost_usd;
    answered.retrieval_context.emplace();
    for (const rag::SearchItem& item : passages) answered.retrieval_context->push_back(item.text);
    answered.retrieved_ids = passage_ids(passages, golden);
    return answered;
  }

 private:
  const TargetSpec spec_;
  rag::Library& library_;
  const rag::AnswerMode mode_;
  const std::string version_;
};

class ModelTarget final : public Target {
 public:
  ModelTarget(const TargetSpec& spec, std::shared_ptr<models::ChatModel> model,
              std::optional<models::Price> price)
      : spec_(spec), model_(std::move(model)), price_(price) {}

  std::string name() const override { return "model " + *spec_.model; }
  std::string identity() const override { return digest_of(spec_) + " " + model_->identity(); }

  Result<Golden> answer(const Context& context, const Golden& golden, int repeat) override {
    models::ChatRequest request;
    if (!spec_.system.empty()) request.messages.push_back({models::Role::system, spec_.system});
    request.messages.push_back({models::Role::user, golden.input});
    request.max_tokens = reply_tokens_max;
    request.temperature = spec_.temperature.value_or(0);
    request.seed = static_cast<std::uint64_t>(repeat);
    const Stopwatch watch;
    const models::ChatReply reply =
        TRY(model_->chat(context.with_timeout(timeout_of(spec_)), request));
    Golden answered = asked(golden);
    answered.latency_ms = watch.ms();
    answered.actual_output = reply.content;
    if (price_) answered.cost_usd = price_->of(reply.usage);
    return answered;
  }

 private:
  const TargetSpec spec_;
  const std::shared_ptr<models::ChatModel> model_;
  const std::optional<models::Price> price_;
};

/// The template with "{{member}}" replaced by the golden's members; texts stay texts.
json::Value filled(const json::Value& value, const json::Object& golden) {
  if (value.is_object()) {
    json::Object object;
    for (const auto& [key, item] : value.get_object()) object[key] = filled(item, golden);
    return object;
  }
  if (value.is_array()) {
    json::Array array;
    for (const json::Value& item : value.get_array()) array.push_back(filled(item, golden));
    return array;
  }
  if (!value.is_string()) return value;
  const std::string_view text = value.get_string();
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find("{{", at);
    const std::size_t close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) {
      out += text.substr(at);
      break;
    }
    out += text.substr(at, open - at);
    const std::string_view name = unicode::trim(text.substr(open + 2, close - open - 2));
    const json::Value* member = golden.if_contains(name);
    // Alone it stands for the value itself: a list stays a list.
    if (member != nullptr && open == 0 && close + 2 == text.size()) return *member;
    if (member != nullptr)
      out += member->is_string() ? std::string(member->get_string()) : json::dump(*member);
    at = close + 2;
  }
  return json::Value(out);
}

using Take = std::map<std::string, std::string>;

/// What of a reply is the golden's.
Result<json::Value> taken(const Take& take, const json::Value& reply, const std::string& from) {
  json::Object object;
  for (const auto& [member, pointer] : take) {
    boost::system::error_code error;
    const json::Value* found = reply.find_pointer(pointer, error);
    if (error || found == nullptr) {
      if (member != "actual_output") continue;
      return fail(Code::invalid_argument, "the reply of {} has nothing at {}: {}", from, pointer,
                  json::dump(reply).substr(0, shown_bytes_max));
    }
    object[member] = *found;
  }
  return json::Value(std::move(object));
}

Result<void> check_take(const Take& take) {
  for (const auto& [member, pointer] : take) {
    if (!is_answer_member(member))
      return fail(Code::invalid_argument, "target.take: '{}' is none of: {}", member,
                  fmt::join(answer_members, ", "));
    if (!pointer.empty() && pointer.front() != '/')
      return fail(Code::invalid_argument,
                  "target.take.{}: '{}' is no JSON pointer; it begins with /", member, pointer);
  }
  return {};
}

class UrlTarget final : public Target {
 public:
  UrlTarget(const TargetSpec& spec, std::map<std::string, std::string> headers, http::Reach reach)
      : spec_(spec),
        headers_(std::move(headers)),
        is_chat_(std::string_view(*spec.url).ends_with("/chat/completions") && !spec.body),
        client_(http::Client::make(
            {.timeout = timeout_of(spec), .body_bytes_max = reply_bytes_max, .reach = reach})) {}

  std::string name() const override { return "url " + http::redact_url(*spec_.url); }
  std::string identity() const override { return digest_of(spec_); }

  Result<Golden> answer(const Context& context, const Golden& golden, int) override {
    const Golden fresh = asked(golden);
    http::ClientRequest request{.method = "POST", .url = *spec_.url, .headers = headers_};
    request.headers.emplace("Content-Type", "application/json");
    request.body = json::dump(body_of(fresh));
    const Stopwatch watch;
    const http::ClientResponse response =
        TRY(client_->send(context.with_timeout(timeout_of(spec_)), request));
    const double latency_ms = watch.ms();
    constexpr int ok = 200, redirect = 300;
    if (response.status < ok || response.status >= redirect)
      return fail(Code::unavailable, "{} answered with status {}: {}", name(), response.status,
                  response.body.substr(0, shown_bytes_max));
    auto reply = json::parse_exact(response.body);
    if (!reply && (is_chat_ || !spec_.take.empty()))
      return fail(Code::invalid_argument, "the reply of {} is no JSON: {}", name(),
                  response.body.substr(0, shown_bytes_max));
    return with_reply(fresh, reply ? TRY(taken(*reply)) : json::Value(response.body), latency_ms);
  }

 private:
  json::Value body_of(const Golden& golden) const {
    const json::Object native = to_json(golden);
    if (spec_.body) return filled(*spec_.body, native);
    if (!is_chat_) return native;
    json::Array messages;
    if (!spec_.system.empty())
      messages.push_back(json::Object{{"role", "system"}, {"content", spec_.system}});
    messages.push_back(json::Object{{"role", "user"}, {"content", golden.input}});
    json::Object body{{"model", spec_.answer_model}, {"messages", std::move(messages)}};
    if (spec_.temperature) body["temperature"] = *spec_.temperature;
    return body;
  }

  /// What of the reply is the golden's.
  Result<json::Value> taken(const json::Value& reply) const {
    std::map<std::string, std::string> take = spec_.take;
    if (take.empty() && is_chat_) take = {{"actual_output", "/choices/0/message/content"}};
    if (take.empty()) return reply;
    return eval::taken(take, reply, name());
  }

  const TargetSpec spec_;
  const std::map<std::string, std::string> headers_;
  const bool is_chat_;
  const std::unique_ptr<http::Client> client_;
};

class CommandTarget final : public Target {
 public:
  explicit CommandTarget(const TargetSpec& spec) : spec_(spec) {}

  std::string name() const override { return fmt::format("{}", fmt::join(*spec_.command, " ")); }
  std::string identity() const override { return digest_of(spec_); }

  Result<Golden> answer(const Context& context, const Golden& golden, int) override {
    const Golden fresh = asked(golden);
    const Stopwatch watch;
    const auto output = TRY(
        detail::run_program(context, *spec_.command, json::dump(to_json(fresh)) + "\n",
                            {.timeout = timeout_of(spec_), .output_bytes_max = reply_bytes_max}));
    const double latency_ms = watch.ms();
    if (output.exit_code != 0)
      return fail(Code::unavailable, "{} ended with exit code {}: {}", spec_.command->front(),
                  output.exit_code, unicode::trim(output.err).substr(0, shown_bytes_max));
    if (!unicode::is_valid_utf8(output.out))
      return fail(Code::invalid_argument, "{} wrote what is no UTF-8", spec_.command->front());
    const std::string_view text = unicode::trim(output.out);
    auto reply = json::parse_exact(text);
    const bool is_object = reply && reply->is_object();
    return with_reply(fresh, is_object ? *reply : json::Value(boost::json::string(text)),
                      latency_ms);
  }

 private:
  const TargetSpec spec_;
};

Result<std::unique_ptr<Target>> make_rag(const Context& context, const TargetSpec& spec,
                                         const TargetParts& parts) {
  if (parts.library == nullptr)
    return fail(Code::unsupported, "target rag: no collections can be asked here");
  const auto mode =
      TRY(rag::parse_answer_mode(spec.mode.empty() ? "auto" : spec.mode).within("target.mode"));
  const auto info = TRY(parts.library->collection(context, *spec.rag).within("target.rag"));
  constexpr int limit_max = 50;
  if (spec.limit && (*spec.limit < 1 || *spec.limit > limit_max))
    return fail(Code::invalid_argument, "target.limit: {} is not in 1..{}", *spec.limit, limit_max);
  return std::unique_ptr<Target>(
      std::make_unique<RagTarget>(spec, *parts.library, mode,
                                  fmt::format("version {} of {}, {}", info.index_version,
                                              info.embedder, info.splitter.identity())));
}

class AgentTarget final : public Target {
 public:
  AgentTarget(const TargetSpec& spec, OpenAgent agent) : spec_(spec), agent_(std::move(agent)) {}

  std::string name() const override { return "agent " + *spec_.agent; }
  std::string identity() const override { return digest_of(spec_) + " " + agent_.identity; }

  Result<Golden> answer(const Context& context, const Golden& golden, int) override {
    const Golden fresh = asked(golden);
    const json::Object native = to_json(fresh);
    const json::Value input =
        spec_.body ? filled(*spec_.body, native)
                   : json::Value(json::Object{{agent_.inputs.front(), golden.input}});
    const Stopwatch watch;
    AgentAnswer answer =
        TRY(agent_.ask(context.with_timeout(timeout_of(spec_)), input.get_object()));
    const double latency_ms = watch.ms();
    Golden answered = TRY(with_reply(fresh, TRY(output_of(answer.output)), latency_ms));
    answered.tools_called = std::move(answer.tools);
    if (!answered.cost_usd) answered.cost_usd = answer.cost_usd;
    return answered;
  }

 private:
  Result<json::Value> output_of(const json::Value& output) const {
    if (!spec_.take.empty()) return taken(spec_.take, output, name());
    if (!output.is_object()) return output;
    const json::Object& members = output.get_object();
    if (members.size() == 1 && members.begin()->value().is_string())
      return members.begin()->value();
    return json::Value(json::Object{{"actual_output", json::dump(output)}});
  }

  const TargetSpec spec_;
  const OpenAgent agent_;
};

Result<std::unique_ptr<Target>> make_agent(const TargetSpec& spec, const TargetParts& parts) {
  if (!parts.agent)
    return fail(Code::unsupported,
                "target agent: no agents can be asked here; run the suite with slipway eval run");
  TRY(check_take(spec.take));
  OpenAgent agent = TRY(parts.agent(*spec.agent).within("target.agent"));
  if (!spec.body && agent.inputs.size() != 1)
    return fail(
        Code::invalid_argument,
        "target.body: '{}' takes {}; say what each is, for example {{{}: \"{{{{input}}}}\"}}",
        *spec.agent,
        agent.inputs.empty() ? "no input" : fmt::format("{}", fmt::join(agent.inputs, ", ")),
        agent.inputs.empty() ? "question" : agent.inputs.front());
  return std::unique_ptr<Target>(std::make_unique<AgentTarget>(spec, std::move(agent)));
}

Result<std::unique_ptr<Target>> make_url(const TargetSpec& spec, const TargetParts& parts) {
  if (!spec.url->starts_with("http://") && !spec.url->starts_with("https://"))
    return fail(Code::invalid_argument, "target.url: '{}' does not begin with http:// or https://",
                http::redact_url(*spec.url));
  TRY(check_take(spec.take));
  std::map<std::string, std::string> headers;
  for (const auto& [header, value] : spec.headers) {
    const bool is_secret = value.starts_with("env:") || value.starts_with("file:");
    // Who names a URL from elsewhere shall not have our secrets sent there.
    if (is_secret && parts.reach == http::Reach::public_only)
      return fail(Code::forbidden, "target.headers.{}: secrets of this machine are not sent",
                  header);
    headers[header] = is_secret ? TRY(resolve_secret("target.headers." + header, value)) : value;
  }
  return std::unique_ptr<Target>(
      std::make_unique<UrlTarget>(spec, std::move(headers), parts.reach));
}

}  // namespace

Result<std::unique_ptr<Target>> make_target(const Context& context, const TargetSpec& spec,
                                            const TargetParts& parts) {
  TRY(spec.validate().within("target"));
  if (spec.rag) return make_rag(context, spec, parts);
  if (spec.url) return make_url(spec, parts);
  if (spec.model) {
    if (parts.catalog == nullptr)
      return fail(Code::unsupported, "target model: no models can be asked here");
    auto model = TRY(parts.catalog->chat_model(context, *spec.model).within("target.model"));
    return std::unique_ptr<Target>(
        std::make_unique<ModelTarget>(spec, std::move(model), parts.catalog->price(*spec.model)));
  }
  if (spec.command) {
    if (!parts.allows_commands)
      return fail(Code::forbidden,
                  "target command: programs are not run for callers of this API; "
                  "run the suite with slipway eval run");
    return std::unique_ptr<Target>(std::make_unique<CommandTarget>(spec));
  }
  return make_agent(spec, parts);
}

std::vector<std::string> passage_ids(const std::vector<rag::SearchItem>& passages,
                                     const Golden& golden) {
  static const std::map<std::string, double> none;
  const auto& relevance = golden.relevance ? *golden.relevance : none;
  std::map<std::string, SpanId> spans;
  for (const auto& item : relevance)
    if (auto span = parse_span_id(item.first)) spans.emplace(item.first, *std::move(span));
  bool names_chunks = !spans.empty();
  const auto name_of = [&](const rag::SearchItem& item, const std::set<std::string>& taken) {
    for (const auto& [key, span] : spans)
      if (!taken.contains(key) && names_document(span.document, item) &&
          item.text_start <= static_cast<std::int64_t>(span.start) &&
          item.text_end >= static_cast<std::int64_t>(span.end))
        return key;
    for (const auto& one : relevance)
      if (!spans.contains(one.first) &&
          (one.first == item.chunk_id || names_document(one.first, item)))
        return one.first;
    if (!names_chunks) return item.path;
    return to_text(SpanId{item.path, static_cast<std::size_t>(item.text_start),
                          static_cast<std::size_t>(item.text_end)});
  };
  for (const rag::SearchItem& item : passages)
    names_chunks = names_chunks || relevance.contains(item.chunk_id);
  std::vector<std::string> ids;
  std::set<std::string> taken;
  for (const rag::SearchItem& item : passages)
    if (std::string id = name_of(item, taken); taken.insert(id).second)
      ids.push_back(std::move(id));
  return ids;
}

}  // namespace slipway::eval
