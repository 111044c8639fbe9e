// The targets that a suite may name: a collection, a chat model, a URL, a command.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "eval/target.hpp"
#include "http/client.hpp"
#include "models/catalog.hpp"
#include "rag/library.hpp"

namespace slipway::eval {

/// What an agent did with one golden.
struct AgentAnswer {
  json::Value output;
  std::vector<ToolCall> tools;  ///< In the order in which they ended.
  double cost_usd = 0;
};
/// An agent that is ready to be asked; safe to use from many threads.
struct OpenAgent {
  std::vector<std::string> inputs;  ///< Names of what it takes.
  std::string identity;             ///< Changes with its text.
  /// Fails: unavailable (it failed, was interrupted: with its words), cancelled.
  std::function<Result<AgentAnswer>(const Context&, const json::Object& input)> ask;
};

/// What targets stand on; null: such a target is refused. All must outlive the targets.
struct TargetParts {
  rag::Library* library = nullptr;
  models::Catalog* catalog = nullptr;
  /// For who names URLs that nobody of this machine wrote: `public_only`.
  http::Reach reach = http::Reach::anywhere;
  bool allows_commands = true;  ///< Not for callers from elsewhere.
  /// Agents are of another module; empty: a suite that names one is refused.
  std::function<Result<OpenAgent>(const std::string& name)> agent = {};
};

/// - rag: answers of the collection; `retrieval_context` are the passages that were read,
///   `retrieved_ids` name them as the golden's `relevance` does (see `passage_ids`).
/// - model: `system`, then the input.
/// - url: to one that ends with "/chat/completions" a chat completion of OpenAI (`answer_model`,
///   `system`); else the golden as JSON, or `body` with "{{input}}" and the other members in its
///   texts. The reply's members are taken, or those that `take` points to.
/// - agent: `body` with "{{input}}" and the other members in its texts is its input; without one
/// the
///   golden's input is the one that it takes. `tools_called` are its calls. Its output is the
///   `actual_output`: a text, or the only text of a map, or what `take` points to.
/// - command: the golden as JSON; a JSON object on standard output gives its members, any other
/// text
///   is the `actual_output`. An exit code that is not 0 is an error with what stands on stderr.
/// Fails: invalid_argument, not_found (collection, model, secret), unsupported, forbidden.
Result<std::unique_ptr<Target>> make_target(const Context& context, const TargetSpec& spec,
                                            const TargetParts& parts);

/// Names of passages, best first, each once: the key of `relevance` that means the passage - its
/// chunk, document, uri or path (or the end of it), or a span ("path#12-40") that it holds whole -
/// else the document's path; where relevance names spans or chunks, the passage's own span.
std::vector<std::string> passage_ids(const std::vector<rag::SearchItem>& passages,
                                     const Golden& golden);

}  // namespace slipway::eval
