#include "agents/pipeline.hpp"

#include <algorithm>

#include "agents/detail/pipeline_shape.hpp"
#include "models/plain_chat.hpp"

namespace slipway::agents {

namespace {

using dialects::ChatEvent;
using dialects::EventKind;

constexpr std::size_t bytes_per_token = 4;
constexpr std::string_view thread_member = "slipway_thread", answers_member = "slipway_answers";

std::optional<std::string> member_of(const dialects::ChatRequest& request, std::string_view key) {
  const json::Value* found = request.metadata.if_contains(key);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return std::string(found->get_string());
}

/// Whether asking again may help is the caller's to see: the gateway does not repeat it.
Error failed(const std::string& agent, const RunResult& result) {
  const RunError error = result.error.value_or(RunError{.kind = "internal"});
  Code code = Code::internal;
  if (error.kind == "budget") code = Code::rate_limited;
  for (const std::string_view kind : {"network", "timeout", "rate_limit", "unavailable"})
    if (error.kind == kind) code = Code::unavailable;
  return fail(code, "agent '{}' failed{}: {}: {} (thread {}, run {})", agent,
              error.node.empty() ? "" : " at " + error.node, error.kind, error.message,
              result.thread, result.run);
}

std::string words_of(const Interrupt& interrupt) {
  if (interrupt.value.is_text()) return interrupt.value.text();
  const Value& ask = interrupt.value.at("ask");
  return ask.is_text() ? ask.text() : dump(interrupt.value);
}

/// What a person or a program needs to go on.
std::string questions_of(const RunResult& result) {
  std::string text;
  for (const Interrupt& interrupt : result.interrupts)
    text += fmt::format("{}{}\n({} {} at {})", text.empty() ? "" : "\n\n", words_of(interrupt),
                        interrupt.kind, interrupt.id, interrupt.path);
  return text + fmt::format(
                    "\n\nThe agent waits. Answer on its page or with POST "
                    "/api/threads/{}/resume; or ask again with x-slipway-thread: {} and "
                    "x-slipway-answers: {{\"{}\": ANSWER}}.",
                    result.thread, result.thread,
                    result.interrupts.empty() ? "ID" : result.interrupts.front().id);
}

/// A reply as it grows.
class Transcript {
 public:
  Transcript(const models::EventSink& sink, std::string model)
      : sink_(sink), model_(std::move(model)) {}

  void begin(const std::string& id, const json::Object& told) {
    if (std::exchange(has_begun_, true)) return;
    ChatEvent start{.kind = EventKind::start};
    start.model = model_;
    start.id = id;
    start.data = json::dump(told);
    send(std::move(start));
  }
  void append(const std::string& text) {
    if (text.empty()) return;
    text_ += text;
    ChatEvent event{.kind = EventKind::text};
    event.text = text;
    send(std::move(event));
  }
  void finish(dialects::FinishReason reason, const dialects::ChatUsage& usage) {
    ChatEvent end{.kind = EventKind::finish};
    end.finish_reason = reason;
    send(std::move(end));
    ChatEvent used{.kind = EventKind::usage};
    used.usage = usage;
    send(std::move(used));
    send({.kind = EventKind::end});
  }
  const std::string& text() const { return text_; }
  bool has_ended() const { return has_ended_; }

 private:
  void send(ChatEvent event) {
    if (sink_ && !has_ended_) has_ended_ = !sink_(event);
  }
  const models::EventSink& sink_;
  const std::string model_;
  std::string text_;
  bool has_begun_ = false;
  bool has_ended_ = false;  ///< The listener wants no more.
};

/// Cancels the run if nobody waits for it any more.
class Watched {
 public:
  Watched(Host& host, std::string run) : host_(host), run_(std::move(run)) {}
  ~Watched() {
    constexpr std::chrono::seconds patience{10};
    if (!is_over_) (void)host_.cancel(Context().with_timeout(patience), run_);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  void set_over() { is_over_ = true; }

 private:
  Host& host_;
  const std::string run_;
  bool is_over_ = false;
};

struct Spent {
  dialects::ChatUsage usage;
  double usd = 0;
  void add(const Event& event) {
    if (event.type != "model" && event.type != "tool") return;
    const auto whole = [&](std::string_view key) {
      const Value& value = event.data.at(key);
      return value.is_integer() ? value.integer() : 0;
    };
    usage.input_tokens += whole("input_tokens");
    usage.output_tokens += whole("output_tokens");
    if (const Value& cost = event.data.at("usage").at("usd"); cost.is_number())
      usd += cost.number();
  }
};

class Pipeline final : public models::ChatModel {
 public:
  explicit Pipeline(PipelineOptions options)
      : options_(std::move(options)), name_(std::string(pipeline_prefix) + options_.agent) {}

