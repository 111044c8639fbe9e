// A conversation as a model is to see it: pinned messages stay, a call of a tool goes with its
// results, what was summed up is shown by its summary. Pure; nothing here calls a model.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "agents/model.hpp"

namespace slipway::agents::detail {

/// Calls that sum up what was said before turn N of a task have number `summary_calls` + N.
inline constexpr std::uint32_t summary_calls = 0x40000000;
/// Whether a call, as records have it, is one.
inline bool sums_up(const Value& call) {
  return call.at("n").is_integer() && call.at("n").integer() >= summary_calls &&
         call.at("model") == Value(true);
}

/// In the place of the messages before `upto` that nobody pinned.
struct Summary {
  std::string text;
  Taint taint = 0;
  std::size_t upto = 0;
};

struct Talk {
  std::vector<ChatMessage> messages;  ///< All of them.
  std::optional<Summary> summary;     ///< The newest.
};

/// The messages of a list in a state: {id, role, content, tool_calls, pinned ...}. One with
/// `summary_of`, the id of the last message that it covers, is a summary. Roles of LangChain are
/// understood too.
Talk read_talk(const Value& list);
/// What a state keeps of a message; `summary` the same of a summary.
Value to_value(const ChatMessage& message, const std::string& id);
Value to_value(const Summary& summary, const std::string& id, const std::string& covered);

/// Without what the summary covers. A summary stands behind the system's words.
std::vector<ChatMessage> shown(const Talk& talk);
/// Up to where a summary may go so that `keep` messages, and whole calls of tools, stay behind it;
/// 0: there is nothing to sum up.
std::size_t summary_end(const Talk& talk, std::size_t keep);
/// What a model is asked to sum up, as text: the summary so far and the messages up to `upto`.
ChatMessage transcript(const Talk& talk, std::size_t upto);

/// Tokens of a prompt with these messages.
using Measure = std::function<Outcome<std::int64_t>(const std::vector<ChatMessage>&)>;
/// Leaves out the oldest until the rest is within `trim`. Never: what is pinned, the system's
/// words, the newest question, the end. Fails: kind "context", if what must stay is too much.
Outcome<std::vector<ChatMessage>> trimmed(std::vector<ChatMessage> messages, const Trim& trim,
                                          const Measure& measure);
/// How many are not the system's.
std::size_t spoken(const std::vector<ChatMessage>& messages);

}  // namespace slipway::agents::detail
