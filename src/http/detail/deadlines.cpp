#include "http/detail/deadlines.hpp"

namespace slipway::http::detail {

void Deadlines::place(Timed& timed, TimePoint at) {
  if (timed.is_placed_) {
    auto node = places_.extract(timed.place_);
    node.key() = at;
    timed.place_ = places_.insert(std::move(node));
  } else {
    timed.place_ = places_.emplace(at, &timed);
    timed.is_placed_ = true;
  }
}

void Deadlines::set(Timed& timed, TimePoint at) {
  timed.deadline_ = at;
  if (at == TimePoint::max()) return;
  if (!timed.is_placed_ || at < timed.place_->first) place(timed, at);
}

void Deadlines::drop(Timed& timed) {
  if (timed.is_placed_) places_.erase(timed.place_);
  timed.is_placed_ = false;
  timed.deadline_ = TimePoint::max();
}

std::vector<Timed*> Deadlines::take_due(TimePoint now) {
  std::vector<Timed*> due;
  while (!places_.empty() && places_.begin()->first <= now) {
    Timed& timed = *places_.begin()->second;
    if (timed.deadline_ > now && timed.deadline_ != TimePoint::max()) {
      place(timed, timed.deadline_);
      continue;
    }
    const bool is_due = timed.deadline_ <= now;
    drop(timed);
    if (is_due) due.push_back(&timed);
  }
  return due;
}

}  // namespace slipway::http::detail
