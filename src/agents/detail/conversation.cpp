#include "agents/detail/conversation.hpp"

#include <algorithm>

namespace slipway::agents::detail {

namespace {

/// Messages that stay or go together: a call of tools and its results.
struct Group {
  std::size_t begin = 0, end = 0;
  bool is_held = false;  ///< Always stays.
};

std::size_t newest_question(const std::vector<ChatMessage>& messages) {
  for (std::size_t i = messages.size(); i-- > 0;)
    if (messages[i].role == "user") return i;
  return messages.size();
}

std::vector<Group> groups_of(const std::vector<ChatMessage>& messages) {
  std::vector<Group> groups;
  const std::size_t question = newest_question(messages);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage& message = messages[i];
    const bool is_held = message.is_pinned || message.role == "system" || i == question;
    // A result without a call is of what stands before it, whatever that is.
    if (message.role == "tool" && !groups.empty()) {
      groups.back().end = i + 1;
      groups.back().is_held = groups.back().is_held || is_held;
    } else {
      groups.push_back({i, i + 1, is_held});
    }
  }
  return groups;
}

std::vector<ToolRequest> requests_of(const Value& calls, Taint taint) {
  std::vector<ToolRequest> requests;
  if (!calls.is_list()) return requests;
  // Of a conversation that somebody brought along they may be anything.
  for (const Value& call : calls.items())
    requests.push_back({.id = in_words(call.at("id")),
                        .name = in_words(call.at("name")),
                        .args = tainted_throughout(
                            call.at("args").is_map() ? call.at("args") : Value::map(), taint)});
  return requests;
}

ChatMessage read_message(const Value& item, Taint taint) {
  ChatMessage message{.role = in_words(item.at("role")),
                      .content = in_words(item.at("content")),
                      .tool_calls = requests_of(item.at("tool_calls"), taint),
                      .tool_call_id = in_words(item.at("tool_call_id")),
                      .is_error = item.at("is_error") == Value(true),
                      .id = in_words(item.at("id")),
                      .is_pinned = item.at("pinned") == Value(true)};
  if (taint != 0 && message.role == "tool")
    message.tainted = {{.end = message.content.size(), .taint = taint}};
  if (message.role == "human") message.role = "user";
  if (message.role == "ai") message.role = "assistant";
  return message;
}

constexpr std::string_view summary_words = "Summary of the conversation before this:\n";

void add_part(ChatMessage& whole, std::string_view before, const ChatMessage& part) {
  whole.content += before;
  const std::size_t begin = whole.content.size();
  whole.content += part.content;
  for (TaintedSpan span : part.tainted) {
    span.begin += begin;
    span.end += begin;
    whole.tainted.push_back(span);
  }
}

std::vector<ChatMessage> without(const std::vector<ChatMessage>& messages,
                                 const std::vector<Group>& groups,
                                 const std::vector<bool>& is_gone) {
  std::vector<ChatMessage> left;
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (!is_gone[i])
      left.insert(left.end(), messages.begin() + static_cast<std::ptrdiff_t>(groups[i].begin),
                  messages.begin() + static_cast<std::ptrdiff_t>(groups[i].end));
  return left;
}

}  // namespace

Talk read_talk(const Value& list) {
  Talk talk;
  std::vector<const Value*> summaries;
  for (const Value& item : list.items()) {
    if (item.at("summary_of").is_text())
      summaries.push_back(&item);
    else
      talk.messages.push_back(read_message(item, list.taint()));
  }
  // One that covers what is not there any more covers nothing.
  for (const Value* summary : summaries) {
    const std::string& covered = summary->at("summary_of").text();
    for (std::size_t i = 0; i < talk.messages.size(); ++i)
      if (talk.messages[i].id == covered)
        talk.summary =
            Summary{.text = in_words(summary->at("content")), .taint = list.taint(), .upto = i + 1};
  }
  return talk;
}

Value to_value(const ChatMessage& message, const std::string& id) {
  Value value = Value::map({{"id", id}, {"role", message.role}, {"content", message.content}});
  if (!message.tool_call_id.empty()) value.put("tool_call_id", message.tool_call_id);
  if (message.is_error) value.put("is_error", true);
  if (message.tool_calls.empty()) return value;
  std::vector<Value> calls;
  for (const ToolRequest& call : message.tool_calls)
    calls.push_back(Value::map({{"id", call.id}, {"name", call.name}, {"args", call.args}}));
  value.put("tool_calls", Value::list(std::move(calls)));
  return value;
}

Value to_value(const Summary& summary, const std::string& id, const std::string& covered) {
  return Value::map(
      {{"id", id}, {"role", "system"}, {"content", summary.text}, {"summary_of", covered}});
}

