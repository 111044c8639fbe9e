// Runs of our own while they happen:
//
//   Trail trail(recorder, origin);                 // or Trail(): nothing is recorded
//   Span root = trail.begin(Kind::chain, "ask");
//   Span found = root.child(Kind::retriever, "retrieve");
//   found.inputs({{"query", query}});
//   ...
//   found.end();
//
// All of a trail is recorded at once when trail and spans are gone. A span that was not ended by
// then has failed, with the trail's error.
#pragma once

#include <memory>
#include <string>

#include "core/result.hpp"
#include "trace/origin.hpp"
#include "trace/recorder.hpp"

namespace slipway::trace {

/// One run. Movable; not for two threads at once, nor two spans of one trail.
class Span {
 public:
  Span() = default;  ///< Of nothing: all calls do nothing.

  /// Whether anything of it will be kept: what is dear to make need not be made otherwise.
  bool is_on() const { return state_ != nullptr; }
  bool keeps_payloads() const;
  Span child(Kind kind, std::string name) const;
  void inputs(const json::Value& value);
  void outputs(const json::Value& value);
  void model(std::string name, std::string provider = {});
  /// The same span by another name.
  Span named(std::string name) &&;
  /// Under which its price is looked for, if not under the one above.
  void request_model(std::string name);
  void usage(const SentUsage& usage);
  /// The first piece of an answer came now.
  void first_token();
  void metadata(std::string_view key, json::Value value);
  /// Its end is now.
  void end();
  void fail(const Error& error);
  /// What is recorded of work that the caller gave to others.
  Origin origin_below() const;

 private:
  friend class Trail;
  struct State;
  Span(std::shared_ptr<State> state, std::size_t index) : state_(std::move(state)), index_(index) {}
  RunPatch& run() const;
  std::shared_ptr<State> state_;
  std::size_t index_ = 0;
};

class Trail {
 public:
  Trail() = default;
  /// Null `recorder`: nothing is recorded. An origin without trace id gets one.
  Trail(Recorder* recorder, Origin origin, const Clock& clock = system_clock());
  Span begin(Kind kind, std::string name) const;
  /// Why spans that are not ended have failed.
  void fail(const Error& error) const;

 private:
  std::shared_ptr<Span::State> state_;
};

}  // namespace slipway::trace
