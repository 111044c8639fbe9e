#include "gateway/detail/reply_cache.hpp"

#include <algorithm>
#include <numeric>

namespace slipway::gateway::detail {

namespace {

using dialects::ChatEvent;
using dialects::EventKind;
using dialects::Part;
using dialects::PartKind;

constexpr std::size_t choices_max = 128, calls_max = 1'024;

}  // namespace

void ReplyCache::set_bytes_max(std::size_t bytes_max) {
  const std::lock_guard lock(mutex_);
  bytes_max_ = bytes_max;
  shrink();
}

ReplyPtr ReplyCache::find(const std::string& key, Clock::Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = exact_.find(key);
  if (found == exact_.end()) return nullptr;
  if (found->second->until <= now) {
    drop(found->second);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->reply;
}

void ReplyCache::put(const std::string& key, ReplyPtr reply, Clock::Time until) {
  const std::lock_guard lock(mutex_);
  if (const auto found = exact_.find(key); found != exact_.end()) drop(found->second);
  add({key, {}, std::move(reply), until});
}

ReplyPtr ReplyCache::find_near(const std::string& bucket, const models::Vector& question,
                               double threshold, Clock::Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = near_.find(bucket);
  if (found == near_.end()) return nullptr;
  std::optional<Entries::iterator> best;
  double best_cosine = threshold;
  std::vector<Entries::iterator> over;
  for (const auto& entry : found->second) {
    if (entry->until <= now) {
      over.push_back(entry);
      continue;
    }
    if (entry->question.size() != question.size()) continue;  // Of another embedder.
    const double cosine =
        std::inner_product(question.begin(), question.end(), entry->question.begin(), 0.0);
    if (cosine < best_cosine) continue;
    best_cosine = cosine;
    best = entry;
  }
  for (const auto& entry : over) drop(entry);
  if (!best) return nullptr;
  entries_.splice(entries_.begin(), entries_, *best);
  return (*best)->reply;
}

void ReplyCache::put_near(const std::string& bucket, models::Vector question, ReplyPtr reply,
                          Clock::Time until) {
  const std::lock_guard lock(mutex_);
  const auto found = near_.find(bucket);
  if (found != near_.end() && found->second.size() >= bucket_entries_max)
    drop(found->second.front());
  add({bucket, std::move(question), std::move(reply), until});
}

void ReplyCache::add(Entry entry) {
  constexpr std::size_t overhead = 256;
  entry.bytes =
      overhead + entry.key.size() + entry.question.size() * sizeof(float) + bytes_of(*entry.reply);
  const bool is_exact = entry.question.empty();
  state_.bytes += entry.bytes;
  ++state_.entries;
  entries_.push_front(std::move(entry));
  if (is_exact)
    exact_.emplace(entries_.front().key, entries_.begin());
  else
    near_[entries_.front().key].push_back(entries_.begin());
  shrink();
}

void ReplyCache::drop(Entries::iterator entry) {
  if (entry->question.empty()) {
    exact_.erase(entry->key);
  } else {
    const auto bucket = near_.find(entry->key);
    std::erase(bucket->second, entry);
    if (bucket->second.empty()) near_.erase(bucket);
  }
  state_.bytes -= entry->bytes;
  --state_.entries;
  entries_.erase(entry);
}

void ReplyCache::shrink() {
  while (state_.bytes > bytes_max_ && !entries_.empty()) drop(std::prev(entries_.end()));
}

void ReplyCache::count(CacheResult result) {
  const std::lock_guard lock(mutex_);
  if (result == CacheResult::hit) ++state_.hits;
  if (result == CacheResult::semantic) ++state_.semantic_hits;
  if (result == CacheResult::miss) ++state_.misses;
}

void ReplyCache::count_check(bool was_false) {
  const std::lock_guard lock(mutex_);
  ++state_.checked;
  if (was_false) ++state_.false_hits;
}

CacheState ReplyCache::state() const {
  const std::lock_guard lock(mutex_);
  CacheState state = state_;
  if (state.checked > 0)
    state.false_hit_rate =
        static_cast<double>(state.false_hits) / static_cast<double>(state.checked);
  return state;
}

std::size_t bytes_of(const dialects::ChatReply& reply) {
  constexpr std::size_t part_bytes = sizeof(Part), logprob_bytes = 96;
  std::size_t bytes = sizeof(reply);
  for (const auto& choice : reply.choices) {
    bytes += sizeof(choice) + choice.logprobs.size() * logprob_bytes;
    for (const Part& part : choice.parts)
      bytes += part_bytes + part.text.size() + part.data.size() + part.signature.size();
    for (const auto& call : choice.tool_calls)
      bytes += sizeof(call) + call.name.size() + call.arguments.size();
    for (const auto& annotation : choice.annotations)
      bytes += sizeof(annotation) + annotation.quote.size();
  }
  return bytes;
}

namespace {

void tell_choice(const dialects::Choice& choice, std::size_t index,
                 std::vector<ChatEvent>& events) {
  const auto tell = [&](EventKind kind) -> ChatEvent& {
    ChatEvent event;
    event.kind = kind;
    event.choice = index;
    events.push_back(std::move(event));
    return events.back();
  };
  bool has_told_logprobs = false;
  for (const Part& part : choice.parts) {
    if (part.kind == PartKind::reasoning) {
      if (!part.text.empty()) tell(EventKind::reasoning).text = part.text;
      if (!part.signature.empty()) tell(EventKind::reasoning).signature = part.signature;
      if (!part.data.empty()) tell(EventKind::reasoning).data = part.data;
    } else if (part.kind == PartKind::text || part.kind == PartKind::refusal) {
      const bool is_text = part.kind == PartKind::text;
      ChatEvent& event = tell(is_text ? EventKind::text : EventKind::refusal);
      event.text = part.text;
      if (is_text && !std::exchange(has_told_logprobs, true)) event.logprobs = choice.logprobs;
    }
  }
  for (const auto& annotation : choice.annotations)
    tell(EventKind::annotation).annotation = annotation;
  for (std::size_t i = 0; i < choice.tool_calls.size(); ++i) {
    ChatEvent& start = tell(EventKind::tool_start);
    start.call_index = i;
    start.call.id = choice.tool_calls[i].id;
    start.call.name = choice.tool_calls[i].name;
    ChatEvent& arguments = tell(EventKind::tool_delta);
    arguments.call_index = i;
    arguments.text = choice.tool_calls[i].arguments;
  }
  ChatEvent& finish = tell(EventKind::finish);
  finish.finish_reason = choice.finish_reason;
  finish.stop_sequence = choice.stop_sequence;
  finish.hit_stop_sequence = choice.hit_stop_sequence;
}

}  // namespace

std::vector<ChatEvent> events_of(const dialects::ChatReply& reply) {
  std::vector<ChatEvent> events(1);
  events.front().kind = EventKind::start;
  events.front().id = reply.id;
  events.front().model = reply.model;
  events.front().usage.input_tokens = reply.usage.input_tokens;
  for (std::size_t i = 0; i < reply.choices.size(); ++i) tell_choice(reply.choices[i], i, events);
  ChatEvent usage;
  usage.kind = EventKind::usage;
  usage.usage = reply.usage;
  events.push_back(std::move(usage));
  ChatEvent end;
  end.kind = EventKind::end;
  events.push_back(std::move(end));
  return events;
}

dialects::Choice& ReplyAssembler::choice(std::size_t index) {
  index = std::min(index, choices_max - 1);
  if (reply_.choices.size() <= index) reply_.choices.resize(index + 1);
  return reply_.choices[index];
}

void ReplyAssembler::add(const ChatEvent& event) {
  const auto append = [&](PartKind kind) {
    auto& parts = choice(event.choice).parts;
    if (parts.empty() || parts.back().kind != kind) {
      Part part;
      part.kind = kind;
      parts.push_back(std::move(part));
    }
    parts.back().text += event.text;
    if (!event.signature.empty()) parts.back().signature = event.signature;
    if (!event.data.empty()) parts.back().data = event.data;
  };
  const auto call = [&]() -> dialects::ToolCall& {
    auto& calls = choice(event.choice).tool_calls;
    const std::size_t index = std::min(event.call_index, calls_max - 1);
    if (calls.size() <= index) calls.resize(index + 1);
    return calls[index];
  };
  switch (event.kind) {
    case EventKind::start:
      reply_.id = event.id;
      reply_.model = event.model;
      break;
    case EventKind::text: {
      append(PartKind::text);
      auto& logprobs = choice(event.choice).logprobs;
      logprobs.insert(logprobs.end(), event.logprobs.begin(), event.logprobs.end());
      break;
    }
    case EventKind::reasoning: append(PartKind::reasoning); break;
    case EventKind::refusal: append(PartKind::refusal); break;
    case EventKind::tool_start:
      call().id = event.call.id;
      call().name = event.call.name;
      call().path = event.call.path;
      call().extra = event.call.extra;
      break;
    case EventKind::tool_delta: call().arguments += event.text; break;
    case EventKind::annotation: choice(event.choice).annotations.push_back(event.annotation); break;
    case EventKind::finish:
      choice(event.choice).finish_reason = event.finish_reason;
      choice(event.choice).stop_sequence = event.stop_sequence;
      choice(event.choice).hit_stop_sequence = event.hit_stop_sequence;
      break;
    case EventKind::usage: reply_.usage = event.usage; break;
    case EventKind::end: break;
  }
}

}  // namespace slipway::gateway::detail
