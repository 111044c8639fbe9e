// When connections of one edge have to be looked at again.
#pragma once

#include <chrono>
#include <map>
#include <vector>

namespace slipway::http::detail {

using TimePoint = std::chrono::steady_clock::time_point;

/// Something with a deadline that moves often, mostly to a later time.
class Timed {
 public:
  virtual ~Timed() = default;
  virtual void on_deadline(TimePoint now) = 0;

 private:
  friend class Deadlines;
  TimePoint deadline_ = TimePoint::max();
  std::multimap<TimePoint, Timed*>::iterator place_;
  bool is_placed_ = false;
};

/// Moving a deadline to a later time costs a store: the old place is kept, and passed on when its
/// time comes. For one thread.
class Deadlines {
 public:
  void set(Timed& timed, TimePoint at);
  /// Before `timed` goes away.
  void drop(Timed& timed);
  /// The first time at which `take_due` may find something.
  TimePoint next() const { return places_.empty() ? TimePoint::max() : places_.begin()->first; }
  /// Those whose deadline is over; each is without a deadline then.
  std::vector<Timed*> take_due(TimePoint now);

 private:
  void place(Timed& timed, TimePoint at);

  std::multimap<TimePoint, Timed*> places_;
};

}  // namespace slipway::http::detail
