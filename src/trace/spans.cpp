#include "trace/spans.hpp"

#include <deque>

namespace slipway::trace {

namespace {

/// More in one request is a mistake; the rest is left out.
constexpr std::size_t spans_max = 10'000;
constexpr std::size_t payload_bytes_max = 256u << 10;

std::optional<Payload> payload_of(const json::Value& value) {
  std::string text = json::dump(value);
  if (text.size() <= payload_bytes_max) return Payload{std::move(text), false};
  const std::size_t whole = text.size();
  return cut_text(std::move(text), payload_bytes_max, whole);
}

}  // namespace

struct Span::State {
  struct One {
    RunPatch run;
    Place place;
    Origin origin;
  };
  State(Recorder& recorder_of_all, Origin origin_of_all, const Clock& clock_of_all)
      : recorder(recorder_of_all), origin(std::move(origin_of_all)), clock(clock_of_all) {}
  ~State();
  Nanoseconds now() const { return nanoseconds(clock.now()); }

  Recorder& recorder;
  const Origin origin;
  const Clock& clock;
  std::deque<One> spans;  ///< References stay good.
  std::string error;
};

Span::State::~State() {
  bool has_failed = false;
  std::vector<RunPatch> runs;
  for (One& one : spans) {
    RunPatch& run = one.run;
    if (!run.end) {
      run.end = now();
      run.status = Status::error;
      run.error = error.empty() ? "was broken off" : error;
    }
    has_failed = has_failed || run.status == Status::error;
    runs.push_back(std::move(run));
  }
  if (has_failed || recorder.takes(origin.trace_id)) recorder.record(std::move(runs));
}

Trail::Trail(Recorder* recorder, Origin origin, const Clock& clock) {
  if (recorder == nullptr) return;
  if (origin.trace_id.empty()) origin.trace_id = make_trace_id();
  state_ = std::make_shared<Span::State>(*recorder, std::move(origin), clock);
}

void Trail::fail(const Error& error) const {
  if (state_ != nullptr) state_->error = error.message();
}

namespace {

template <typename State>
std::size_t add_span(State& state, const Origin& origin, Kind kind, std::string name) {
  const Nanoseconds start = state.now();
  auto& one = state.spans.emplace_back();
  one.origin = origin;
  one.place = new_place(origin, start);
  one.run = patch_at(origin, one.place, start);
  one.run.kind = kind;
  one.run.name = std::move(name);
  return state.spans.size() - 1;
}

}  // namespace

Span Trail::begin(Kind kind, std::string name) const {
  if (state_ == nullptr || state_->spans.size() >= spans_max) return {};
  return {state_, add_span(*state_, state_->origin, kind, std::move(name))};
}

Span Span::child(Kind kind, std::string name) const {
  if (state_ == nullptr || state_->spans.size() >= spans_max) return {};
  return {state_, add_span(*state_, origin_below(), kind, std::move(name))};
}

Origin Span::origin_below() const {
  if (state_ == nullptr) return {};
  const State::One& one = state_->spans[index_];
  return below(one.origin, one.place);
}

RunPatch& Span::run() const { return state_->spans[index_].run; }

bool Span::keeps_payloads() const { return is_on() && state_->recorder.keeps_payloads(); }

void Span::inputs(const json::Value& value) {
  if (keeps_payloads()) run().inputs = payload_of(value);
}

void Span::outputs(const json::Value& value) {
  if (keeps_payloads()) run().outputs = payload_of(value);
}

void Span::model(std::string name, std::string provider) {
  if (!is_on()) return;
  run().model = std::move(name);
  if (!provider.empty()) run().provider = std::move(provider);
}

Span Span::named(std::string name) && {
  if (is_on()) run().name = std::move(name);
  return std::move(*this);
}

void Span::request_model(std::string name) {
  if (is_on()) run().request_model = std::move(name);
}

void Span::first_token() {
  if (is_on() && !run().first_token) run().first_token = state_->now();
}

void Span::usage(const SentUsage& usage) {
  if (is_on()) run().usage = usage;
}

void Span::metadata(std::string_view key, json::Value value) {
  if (is_on()) run().metadata[key] = std::move(value);
}

void Span::end() {
  if (!is_on() || run().end) return;
  run().end = state_->now();
  run().status = Status::ok;
}

void Span::fail(const Error& error) {
  if (!is_on() || run().end) return;
  run().end = state_->now();
  run().status = Status::error;
  run().error = error.message();
}

}  // namespace slipway::trace
