#include "rag/pipeline.hpp"

#include "core/unicode.hpp"
#include "models/plain_chat.hpp"
#include "rag/detail/composer.hpp"

namespace slipway::rag {

namespace {

using dialects::ChatEvent;
using dialects::EventKind;

/// As `models::ChatModel` asks for where nobody can say: four characters a token.
constexpr std::size_t characters_per_token = 4;

/// Code points: what annotations count.
std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

Result<std::string> question_of(const dialects::ChatRequest& request) {
  for (auto message = request.messages.rbegin(); message != request.messages.rend(); ++message) {
    if (message->role != dialects::Role::user) continue;
    std::string question;
    for (const dialects::Part& part : message->parts) {
      if (part.kind != dialects::PartKind::text)
        return fail(Code::unsupported, "messages: a question to documents is text, not {}",
                    json::name(part.kind));
      if (!question.empty()) question += '\n';
      question += part.text;
    }
    return question;
  }
  return fail(Code::invalid_argument, "messages: there is no message of the user to answer");
}

dialects::Annotation annotation_of(const Citation& citation, std::size_t start, std::size_t end) {
  return {.url = citation.uri,
          .title = citation.title.empty() ? citation.path : citation.title,
          .quote = citation.quote,
          .start = start,
          .end = end,
          .source = json::to(citation).get_object()};
}

/// An answer as it grows: its text, and where in it each sentence's citations belong.
class Transcript {
 public:
  explicit Transcript(const models::EventSink& sink) : sink_(sink) {}

  void begin(const std::string& model) {
    ChatEvent start{.kind = EventKind::start};
    start.model = model;
    send(std::move(start));
  }

  void add(const Sentence& sentence, const std::vector<Citation>& added) {
    for (const Citation& citation : added) citations_.emplace(citation.number, citation);
    if (!text_.empty()) append(" ");
    const std::size_t start = characters_;
    append(detail::with_marks(sentence));
    for (const int number : sentence.citations) {
      ChatEvent event{.kind = EventKind::annotation};
      event.annotation = annotation_of(citations_.at(number), start, characters_);
      annotations_.push_back(event.annotation);
      send(std::move(event));
    }
  }

  void append(const std::string& text) {
    text_ += text;
    characters_ += characters_in(text);
    ChatEvent event{.kind = EventKind::text};
    event.text = text;
    send(std::move(event));
  }

  void send(ChatEvent event) {
    if (sink_ && !ended_) ended_ = !sink_(event);
  }

  const std::string& text() const { return text_; }
  std::vector<dialects::Annotation> take_annotations() { return std::move(annotations_); }
  bool ended() const { return ended_; }

 private:
  const models::EventSink& sink_;
  std::string text_;
  std::size_t characters_ = 0;
  std::map<int, Citation> citations_;
  std::vector<dialects::Annotation> annotations_;
  bool ended_ = false;  ///< The listener wants no more.
};

dialects::ChatUsage usage_of(const models::Usage& usage) {
  return {.input_tokens = usage.input_tokens,
          .output_tokens = usage.output_tokens,
          .cached_input_tokens = usage.cached_input_tokens};
}

class Pipeline final : public models::ChatModel {
 public:
  Pipeline(Library& library, const std::string& collection, std::optional<trace::Origin> origin,
           PayForQuestion pay)
      : library_(library),
        collection_(collection),
        name_(std::string(pipeline_prefix) + collection),
        origin_(std::move(origin)),
        pay_(std::move(pay)) {}

  const std::string& identity() const override { return name_; }
  const std::string& name() const override { return name_; }
  std::size_t context_tokens_max() const override { return 8192; }
  Result<std::size_t> count_tokens(std::string_view text) const override {
    return (characters_in(text) + characters_per_token - 1) / characters_per_token;
  }
  Result<std::string> render(const models::ChatRequest& request) const override {
    return TRY(last_question(request));
  }

  Result<models::ChatReply> chat(const Context& context, const models::ChatRequest& request,
                                 const models::TokenSink& sink) override {
    std::string question = TRY(last_question(request));
    dialects::ChatRequest asked;
    asked.messages = {{.role = dialects::Role::user, .parts = {{.text = std::move(question)}}}};
    return models::chat_by_converse(*this, context, asked, sink);
  }

  Result<dialects::ChatReply> converse(const Context& context, const dialects::ChatRequest& request,
                                       const models::EventSink& sink) override {
    TRY(models::refuse_token_options(request, "answers from documents do not have it"));
    AskRequest asked;
    asked.collection = collection_;
    asked.origin = origin_;
    asked.question = TRY(question_of(request));
    if (request.seed) asked.seed = static_cast<std::uint64_t>(*request.seed);
    std::unique_ptr<QuestionPayment> payment;
    if (pay_) payment = TRY(pay_(context, library_, asked));
    if (payment) asked.budget_usd = payment->limit_usd();
    Transcript transcript(sink);
    bool has_begun = false;
    // Nothing is said before the question is known to be answerable: an error is then an error.
    const auto begin = [&] {
      if (!std::exchange(has_begun, true)) transcript.begin(name_);
    };
    std::stop_source stop;
    const std::stop_callback outer(context.stop(), [&] { stop.request_stop(); });
    AskEvents events;
    // Whether it can be paid is known with the first sentence.
    if (!payment || !payment->limit_usd()) events.on_passages = [&](const auto&) { begin(); };
    events.on_sentence = [&](const Sentence& sentence, const std::vector<Citation>& added) {
      begin();
      transcript.add(sentence, added);
      if (transcript.ended()) stop.request_stop();
    };
    auto answered = library_.ask(context.with_stop(stop.get_token()), asked, events);
    if (!answered && !transcript.ended()) return std::move(answered.error());
    if (payment && answered) TRY(payment->settle(*answered));
    begin();
    Answer answer = answered ? *std::move(answered) : Answer();
    if (transcript.text().empty() && answered) transcript.append(answer.answer);
    return finish(transcript, answer);
  }

 private:
  static Result<std::string> last_question(const models::ChatRequest& request) {
    for (auto message = request.messages.rbegin(); message != request.messages.rend(); ++message)
      if (message->role == models::Role::user) return message->content;
    return fail(Code::invalid_argument, "messages: there is no message of the user to answer");
  }

  dialects::ChatReply finish(Transcript& transcript, const Answer& answer) const {
    dialects::ChatReply reply;
    reply.id = answer.receipt_id;
    reply.model = name_;
    reply.created =
        std::chrono::duration_cast<std::chrono::seconds>(system_clock().now().time_since_epoch())
            .count();
    reply.usage = usage_of(answer.usage);
    dialects::Choice& choice = reply.choices.emplace_back();
    choice.parts = {{.text = transcript.text()}};
    choice.annotations = transcript.take_annotations();
    transcript.send({.kind = EventKind::finish});
    ChatEvent usage{.kind = EventKind::usage};
    usage.usage = reply.usage;
    transcript.send(std::move(usage));
    transcript.send({.kind = EventKind::end});
    return reply;
  }

  Library& library_;
  const std::string collection_;
  const std::string name_;
  const std::optional<trace::Origin> origin_;
  const PayForQuestion pay_;
};

}  // namespace

std::shared_ptr<models::ChatModel> make_pipeline(Library& library, const std::string& collection,
                                                 std::optional<trace::Origin> origin,
                                                 PayForQuestion pay) {
  return std::make_shared<Pipeline>(library, collection, std::move(origin), std::move(pay));
}

}  // namespace slipway::rag
