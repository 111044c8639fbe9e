// Answers that were given once: to the same request, and to nearly the same question.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "dialects/chat.hpp"
#include "gateway/record.hpp"
#include "models/embedder.hpp"

namespace slipway::gateway::detail {

using ReplyPtr = std::shared_ptr<const dialects::ChatReply>;

/// In memory, the least recently used go first. Safe to use from many threads.
class ReplyCache {
 public:
  explicit ReplyCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  void set_bytes_max(std::size_t bytes_max);

  /// Null when there is none or its time is over.
  ReplyPtr find(const std::string& key, Clock::Time now);
  void put(const std::string& key, ReplyPtr reply, Clock::Time until);

  /// The best of `bucket` (same conversation but for the last question) whose cosine reaches
  /// `threshold`; null when there is none.
  ReplyPtr find_near(const std::string& bucket, const models::Vector& question, double threshold,
                     Clock::Time now);
  void put_near(const std::string& bucket, models::Vector question, ReplyPtr reply,
                Clock::Time until);

  void count(CacheResult result);
  /// A hit was compared with what the model says now.
  void count_check(bool was_false);
  CacheState state() const;

  /// Of one conversation; the oldest goes first.
  static constexpr std::size_t bucket_entries_max = 2'000;

 private:
  struct Entry {
    std::string key;
    models::Vector question;  ///< Empty: an exact one.
    ReplyPtr reply;
    Clock::Time until;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;
  void add(Entry entry);
  void drop(Entries::iterator entry);
  void shrink();

  mutable std::mutex mutex_;
  std::size_t bytes_max_;
  Entries entries_;  ///< The most recently used first.
  std::unordered_map<std::string, Entries::iterator> exact_;
  std::unordered_map<std::string, std::vector<Entries::iterator>> near_;
  CacheState state_;
};

/// Roughly, in memory.
std::size_t bytes_of(const dialects::ChatReply& reply);

/// The reply as a stream would have told it.
std::vector<dialects::ChatEvent> events_of(const dialects::ChatReply& reply);

/// A stream put together to the reply that it tells. Not for two threads.
class ReplyAssembler {
 public:
  void add(const dialects::ChatEvent& event);
  dialects::ChatReply take() { return std::move(reply_); }
  const dialects::ChatReply& reply() const { return reply_; }

 private:
  dialects::Choice& choice(std::size_t index);
  dialects::ChatReply reply_;
};

}  // namespace slipway::gateway::detail
