// One thread owns the memory. Each turn it takes in who waits, drops whose call
// is over, lets all that write take one token, in as few steps as pay, and reads
// one block of one prompt.
//
// Reading and writing share the time evenly while both want it: a block takes
// as long as several tokens, so several tokens follow each block, and a long
// prompt slows running replies to half their pace at most.
#include "models/detail/llama_engine.hpp"

#include <llama.h>

#include <algorithm>
#include <tuple>

namespace slipway::models::detail {

namespace {

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

}  // namespace

LlamaEngine::LlamaEngine(llama_model& model, const TokenTable& tokens, Options options)
    : tokens_(tokens),
      options_(std::move(options)),
      memory_(model, options_.memory),
      places_(options_.memory.sequences),
      costs_(options_.memory.sequences),
      thread_([this] { run(); }) {}

LlamaEngine::~LlamaEngine() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Result<void> LlamaEngine::submit(std::shared_ptr<LlamaJob> job) {
  SLIPWAY_ASSERT(!job->prompt.empty() && job->tokens_max > 0);
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= options_.waiting_max)
    return fail(Code::unavailable,
                "the queue of model '{}' is full: {} wait for one of {} places; "
                "try again later",
                options_.name, waiting_.size(), places_.size());
  const std::string caller = job->context.caller();
  waiting_.push(caller, std::move(job));
  changed_.notify_all();
  return {};
}

bool LlamaEngine::withdraw(const std::shared_ptr<LlamaJob>& job) {
  const std::lock_guard lock(mutex_);
  job->abandon();
  return waiting_.remove(job->context.caller(), job);
}

void LlamaEngine::run() {
  while (wait_for_work()) {
    drop_over();
    admit();
    step();
  }
  const Error closing(Code::unavailable, fmt::format("model '{}' is being closed", options_.name));
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (places_[i].job) end(i, closing);
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty()) waiting_.take()->on_end(closing);
}

/// False: the engine is to end.
bool LlamaEngine::wait_for_work() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return is_closing_ || running_ > 0 || !waiting_.empty(); });
  return !is_closing_;
}

Error LlamaEngine::over(const LlamaJob& job) const {
  const auto checked = job.context.check();
  return checked ? Error(Code::cancelled, "the call was given up") : checked.error();
}

void LlamaEngine::drop_over() {
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (places_[i].job && places_[i].job->is_over()) end(i, over(*places_[i].job));
}

void LlamaEngine::admit() {
  while (
      std::any_of(places_.begin(), places_.end(), [](const Place& place) { return !place.job; })) {
    std::shared_ptr<LlamaJob> job;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) return;
      job = waiting_.take();
      ++running_;
    }
    const std::size_t at = place_for(job->prompt);
    places_[at].job = std::move(job);
    places_[at].admitted = ++admitted_;
    if (places_[at].job->is_over()) end(at, over(*places_[at].job));
  }
}

/// The free place that has read the most of the prompt; of equals one beside a
/// running one, because places in a row make one step together; then the one
/// that was used longest ago.
std::size_t LlamaEngine::place_for(const std::vector<Token>& prompt) const {
  const auto runs = [&](std::size_t i) { return i < places_.size() && places_[i].job != nullptr; };
  using Rank = std::tuple<std::size_t, bool, std::uint64_t>;
  std::size_t best = none;
  Rank best_rank;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (runs(i)) continue;
    const bool is_beside = runs(i + 1) || (i > 0 && runs(i - 1));
    const Rank rank{memory_.shared(i, prompt), is_beside, left_ - places_[i].used};
    if (best == none || rank > best_rank) {
      best = i;
      best_rank = rank;
    }
  }
  return best;
}

void LlamaEngine::step() {
  const bool writes = std::any_of(places_.begin(), places_.end(),
                                  [](const Place& place) { return place.is_writing(); });
  const std::size_t reads = place_to_read();
  const auto start = std::chrono::steady_clock::now();
  const auto spent = [&] { return std::chrono::steady_clock::now() - start; };
  if (reads != none && (!writes || reading_.count() <= 0)) {
    read_block(reads);
    reading_ += spent();
  } else if (writes) {
    write_tokens();
    reading_ -= spent();
  }
  if (!writes || reads == none) reading_ = {};  // Nobody had to wait.
}

/// One token for each that writes. Only places in a row make one step together: llama.cpp would
/// split others itself.
void LlamaEngine::write_tokens() {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (places_[i].is_writing()) places.push_back(i);
  for (std::size_t begin = 0; begin < places.size();) {
    std::size_t end = begin + 1;
    while (end < places.size() && places[end] == places[end - 1] + 1) ++end;
    for (const std::size_t size : costs_.plan(end - begin)) {
      write_together(std::span(places).subspan(begin, size));
      begin += size;
    }
  }
}

