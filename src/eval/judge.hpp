// Who answers the questions that a metric asks about a case: a model, or what was written down.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/json.hpp"
#include "eval/golden.hpp"

namespace slipway::eval {

/// One of the alternatives that a model had for a token.
struct TokenChoice {
  std::string token;
  double logprob = 0;  ///< Natural, at most 0.
};
struct TokenLogprob {
  std::string token;
  std::vector<TokenChoice> top;  ///< Most likely first.
};

/// What is asked. `step` is the name of the contract ("claims", "verdicts", ...), and with `metric`
/// and `mode` the key of the prompt.
struct Question {
  std::string metric;  ///< The entry's `as`, else its name.
  std::string prompt;  ///< Which file of prompts: "faithfulness.native.claims".
  std::string step;    ///< Of the contract.
  /// How many replies to that step this case has had: 0, 1, ... (asked again counts too).
  std::size_t index = 0;
  json::Object values;  ///< What the prompt's variables stand for.
  json::Object schema;  ///< JSON Schema of the reply; empty: any.
  bool wants_logprobs = false;
};

struct JudgeReply {
  std::string text;  ///< Raw, as it came.
  std::optional<std::vector<TokenLogprob>> logprobs;
  std::string span_id;  ///< Of the call's run; empty: there was no call.
};

/// Safe to use from many threads. The same question about the same case may be asked again
/// (a reply that could not be parsed): `attempt` 1.
class Judge {
 public:
  virtual ~Judge() = default;
  /// Part of a result's fingerprint: model, prompts' hash; or the hash of the replies' file.
  virtual std::string identity() const = 0;
  /// Whether `Question::values` and `prompt` matter: where they do not, they may be left out.
  virtual bool reads_values() const { return true; }
  /// Fails: not_found (scripted: no reply, naming case, metric, step), resource_exhausted (the
  /// budget is spent), and as calls of models do.
  virtual Result<JudgeReply> ask(const Context& context, const Golden& golden,
                                 const Question& question, int attempt) = 0;
  /// Whether the passages that sentence `sentence` (from 0) of the output cites, numbered
  /// `citations`, entail it.
  virtual Result<bool> entails(const Context& context, const Golden& golden,
                               const Question& question, std::size_t sentence,
                               const std::vector<int>& citations) = 0;
  /// Of any length, not normalised; `metric` is that of the questions. Fails: not_found
  /// (scripted), and as embedders do.
  virtual Result<std::vector<double>> embed(const Context& context, const Golden& golden,
                                            std::string_view metric, std::string_view text) = 0;
};

}  // namespace slipway::eval
