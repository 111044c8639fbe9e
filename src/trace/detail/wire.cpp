#include "trace/detail/wire.hpp"

#include <unordered_map>

#include "trace/detail/json_text.hpp"
#include "trace/detail/latencies.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace::detail {

namespace {

void add_time(ObjectText& object, std::string_view name, const std::optional<Nanoseconds>& time) {
  if (time)
    object.text(name, std::string_view(time_text(*time)));
  else
    object.raw(name, "null");
}

void add_payload(ObjectText& object, std::string_view name, const std::optional<Payload>& payload) {
  if (!payload)
    object.raw(name, "null");
  else if (payload->is_text)
    object.text(name, std::string_view(payload->bytes));
  else
    object.raw(name, payload->bytes);
}

void add_events(ObjectText& object, const std::vector<Event>& events) {
  std::string& out = object.name("events");
  append_list(out, events, [&](const Event& event) {
    ObjectText one(out);
    one.text("name", std::string_view(event.name));
    one.text("time", std::string_view(time_text(event.time)));
    one.value("attributes", event.attributes);
    one.end();
  });
}

void add_texts(ObjectText& object, std::string_view name, const std::vector<std::string>& texts) {
  std::string& out = object.name(name);
  append_list(out, texts, [&](const std::string& text) { out += json::quoted(text); });
}

/// Everything but what stands around the tree.
void add_run(ObjectText& object, const Run& run, Payloads payloads) {
  object.text("id", std::string_view(run.id));
  object.text("trace_id", std::string_view(run.trace_id));
  object.text("parent_id", run.parent_id);
  object.text("project", std::string_view(run.project));
  object.text("name", std::string_view(run.name));
  object.text("kind", json::name(run.kind));
  object.text("status", json::name(run.status));
  object.text("error", run.error);
  add_time(object, "start_time", run.start);
  add_time(object, "end_time", run.end);
  object.number("latency_ms", run.latency_ms());
  object.number("first_token_ms", run.first_token_ms());
  if (payloads == Payloads::shown) {
    add_payload(object, "inputs", run.inputs);
    add_payload(object, "outputs", run.outputs);
    add_events(object, run.events);
  }
  add_texts(object, "tags", run.tags);
  object.value("metadata", run.metadata);
  if (payloads == Payloads::shown) object.value("attributes", run.attributes);
  object.text("session_id", run.session_id);
  object.text("user_id", run.user_id);
  object.text("provider", run.provider);
  object.text("model", run.model);
  object.raw("usage", run.usage ? json::dump(json::to(*run.usage)) : "null");
  object.raw("cost", run.cost ? cost_text(*run.cost) : "null");
}

void add_summary(ObjectText& object, const TraceSummary& summary) {
  object.text("id", std::string_view(summary.id));
  object.text("project", std::string_view(summary.project));
  object.text("name", summary.name);
  object.text("kind", json::name(summary.kind));
  object.text("status", json::name(summary.status));
  object.text("error", summary.error);
  add_time(object, "start_time", summary.start);
  add_time(object, "end_time", summary.end);
  constexpr double nanoseconds_per_millisecond = 1e6;
  object.number("latency_ms",
                summary.end ? std::optional(static_cast<double>(*summary.end - summary.start) /
                                            nanoseconds_per_millisecond)
                            : std::nullopt);
  object.count("run_count", summary.run_count);
  object.count("error_count", summary.error_count);
  add_texts(object, "models", summary.models);
  add_texts(object, "tags", summary.tags);
  object.text("session_id", summary.session_id);
  object.text("user_id", summary.user_id);
  object.count("input_tokens", summary.input_tokens);
  object.count("output_tokens", summary.output_tokens);
  object.count("total_tokens", summary.total_tokens);
  object.raw("cost_usd", summary.cost ? dollars_text(*summary.cost) : "null");
  object.text("inputs_preview", std::string_view(summary.inputs_preview));
  object.text("outputs_preview", std::string_view(summary.outputs_preview));
}

/// Which run stands below which, in the order of the runs.
class Forest {
 public:
  explicit Forest(const std::vector<Run>& runs) : runs_(runs), children_(runs.size()) {
    std::unordered_map<std::string_view, std::size_t> places;
    places.reserve(runs.size());
    for (std::size_t i = 0; i < runs.size(); ++i) places.emplace(runs[i].id, i);
    std::vector<bool> has_parent(runs.size(), false);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (!runs[i].parent_id) continue;
      const auto parent = places.find(*runs[i].parent_id);
      if (parent == places.end() || parent->second == i) continue;
      children_[parent->second].push_back(i);
      has_parent[i] = true;
    }
    std::vector<bool> is_reached(runs.size(), false);
    for (std::size_t i = 0; i < runs.size(); ++i)
      if (!has_parent[i]) reach(i, is_reached);
    // What is left hangs on a circle: it is opened at its first run.
    for (std::size_t i = 0; i < runs.size(); ++i)
      if (!is_reached[i]) open_circle(i, is_reached, places);
    std::sort(roots_.begin(), roots_.end());
  }