  const std::string& identity() const override { return name_; }
  const std::string& name() const override { return name_; }
  std::size_t context_tokens_max() const override { return 8192; }
  Result<std::size_t> count_tokens(std::string_view text) const override {
    return (text.size() + bytes_per_token - 1) / bytes_per_token;
  }
  Result<std::string> render(const models::ChatRequest& request) const override {
    std::string text;
    for (const models::Message& message : request.messages) text += message.content + "\n";
    return text;
  }

  Result<models::ChatReply> chat(const Context& context, const models::ChatRequest& request,
                                 const models::TokenSink& sink) override {
    dialects::ChatRequest asked;
    for (const models::Message& message : request.messages)
      asked.messages.push_back({.role = message.role == models::Role::user ? dialects::Role::user
                                        : message.role == models::Role::system
                                            ? dialects::Role::system
                                            : dialects::Role::assistant,
                                .parts = {{.text = message.content}}});
    return models::chat_by_converse(*this, context, asked, sink);
  }

  Result<dialects::ChatReply> converse(const Context& context, const dialects::ChatRequest& request,
                                       const models::EventSink& sink) override {
    TRY(models::refuse_token_options(request,
                                     "agents do not have it; their nodes say how they answer"));
    const AgentPtr agent = TRY(options_.host.loaded_agent(options_.agent));
    const detail::PipelineShape shape(*agent);
    std::uint64_t seen = 0;
    RunInfo run;
    if (auto begun = TRY(begin(request, shape, seen)))
      run = *std::move(begun);
    else
      return stand(sink, shape, thread_of(request));
    Transcript transcript(sink, name_);
    Spent spent;
    const RunResult result = TRY(follow(context, shape, run, seen, transcript, spent));
    return reply_of(transcript, shape, result, spent);
  }

 private:
  std::string thread_of(const dialects::ChatRequest& request) const {
    return options_.thread.empty() ? member_of(request, thread_member).value_or("")
                                   : options_.thread;
  }

  /// Nothing: there is nothing to do, the thread is as it was.
  Result<std::optional<RunInfo>> begin(const dialects::ChatRequest& request,
                                       const detail::PipelineShape& shape, std::uint64_t& seen) {
    StartRun start{.agent = options_.agent,
                   .thread = thread_of(request),
                   .input = {},
                   .options = {},
                   .resume = {},
                   .metadata = {{"via", "chat"}},
                   .caller = options_.caller,
                   .origin = options_.origin};
    const auto given = options_.answers ? options_.answers : member_of(request, answers_member);
    const auto info = start.thread.empty() ? Result<ThreadInfo>(fail(Code::not_found, "new"))
                                           : options_.host.thread(start.thread);
    if (!info) {
      if (info.error().code() != Code::not_found) return info.error();
      if (given)
        return fail(Code::not_found, "x-slipway-answers: there is no thread '{}' to answer",
                    start.thread);
      start.input = TRY(shape.input_of(request, detail::Conversation::whole));
      return std::optional(TRY(options_.host.start(std::move(start))));
    }
    if (info->agent != options_.agent)
      return fail(Code::invalid_argument, "x-slipway-thread: '{}' is a thread of agent '{}'",
                  start.thread, info->agent);
    if (const auto records = options_.runtime.records(start.thread))
      seen = first_event_of(*records + 1) - 1;
    if (given) {
      const Value answers = TRY(parse_json(*given).within("x-slipway-answers"));
      if (!answers.is_map())
        return fail(Code::invalid_argument,
                    "x-slipway-answers: a JSON object of answers by their ids is expected");
      if (answers.entries().items.empty()) return std::optional<RunInfo>();
      start.resume.emplace();
      start.resume->answered_by = options_.caller;
      for (const auto& [id, answer] : answers.entries().items)
        start.resume->answers.emplace_back(id, answer);
    } else if (info->status == ThreadStatus::interrupted) {
      auto answer = TRY(answer_of(request, start.thread));
      if (!answer) return std::optional<RunInfo>();
      start.resume.emplace();
      start.resume->answered_by = options_.caller;
      start.resume->answer = std::move(answer);
    } else {
      start.input = TRY(shape.input_of(request, detail::Conversation::news));
    }
    return std::optional(TRY(options_.host.start(std::move(start))));
  }

