// Who waits for a place, and who gets the next one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>

namespace slipway::models::detail {

/// Items of several callers. The next one is of the caller that has the fewest
/// taken and not given back; among equals, of the one whose turn is longest
/// ago. A caller's own items keep their order. Not thread safe.
template <typename T>
class FairQueue {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void push(const std::string& caller, T item) {
    const auto [at, is_new] = callers_.try_emplace(caller);
    if (is_new) at->second.turn = ++turns_;
    at->second.waiting.push_back(std::move(item));
    ++size_;
  }

  /// Only when not empty. `give_back` follows.
  T take() {
    auto best = callers_.end();
    for (auto it = callers_.begin(); it != callers_.end(); ++it) {
      if (it->second.waiting.empty()) continue;
      if (best == callers_.end() || is_before(it->second, best->second)) best = it;
    }
    Caller& caller = best->second;
    T item = std::move(caller.waiting.front());
    caller.waiting.pop_front();
    ++caller.taken;
    caller.turn = ++turns_;
    --size_;
    return item;
  }

  void give_back(const std::string& caller) {
    const auto found = callers_.find(caller);
    if (found == callers_.end()) return;
    if (found->second.taken > 0) --found->second.taken;
    drop_if_idle(found);
  }

  /// True when it still waited.
  bool remove(const std::string& caller, const T& item) {
    const auto found = callers_.find(caller);
    if (found == callers_.end()) return false;
    auto& waiting = found->second.waiting;
    const auto at = std::find(waiting.begin(), waiting.end(), item);
    if (at == waiting.end()) return false;
    waiting.erase(at);
    --size_;
    drop_if_idle(found);
    return true;
  }

 private:
  struct Caller {
    std::list<T> waiting;
    std::size_t taken = 0;
    std::uint64_t turn = 0;
  };
  static bool is_before(const Caller& left, const Caller& right) {
    return left.taken != right.taken ? left.taken < right.taken : left.turn < right.turn;
  }
  void drop_if_idle(typename std::map<std::string, Caller>::iterator at) {
    if (at->second.waiting.empty() && at->second.taken == 0) callers_.erase(at);
  }

  std::map<std::string, Caller> callers_;
  std::size_t size_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace slipway::models::detail