  /// `begin(run)` and `end()` around what is below; `next()` between neighbours.
  template <typename Begin, typename Next, typename End>
  void walk(Begin begin, Next next, End end) const {
    struct Level {
      const std::vector<std::size_t>* runs;
      std::size_t at;
    };
    std::vector<Level> levels = {{&roots_, 0}};
    while (!levels.empty()) {
      Level& level = levels.back();
      if (level.at == level.runs->size()) {
        levels.pop_back();
        if (!levels.empty()) end();
        continue;
      }
      if (level.at > 0) next();
      const std::size_t run = (*level.runs)[level.at++];
      begin(runs_[run]);
      levels.push_back({&children_[run], 0});
    }
  }

 private:
  void reach(std::size_t root, std::vector<bool>& is_reached) {
    roots_.push_back(root);
    std::vector<std::size_t> open = {root};
    while (!open.empty()) {
      const std::size_t run = open.back();
      open.pop_back();
      is_reached[run] = true;
      open.insert(open.end(), children_[run].begin(), children_[run].end());
    }
  }

  void open_circle(std::size_t start, std::vector<bool>& is_reached,
                   const std::unordered_map<std::string_view, std::size_t>& places) {
    std::size_t run = start, first = runs_.size();
    std::vector<bool> is_seen(runs_.size(), false);
    const auto parent_of = [&](std::size_t one) { return places.at(*runs_[one].parent_id); };
    for (; !is_seen[run]; run = parent_of(run)) is_seen[run] = true;
    for (const std::size_t entry = run; first == runs_.size() || run != entry; run = parent_of(run))
      first = std::min(first, run);
    auto& siblings = children_[parent_of(first)];
    siblings.erase(std::find(siblings.begin(), siblings.end(), first));
    reach(first, is_reached);
  }

  const std::vector<Run>& runs_;
  std::vector<std::vector<std::size_t>> children_;
  std::vector<std::size_t> roots_;
};

/// {"items":[...],"next_cursor":null}
template <typename Items, typename Write>
std::string page_text(const Items& items, const std::optional<std::string>& next_cursor,
                      Write write) {
  std::string out;
  ObjectText page(out);
  page.name("items");
  append_list(out, items, [&](const auto& item) { write(out, item); });
  page.text("next_cursor", next_cursor);
  page.end();
  return out;
}

/// `relative_error`: what percentiles may be off; 0: nothing.
void add_stats(ObjectText& object, const StatsRow& row, double relative_error) {
  object.count("traces", row.traces);
  object.count("runs", row.runs);
  object.count("errors", row.errors);
  object.number(
      "error_rate",
      row.traces == 0 ? 0.0 : static_cast<double>(row.errors) / static_cast<double>(row.traces));
  ObjectText latency(object.name("latency_ms"));
  latency.number("p50", row.p50_ms);
  latency.number("p95", row.p95_ms);
  latency.number("p99", row.p99_ms);
  if (relative_error > 0) latency.number("relative_error", relative_error);
  latency.end();
  object.count("input_tokens", row.input_tokens);
  object.count("output_tokens", row.output_tokens);
  object.money("cost_usd", row.cost);
}

}  // namespace

void append_run(std::string& out, const Run& run, Payloads payloads) {
  ObjectText object(out);
  add_run(object, run, payloads);
  object.end();
}

std::string run_text(const Run& run, const std::vector<std::string>& child_ids) {
  std::string out;
  ObjectText object(out);
  add_run(object, run, Payloads::shown);
  add_texts(object, "child_ids", child_ids);
  object.end();
  return out;
}

void append_summary(std::string& out, const TraceSummary& summary) {
  ObjectText object(out);
  add_summary(object, summary);
  object.end();
}

std::string trace_text(const Trace& trace, Payloads payloads) {
  std::string out;
  ObjectText object(out);
  add_summary(object, trace.summary);
  object.name("roots") += '[';
  Forest(trace.runs)
      .walk(
          [&](const Run& run) {
            ObjectText one(out);
            add_run(one, run, payloads);
            one.name("children") += '[';
          },
          [&] { out += ','; }, [&] { out += "]}"; });
  out += ']';
  object.end();
  return out;
}