std::vector<ChatMessage> shown(const Talk& talk) {
  if (!talk.summary) return talk.messages;
  std::vector<ChatMessage> made;
  const std::vector<Group> groups = groups_of(talk.messages);
  const auto add = [&](const Group& group) {
    made.insert(made.end(), talk.messages.begin() + static_cast<std::ptrdiff_t>(group.begin),
                talk.messages.begin() + static_cast<std::ptrdiff_t>(group.end));
  };
  std::size_t at = 0;
  while (at < groups.size() && talk.messages[groups[at].begin].role == "system") add(groups[at++]);
  ChatMessage summary{.role = "user", .is_pinned = true};
  ChatMessage said{.role = "user", .content = talk.summary->text};
  if (talk.summary->taint != 0)
    said.tainted = {{.end = said.content.size(), .taint = talk.summary->taint}};
  add_part(summary, summary_words, said);
  made.push_back(std::move(summary));
  for (; at < groups.size(); ++at)
    if (groups[at].is_held || groups[at].begin >= talk.summary->upto) add(groups[at]);
  return made;
}

std::size_t summary_end(const Talk& talk, std::size_t keep) {
  const std::vector<Group> groups = groups_of(talk.messages);
  const std::size_t before = talk.summary ? talk.summary->upto : 0;
  std::size_t at = groups.size(), kept = 0;
  while (at > 0 && kept < keep) {
    --at;
    kept += groups[at].end - groups[at].begin;
  }
  const std::size_t end = at < groups.size() ? groups[at].begin : talk.messages.size();
  const bool has_more = std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
    return group.begin >= before && group.end <= end && !group.is_held;
  });
  return has_more ? end : 0;
}

ChatMessage transcript(const Talk& talk, std::size_t upto) {
  ChatMessage whole{.role = "user"};
  std::size_t begin = 0;
  if (talk.summary) {
    ChatMessage before{.content = talk.summary->text};
    if (talk.summary->taint != 0)
      before.tainted = {{.end = before.content.size(), .taint = talk.summary->taint}};
    add_part(whole, "What was summed up before:\n", before);
    begin = talk.summary->upto;
  }
  for (const Group& group : groups_of(talk.messages)) {
    if (group.begin < begin || group.end > upto || group.is_held) continue;
    for (std::size_t i = group.begin; i < group.end; ++i) {
      const ChatMessage& message = talk.messages[i];
      const std::string_view gap = whole.content.empty() ? "" : "\n\n";
      add_part(whole, fmt::format("{}{}: ", gap, message.role), message);
      for (const ToolRequest& call : message.tool_calls) {
        ChatMessage args{.content = dump(call.args)};
        if (const Taint taint = call.args.taint(); taint != 0)
          args.tainted = {{.end = args.content.size(), .taint = taint}};
        add_part(whole, fmt::format("\n[calls {} with ", call.name), args);
        whole.content += "]";
      }
    }
  }
  return whole;
}

std::size_t spoken(const std::vector<ChatMessage>& messages) {
  return static_cast<std::size_t>(std::count_if(messages.begin(), messages.end(),
                                                [](const auto& m) { return m.role != "system"; }));
}

Outcome<std::vector<ChatMessage>> trimmed(std::vector<ChatMessage> messages, const Trim& trim,
                                          const Measure& measure) {
  const std::vector<Group> groups = groups_of(messages);
  std::vector<std::size_t> loose;  // Oldest first; the last group is what is being answered.
  for (std::size_t i = 0; i + 1 < groups.size(); ++i)
    if (!groups[i].is_held) loose.push_back(i);
  const auto left_after = [&](std::size_t count) {
    std::vector<bool> is_gone(groups.size(), false);
    for (std::size_t i = 0; i < count; ++i) is_gone[loose[i]] = true;
    // What begins with an answer has lost its question.
    for (std::size_t i = 0; count > 0 && i + 1 < groups.size(); ++i) {
      const ChatMessage& first = messages[groups[i].begin];
      if (is_gone[i] || first.role == "system") continue;
      if (groups[i].is_held || first.role == "user") break;
      is_gone[i] = true;
    }
    return without(messages, groups, is_gone);
  };
  Failure failure;
  std::int64_t smallest = 0;
  const auto fits = [&](const std::vector<ChatMessage>& left) -> Outcome<bool> {
    if (trim.messages && spoken(left) > static_cast<std::size_t>(*trim.messages)) {
      smallest = static_cast<std::int64_t>(spoken(left));
      failure.message = fmt::format("{} messages, and trim allows {}", smallest, *trim.messages);
      return false;
    }
    if (!trim.tokens) return true;
    smallest = SLIPWAY_GET(measure(left));
    if (smallest <= *trim.tokens) return true;
    failure.message = fmt::format("{} tokens, and trim allows {}", smallest, *trim.tokens);
    return false;
  };
  if (SLIPWAY_GET(fits(messages))) return messages;
  if (!SLIPWAY_GET(fits(left_after(loose.size()))))
    return Failure{"context", fmt::format("what must stay of the conversation (the system's words, "
                                          "pinned messages, the question, its last turn) is {}",
                                          failure.message)};
  std::size_t low = 0, high = loose.size();  // Too few; enough.
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (SLIPWAY_GET(fits(left_after(middle))) ? high : low) = middle;
  }
  return left_after(high);
}

}  // namespace slipway::agents::detail