void LlamaEngine::write_together(std::span<const std::size_t> places) {
  std::vector<LlamaMemory::Next> next;
  for (const std::size_t i : places) next.push_back({i, places_[i].next});
  // One that is over does not break off the others' step; `drop_over` comes
  // after it.
  const auto is_over = [&] {
    return is_closing_ || std::all_of(places.begin(), places.end(),
                                      [&](std::size_t i) { return places_[i].job->is_over(); });
  };
  const auto start = std::chrono::steady_clock::now();
  const auto read = memory_.read_tokens(next, is_over);
  if (!read) return fail_all(places, read.error());
  if (!*read) return;  // All are over.
  costs_.took(places.size(), std::chrono::steady_clock::now() - start);
  for (std::size_t n = 0; n < places.size(); ++n) choose(places[n], memory_.logits(n));
}

std::size_t LlamaEngine::place_to_read() {
  std::size_t oldest = none;
  std::size_t shortest = none;
  const auto left = [&](std::size_t i) { return places_[i].job->prompt.size() - places_[i].read; };
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (!places_[i].is_reading()) continue;
    if (oldest == none || places_[i].admitted < places_[oldest].admitted) oldest = i;
    if (shortest == none || left(i) < left(shortest)) shortest = i;
  }
  // Short prompts need not wait for long ones, and long ones come on.
  std::size_t chosen = blocks_ % 2 == 0 ? shortest : oldest;
  if (chosen == none || places_[chosen].is_started) return chosen;
  // What another reads at this moment need not be read twice.
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (i != chosen && places_[i].is_started && places_[i].is_reading() &&
        shared_unread(i, chosen) > 0)
      return i;
  return chosen;
}

/// How many tokens, whole blocks, `reader` has still to read that `other` will
/// need.
std::size_t LlamaEngine::shared_unread(std::size_t reader, std::size_t other) const {
  const auto& a = places_[reader].job->prompt;
  const auto& b = places_[other].job->prompt;
  const auto same = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  const std::size_t blocks = std::min(same, b.size() - 1) / block_tokens * block_tokens;
  return blocks > places_[reader].read ? blocks - places_[reader].read : 0;
}

Result<void> LlamaEngine::begin(std::size_t at) {
  Place& place = places_[at];
  const LlamaJob& job = *place.job;
  TRY(memory_.make_room(job.prompt.size() + job.tokens_max));
  std::size_t shared = memory_.shared(at, job.prompt);
  std::size_t giver = at;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const std::size_t other = memory_.shared(i, job.prompt);
    if (other <= shared) continue;
    shared = other;
    giver = i;
  }
  if (giver != at) memory_.copy(giver, at);
  place.read = memory_.keep(at, shared);
  place.is_started = true;
  place.job->on_start(place.read);
  return {};
}

void LlamaEngine::read_block(std::size_t at) {
  Place& place = places_[at];
  ++blocks_;
  if (!place.is_started) {
    const auto begun = begin(at);
    if (!begun) return end(at, begun.error());
  }
  const std::vector<Token>& prompt = place.job->prompt;
  const std::size_t count = std::min(block_tokens, prompt.size() - place.read);
  const LlamaJob& job = *place.job;
  const auto read = memory_.read_block(at, std::span(prompt).subspan(place.read, count),
                                       [&] { return is_closing_ || job.is_over(); });
  if (!read) return end(at, read.error());
  if (!*read) return;
  place.read += count;
  if (place.read == prompt.size()) choose(at, memory_.logits(0));
}

void LlamaEngine::choose(std::size_t at, const float* logits) {
  Place& place = places_[at];
  LlamaJob& job = *place.job;
  const auto token = job.choice->next(logits);
  if (!token) return end(at, token.error());
  if (llama_vocab_is_eog(tokens_.vocabulary(), *token)) return end(at, LlamaJob::End::model);
  ++place.made;
  if (!job.on_token(*token, logits)) return end(at, LlamaJob::End::enough);
  if (place.made >= job.tokens_max) return end(at, LlamaJob::End::length);
  place.next = *token;
}

void LlamaEngine::end(std::size_t at, Result<LlamaJob::End> how) {
  Place& place = places_[at];
  const std::shared_ptr<LlamaJob> job = std::move(place.job);
  place = {};
  place.used = ++left_;
  {
    const std::lock_guard lock(mutex_);
    waiting_.give_back(job->context.caller());
    --running_;
  }
  job->on_end(std::move(how));
}

void LlamaEngine::fail_all(std::span<const std::size_t> places, const Error& error) {
  for (const std::size_t at : places) end(at, error);
}

}  // namespace slipway::models::detail