std::string cost_text(const Cost& cost) {
  std::string out;
  ObjectText object(out);
  object.money("total_usd", cost.total);
  object.name("lines");
  append_list(out, cost.lines, [&](const CostLine& line) {
    ObjectText one(out);
    one.text("bucket", std::string_view(line.bucket));
    one.count("tokens", line.tokens);
    one.raw("usd_per_token", line.usd_per_token.text());
    one.money("usd", line.usd);
    one.end();
  });
  object.text("price_id", cost.price_id.empty() ? std::nullopt : std::optional(cost.price_id));
  object.text("tier", std::string_view(cost.tier));
  object.text("source", std::string_view(cost.is_from_client ? "client" : "priced"));
  if (cost.priced) object.money("priced_usd", *cost.priced);
  object.end();
  return out;
}

std::string price_text(const PriceRow& row) {
  std::string out;
  ObjectText object(out);
  object.text("price_id", std::string_view(row.price_id));
  object.text("model", std::string_view(row.model));
  object.text("provider", std::string_view(row.provider));
  object.text("valid_from", std::string_view(time_text(row.valid_from)));
  object.text("source", std::string_view(row.source));
  for (const auto& [key, price] : row.keys) object.foreign_name(key) += price.text();
  object.end();
  return out;
}

std::string runs_text(const Page<Run>& page) {
  return page_text(page.items, page.next_cursor,
                   [](std::string& out, const Run& run) { append_run(out, run, Payloads::shown); });
}

std::string traces_text(const Page<TraceSummary>& page) {
  return page_text(page.items, page.next_cursor, append_summary);
}

std::string projects_text(const Page<Project>& page) {
  return page_text(page.items, page.next_cursor, [](std::string& out, const Project& project) {
    ObjectText object(out);
    object.text("name", std::string_view(project.name));
    object.count("traces", project.traces);
    object.count("runs", project.runs);
    object.text("last_run_time", std::string_view(time_text(project.last_run_time)));
    object.end();
  });
}

std::string prices_text(const std::vector<const PriceRow*>& rows) {
  return page_text(rows, std::nullopt,
                   [](std::string& out, const PriceRow* row) { out += price_text(*row); });
}

std::string stats_text(const Stats& stats, bool has_groups, const Upkeep* upkeep) {
  std::string out;
  ObjectText object(out);
  // Of fewer all latencies were looked at.
  const bool is_exact = stats.all.traces <= static_cast<std::int64_t>(LatencyRoom::exact_max);
  const double relative_error = is_exact ? 0 : Latencies::relative_error;
  add_stats(object, stats.all, relative_error);
  if (has_groups) {
    object.name("groups");
    append_list(out, stats.groups, [&](const StatsRow& row) {
      ObjectText one(out);
      one.text("key", std::string_view(row.key));
      add_stats(one, row, relative_error);
      one.end();
    });
  }
  if (upkeep != nullptr && upkeep->sampling().is_on()) {
    const SamplingConfig kept = upkeep->sampling();
    const LeftOut left_out = upkeep->left_out();
    ObjectText sampling(object.name("sampling"));
    sampling.number("rate", kept.rate);
    sampling.raw("keep_errors", kept.keep_errors ? "true" : "false");
    sampling.number("keep_slower_ms", kept.keep_slower_ms);
    sampling.count("left_out_traces", left_out.traces);
    sampling.count("left_out_runs", left_out.runs);
    sampling.end();
  }
  object.end();
  return out;
}

std::string costs_text(const CostReport& report) {
  std::string out;
  ObjectText object(out);
  object.text("currency", std::string_view("USD"));
  object.money("total_usd", report.total);
  object.count("unpriced_runs", report.unpriced_runs);
  object.name("groups");
  append_list(out, report.groups, [&](const CostGroup& group) {
    ObjectText one(out);
    one.text("key", std::string_view(group.key));
    one.count("runs", group.runs);
    one.count("input_tokens", group.input_tokens);
    one.count("output_tokens", group.output_tokens);
    one.count("cache_read_tokens", group.cache_read_tokens);
    one.money("cost_usd", group.cost);
    one.end();
  });
  object.end();
  return out;
}

std::string repricing_text(const RepricingReport& report) {
  std::string out;
  ObjectText object(out);
  object.count("runs", report.runs);
  object.count("changed", report.changed);
  object.money("before_usd", report.before);
  object.money("after_usd", report.after);
  object.end();
  return out;
}

}  // namespace slipway::trace::detail
