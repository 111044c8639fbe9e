#include "gateway/detail/guards.hpp"

#include <algorithm>

#include "core/duration.hpp"
#include "core/files.hpp"
#include "gateway/detail/injection.hpp"

namespace slipway::gateway::detail {

namespace {

using dialects::ChatEvent;
using dialects::EventKind;
using dialects::PartKind;

constexpr std::uint64_t schema_bytes_max = 1u << 20;
/// Parts of a choice: its text, what else is text in it, then its tool calls.
constexpr std::size_t text_part = 0, refusal_part = 1, reasoning_part = 2, first_call_part = 3;

bool is_looked_at(dialects::Role role) {
  return role == dialects::Role::user || role == dialects::Role::tool;
}

bool is_text(PartKind kind) { return kind == PartKind::text || kind == PartKind::document; }

template <typename Reply, typename Visit>
void each_output(Reply& reply, Visit visit) {
  for (auto& choice : reply.choices) {
    for (auto& part : choice.parts)
      if (part.kind != PartKind::opaque) visit(part.text);
    for (auto& call : choice.tool_calls) visit(call.arguments);
  }
}

Result<std::shared_ptr<const json::SchemaCheck>> read_schema(const std::string& reference) {
  constexpr std::string_view file = "file:";
  if (!reference.starts_with(file))
    return fail(Code::invalid_argument, "write file:PATH of a JSON Schema");
  const std::string path = reference.substr(file.size());
  const std::string text = TRY(read_file(path, schema_bytes_max));
  return json::SchemaCheck::make(TRY(json::parse(text).within(path))).within(path);
}

/// A mask changes the text in place; a refusing pattern only tells.
std::optional<std::string> apply(const Guard& guard, std::string& text, std::size_t& masked) {
  for (const Watched& watched : guard.detectors) {
    std::size_t found = 0;
    std::string masked_text = mask(watched.detector, text, found);
    if (found == 0) continue;
    if (watched.verdict == Verdict::refuse) return "a pattern that is not allowed was found";
    masked += found;
    text = std::move(masked_text);
  }
  return {};
}

void note(std::vector<GuardRecord>& records, const Guard& guard, Phase phase, Verdict verdict,
          std::string reason) {
  records.push_back({guard.name, phase, verdict, std::move(reason)});
}

std::string counted(std::size_t masked) {
  return fmt::format("{} {}", masked, masked == 1 ? "place" : "places");
}

std::optional<std::string> check_schema(const Guard& guard, const dialects::ChatReply& reply) {
  if (guard.schema == nullptr) return {};
  for (const auto& choice : reply.choices) {
    if (!choice.tool_calls.empty()) continue;  // It is the final answer that has the shape.
    std::string text;
    for (const auto& part : choice.parts)
      if (part.kind == PartKind::text) text += part.text;
    const auto value = json::parse(text);
    if (!value) return "the output is not JSON: " + value.error().message();
    if (const auto checked = guard.schema->check(*value); !checked)
      return "the output is not of its schema: " + checked.error().message();
  }
  return {};
}

}  // namespace

bool Guard::is_on(Phase phase, models::ModelTask task) const {
  if (std::find(config.on.begin(), config.on.end(), phase) == config.on.end()) return false;
  if (!config.tasks.empty())
    return std::find(config.tasks.begin(), config.tasks.end(), task) != config.tasks.end();
  return task == models::ModelTask::chat || !detectors.empty() || !config.webhook.empty();
}

bool Guard::suspects(models::ModelTask task) const {
  // What is only embedded or ranked is read by nobody who could obey it.
  return config.prompt_injection && (task == models::ModelTask::chat || !config.tasks.empty());
}

bool Guard::needs_whole() const {
  const bool may_refuse = std::any_of(detectors.begin(), detectors.end(), [](const Watched& one) {
    return one.verdict == Verdict::refuse;
  });
  return schema != nullptr || !config.webhook.empty() || may_refuse;
}

Result<GuardList> make_guards(const std::map<std::string, GuardrailConfig>& configs) {
  GuardList guards;
  for (const auto& [name, config] : configs) {
    const std::string path = "guardrails." + name;
    TRY(config.validate().within(path));
    auto guard = std::make_shared<Guard>();
    guard->name = name;
    guard->config = config;
    guard->timeout = TRY(parse_duration(config.timeout));
    for (const Personal kind : config.mask)
      guard->detectors.push_back({detector_of(kind), Verdict::mask});
    for (const std::string& pattern : config.patterns)
      guard->detectors.push_back(
          {TRY(detector_of(pattern).within(path + ".patterns")), config.on_match});
    if (!config.json_schema.empty())
      guard->schema = TRY(read_schema(config.json_schema).within(path + ".json_schema"));
    guards.push_back(std::move(guard));
  }
  return guards;
}

GuardList guards_for(const GuardList& guards, const std::string& model, Phase phase,
                     models::ModelTask task) {
  GuardList chosen;
  for (const auto& guard : guards) {
    const auto& models = guard->config.models;
    const bool is_meant =
        models.empty() || std::find(models.begin(), models.end(), model) != models.end();
    if (is_meant && guard->is_on(phase, task)) chosen.push_back(guard);
  }
  return chosen;
}

InputTexts input_texts(dialects::ChatRequest& request) {
  InputTexts texts;
  for (auto& message : request.messages) {
    if (!is_looked_at(message.role)) continue;
    for (auto& part : message.parts)
      if (is_text(part.kind)) texts.push_back(&part.text);
  }
  return texts;
}

InputTexts input_texts(dialects::EmbeddingRequest& request) {
  InputTexts texts;
  for (auto& input : request.inputs)
    for (auto& part : input.parts)
      if (is_text(part.kind)) texts.push_back(&part.text);
  return texts;
}

InputTexts input_texts(dialects::RerankRequest& request) {
  InputTexts texts = {&request.query};
  for (std::string& document : request.documents) texts.push_back(&document);
  return texts;
}

InputVerdict check_input(const GuardList& guards, models::ModelTask task, const InputTexts& texts,
                         std::vector<GuardRecord>& records) {
  InputVerdict verdict;
  for (const auto& guard : guards) {
    std::size_t masked = 0;
    std::optional<std::string> refusal;
    for (std::string* text : texts) {
      refusal = apply(*guard, *text, masked);
      if (!refusal && guard->suspects(task)) {
        const Suspicion suspicion = suspect_injection(*text);
        if (suspicion.score >= *guard->config.prompt_injection)
          refusal = "it looks like a prompt injection: it " + suspicion.sign;
      }
      if (refusal) break;
    }
    verdict.is_altered = verdict.is_altered || masked > 0;
    if (masked > 0) note(records, *guard, Phase::input, Verdict::mask, counted(masked));
    if (refusal) {
      note(records, *guard, Phase::input, Verdict::refuse, *refusal);
      verdict.refusal = fmt::format("guardrail '{}': {}", guard->name, *refusal);
      return verdict;
    }
    if (masked == 0) note(records, *guard, Phase::input, Verdict::allow, "");
  }
  return verdict;
}

std::optional<std::string> check_output(const GuardList& guards, dialects::ChatReply& reply,
                                        std::vector<GuardRecord>& records) {
  for (const auto& guard : guards) {
    std::size_t masked = 0;
    std::optional<std::string> refusal;
    each_output(reply, [&](std::string& text) {
      if (!refusal) refusal = apply(*guard, text, masked);
    });
    // Probabilities of tokens would tell what was masked.
    if (masked > 0)
      for (auto& choice : reply.choices) choice.logprobs.clear();
    if (!refusal) refusal = check_schema(*guard, reply);
    if (masked > 0) note(records, *guard, Phase::output, Verdict::mask, counted(masked));
    if (refusal) {
      note(records, *guard, Phase::output, Verdict::refuse, *refusal);
      return fmt::format("guardrail '{}': {}", guard->name, *refusal);
    }
    if (masked == 0) note(records, *guard, Phase::output, Verdict::allow, "");
  }
  return {};
}

std::string OutputMask::Chain::feed(std::string piece) {
  for (StreamMask& mask : masks) piece = mask.feed(piece);
  return piece;
}

std::string OutputMask::Chain::finish() {
  std::string carried;
  for (StreamMask& mask : masks) carried = mask.feed(carried) + mask.finish();
  return carried;
}

OutputMask::Chain& OutputMask::chain(std::size_t choice, std::size_t part) {
  Chain& chain = chains_[{choice, part}];
  if (chain.masks.empty())
    for (const auto& guard : guards_)
      for (const Watched& watched : guard->detectors) chain.masks.emplace_back(watched.detector);
  return chain;
}

std::vector<ChatEvent> OutputMask::feed(ChatEvent event) {
  std::size_t part = text_part;
  switch (event.kind) {
    case EventKind::tool_start: {
      auto events = change_part(event.choice, first_call_part + event.call_index);
      events.push_back(std::move(event));
      return events;
    }
    case EventKind::text: break;
    case EventKind::refusal: part = refusal_part; break;
    case EventKind::reasoning:
      if (event.text.empty()) return {std::move(event)};  // Its signature.
      part = reasoning_part;
      break;
    case EventKind::tool_delta: part = first_call_part + event.call_index; break;
    case EventKind::finish: {
      auto events = finish_choice(event.choice);
      events.push_back(std::move(event));
      return events;
    }
    default: return {std::move(event)};
  }
  auto events = change_part(event.choice, part);
  event.text = chain(event.choice, part).feed(std::move(event.text));
  event.logprobs.clear();  // They would tell what is masked.
  if (!event.text.empty()) events.push_back(std::move(event));
  return events;
}

/// What is held back of one part goes out before the next begins.
std::vector<ChatEvent> OutputMask::change_part(std::size_t choice, std::size_t part) {
  const auto [last, is_first] = parts_.emplace(choice, part);
  if (is_first || last->second == part) return {};
  last->second = part;
  return finish_choice(choice);
}

std::vector<ChatEvent> OutputMask::finish_choice(std::size_t choice) {
  std::vector<ChatEvent> events;
  const auto first = chains_.lower_bound({choice, 0});
  const auto last = chains_.lower_bound({choice + 1, 0});
  for (auto one = first; one != last; ++one) {
    const std::size_t part = one->first.second;
    ChatEvent event;
    event.choice = choice;
    event.text = one->second.finish();
    for (const StreamMask& mask : one->second.masks) found_ += mask.found();
    if (event.text.empty()) continue;
    event.kind = part == text_part        ? EventKind::text
                 : part == refusal_part   ? EventKind::refusal
                 : part == reasoning_part ? EventKind::reasoning
                                          : EventKind::tool_delta;
    if (part >= first_call_part) event.call_index = part - first_call_part;
    events.push_back(std::move(event));
  }
  chains_.erase(first, last);
  return events;
}

void OutputMask::record(std::vector<GuardRecord>& records) const {
  for (const auto& guard : guards_)
    note(records, *guard, Phase::output, found_ > 0 ? Verdict::mask : Verdict::allow,
         found_ > 0 ? counted(found_) : "");
}

std::string webhook_question(const Guard& guard, Phase phase, const CallRecord& call,
                             const std::vector<std::string>& texts) {
  return json::dump(json::Object{{"phase", json::name(phase)},
                                 {"guardrail", guard.name},
                                 {"task", call.task},
                                 {"model", call.model},
                                 {"caller", call.caller},
                                 {"texts", json::to(texts)}});
}

Result<WebhookAnswer> webhook_answer(std::string_view body, std::size_t texts) {
  const auto value = TRY(json::parse(body));
  auto answer = TRY(json::from<WebhookAnswer>(value, json::Policy::ignore_unknown));
  if (answer.verdict == Verdict::mask && answer.texts.size() != texts)
    return fail(Code::invalid_argument, "it gave {} texts back for {}", answer.texts.size(), texts);
  return answer;
}

std::vector<std::string> output_texts(const dialects::ChatReply& reply) {
  std::vector<std::string> texts;
  each_output(reply, [&](const std::string& text) { texts.push_back(text); });
  return texts;
}

void set_output_texts(dialects::ChatReply& reply, const std::vector<std::string>& texts) {
  std::size_t next = 0;
  each_output(reply, [&](std::string& text) {
    if (next < texts.size()) text = texts[next++];
  });
}

}  // namespace slipway::gateway::detail