  /// The message of the user, if all that waits is one `human` node.
  Result<std::optional<Value>> answer_of(const dialects::ChatRequest& request,
                                         const std::string& thread) const {
    const Value state = TRY(options_.host.state(thread));
    const Value& waiting = state.at("interrupts");
    if (!waiting.is_list() || waiting.items().size() != 1 ||
        waiting.items().front().at("kind") != Value("human"))
      return std::optional<Value>();
    std::string text = TRY(detail::last_question(request));
    if (!waiting.items().front().at("value").at("schema").is_null())
      if (auto parsed = parse_json(text)) return std::optional(*std::move(parsed));
    return std::optional(Value(std::move(text)));
  }

  /// Where the thread stands, as a reply.
  Result<dialects::ChatReply> stand(const models::EventSink& sink,
                                    const detail::PipelineShape& shape, const std::string& thread) {
    const ThreadInfo info = TRY(options_.host.thread(thread));
    if (info.run.empty())
      return fail(Code::not_found, "thread '{}' has no run yet; ask it something", thread);
    const RunResult result = TRY(options_.host.result(info.run));
    Transcript transcript(sink, name_);
    return reply_of(transcript, shape, result, {});
  }

  Result<RunResult> follow(const Context& context, const detail::PipelineShape& shape,
                           const RunInfo& run, std::uint64_t seen, Transcript& transcript,
                           Spent& spent) {
    Watched watched(options_.host, run.id);
    const json::Object told{{"thread", run.thread}, {"run", run.id}};
    for (;;) {
      auto event = TRY(options_.host.next_event(context, run.thread, run.id, seen));
      if (!event) break;
      seen = event->id;
      spent.add(*event);
      if (event->type == "task.started") transcript.begin(run.id, told);
      if (shape.is_of_answer(*event)) transcript.append(event->data.at("text").text());
      if (transcript.has_ended()) return fail(Code::cancelled, "nobody listens any more");
    }
    auto result = options_.host.wait(context, run.id);
    if (result) watched.set_over();
    return result;
  }

  Result<dialects::ChatReply> reply_of(Transcript& transcript, const detail::PipelineShape& shape,
                                       const RunResult& result, const Spent& spent) const {
    dialects::FinishReason reason = dialects::FinishReason::stop;
    std::string whole;
    if (result.status == Status::interrupted) {
      reason = dialects::FinishReason::content_filter;
      whole = transcript.text() + (transcript.text().empty() ? "" : "\n\n") + questions_of(result);
    } else if (result.status == Status::done) {
      if (result.is_finished_early) reason = dialects::FinishReason::length;
      whole = shape.answer_of(result.output);
    } else if (result.status == Status::cancelled) {
      return fail(Code::cancelled, "the run was cancelled (thread {}, run {})", result.thread,
                  result.run);
    } else {
      return failed(options_.agent, result);
    }
    if (!whole.starts_with(transcript.text()))
      return fail(Code::internal, "agent '{}' changed its answer after it had begun to tell it",
                  options_.agent);
    const json::Object told{{"thread", result.thread}, {"run", result.run}};
    transcript.begin(result.run, told);
    transcript.append(whole.substr(transcript.text().size()));
    transcript.finish(reason, spent.usage);

    dialects::ChatReply reply;
    reply.id = result.run;
    reply.model = name_;
    reply.created =
        std::chrono::duration_cast<std::chrono::seconds>(system_clock().now().time_since_epoch())
            .count();
    reply.usage = spent.usage;
    dialects::Choice& choice = reply.choices.emplace_back();
    choice.parts = {{.text = whole}};
    choice.finish_reason = reason;
    json::Object all = told;
    all["status"] = json::name(result.status);
    all["cost_usd"] = spent.usd;
    reply.extra["slipway"] = std::move(all);
    return reply;
  }

  const PipelineOptions options_;
  const std::string name_;
};

}  // namespace

std::shared_ptr<models::ChatModel> make_pipeline(PipelineOptions options) {
  return std::make_shared<Pipeline>(std::move(options));
}

}  // namespace slipway::agents
