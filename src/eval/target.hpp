// What is evaluated: something that answers a golden's input.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "eval/golden.hpp"

namespace slipway::eval {

/// `target:` of a suite: exactly one of the first five, and what that one is told.
struct TargetSpec {
  std::optional<std::string> rag;    ///< A collection: answers, passages and their documents.
  std::optional<std::string> model;  ///< A chat model of the catalog.
  std::optional<std::string> agent;  ///< A file of an agent, relative to the suite.
  std::optional<std::string> url;    ///< POST of the golden; the reply is its members.
  std::optional<std::vector<std::string>> command;  ///< The golden on stdin, its members on stdout.
  std::string mode;                                 ///< rag: auto, extract, generate; empty: auto.
  std::optional<int> limit;                         ///< rag: passages to read.
  std::string answer_model;                         ///< rag: who writes in mode generate.
  std::string system;                               ///< model: the first message.
  std::optional<double> temperature;                ///< model
  std::map<std::string, std::string> headers;       ///< url; values may be env:NAME or file:PATH.
  std::optional<json::Object>
      body;  ///< url, agent: what is sent; "{{input}}" in its texts is the input.
  std::map<std::string, std::string>
      take;                      ///< url, agent: member of the golden -> pointer into the reply.
  std::optional<int> timeout_s;  ///< Of one answer; absent: 120.
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(TargetSpec, (),
                      (rag, model, agent, url, command, mode, limit, answer_model, system,
                       temperature, headers, body, take, timeout_s))

/// Safe to use from many threads.
class Target {
 public:
  virtual ~Target() = default;
  /// What a person calls it: "rag handbook (extract)".
  virtual std::string name() const = 0;
  /// Says whether what an interrupted run has stands for what would come now: changes with the
  /// collection's version, the model, the command.
  virtual std::string identity() const = 0;
  /// The golden with what came: `actual_output`, and where it has them `retrieval_context`,
  /// `retrieved_ids`, `tools_called`, `latency_ms`, `cost_usd`, `trace_id`. What the golden had of
  /// these is gone, all else is as it was. `repeat` (from 0) is another try of the same golden.
  /// Fails: the case is an error, the run goes on; but cancelled ends it.
  virtual Result<Golden> answer(const Context& context, const Golden& golden, int repeat) = 0;
};

}  // namespace slipway::eval
