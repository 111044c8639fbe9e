// What `guardrails:` says, made ready; and what it says of one call.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/masking.hpp"
#include "core/schema_check.hpp"
#include "dialects/chat.hpp"
#include "dialects/embeddings.hpp"
#include "dialects/rerank.hpp"
#include "gateway/record.hpp"

namespace slipway::gateway::detail {

/// What is looked for, and what becomes of it.
struct Watched {
  Detector detector;
  Verdict verdict = Verdict::mask;
};

/// One guardrail. Immutable.
struct Guard {
  std::string name;
  GuardrailConfig config;
  std::vector<Watched> detectors;
  std::shared_ptr<const json::SchemaCheck> schema;
  std::chrono::milliseconds timeout{500};

  bool is_on(Phase phase, models::ModelTask task) const;
  /// Whether injections are looked for in calls of this task.
  bool suspects(models::ModelTask task) const;
  /// It can say something only of the whole output.
  bool needs_whole() const;
};

using GuardList = std::vector<std::shared_ptr<const Guard>>;

/// In the order of their names. Fails: invalid_argument ("guardrails.shape: json_schema: ...").
Result<GuardList> make_guards(const std::map<std::string, GuardrailConfig>& configs);
/// Those that look at calls of this name and task in this phase.
GuardList guards_for(const GuardList& guards, const std::string& model, Phase phase,
                     models::ModelTask task);

/// The texts of a request that somebody else than the operator wrote, in order: users' and tools'
/// texts and documents, what is to be embedded, the query and what is to be ranked. The request
/// must outlive them and keep its parts.
using InputTexts = std::vector<std::string*>;
InputTexts input_texts(dialects::ChatRequest& request);
InputTexts input_texts(dialects::EmbeddingRequest& request);
InputTexts input_texts(dialects::RerankRequest& request);

/// Looks at what goes to a model; masks in place. Adds to `records`. Webhooks are not asked here.
/// A reason when it is refused.
struct InputVerdict {
  std::optional<std::string> refusal;
  bool is_altered = false;
};
InputVerdict check_input(const GuardList& guards, models::ModelTask task, const InputTexts& texts,
                         std::vector<GuardRecord>& records);

/// Masks and checks a whole reply; a reason when it is refused.
std::optional<std::string> check_output(const GuardList& guards, dialects::ChatReply& reply,
                                        std::vector<GuardRecord>& records);

/// Masks a reply that comes as events. Not for two threads.
class OutputMask {
 public:
  explicit OutputMask(GuardList guards) : guards_(std::move(guards)) {}
  /// The events that may go on.
  std::vector<dialects::ChatEvent> feed(dialects::ChatEvent event);
  /// What was masked. At the end.
  void record(std::vector<GuardRecord>& records) const;

 private:
  /// One text that grows: its masks one behind the other.
  struct Chain {
    std::vector<StreamMask> masks;
    std::string feed(std::string piece);
    std::string finish();
  };
  Chain& chain(std::size_t choice, std::size_t part);
  std::vector<dialects::ChatEvent> change_part(std::size_t choice, std::size_t part);
  std::vector<dialects::ChatEvent> finish_choice(std::size_t choice);

  GuardList guards_;
  std::map<std::pair<std::size_t, std::size_t>, Chain> chains_;  ///< By choice and part.
  std::map<std::size_t, std::size_t> parts_;                     ///< The part that a choice is in.
  std::size_t found_ = 0;
};

/// What a webhook is asked, and what it answers:
/// {"phase": "input", "guardrail": "house", "task": "chat", "model": "fast", "caller": "web",
/// "texts": ["..."]} -> {"verdict": "allow" | "refuse" | "mask", "reason": "...", "texts": ["..."]}
std::string webhook_question(const Guard& guard, Phase phase, const CallRecord& call,
                             const std::vector<std::string>& texts);
struct WebhookAnswer {
  Verdict verdict = Verdict::allow;
  std::string reason;
  std::vector<std::string> texts;  ///< mask: as many as were asked about.
  static constexpr std::string_view required[] = {"verdict"};
};
BOOST_DESCRIBE_STRUCT(WebhookAnswer, (), (verdict, reason, texts))
/// Fails: invalid_argument (not that).
Result<WebhookAnswer> webhook_answer(std::string_view body, std::size_t texts);

/// The texts of a reply that guards look at, in order; and the same put back.
std::vector<std::string> output_texts(const dialects::ChatReply& reply);
void set_output_texts(dialects::ChatReply& reply, const std::vector<std::string>& texts);

}  // namespace slipway::gateway::detail
