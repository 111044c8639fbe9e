#include "trace/detail/matching.hpp"

#include <algorithm>
#include <cmath>

#include "core/log.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace::detail {

namespace {

constexpr double nanoseconds_per_millisecond = 1e6;

std::int64_t nanoseconds(double milliseconds) {
  constexpr double most = 9.2e18;
  const double value = std::clamp(milliseconds * nanoseconds_per_millisecond, -most, most);
  return static_cast<std::int64_t>(value);
}

std::vector<std::uint32_t> common(const std::vector<std::uint32_t>& a,
                                  const std::vector<std::uint32_t>& b) {
  std::vector<std::uint32_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

/// A text that is compared as a time equals others that are written differently.
bool may_be_time(const json::Value& value) {
  return value.is_string() && value.get_string().size() > 10 && value.get_string()[10] == 'T';
}

/// Conditions that all must hold.
void collect_conditions(const Filter& filter, std::vector<const Condition*>& out) {
  if (const auto* condition = std::get_if<Condition>(&filter.node)) {
    out.push_back(condition);
    return;
  }
  const auto& combination = std::get<Combination>(filter.node);
  if (combination.kind != Combination::Kind::all) return;
  for (const Filter& one : combination.filters) collect_conditions(one, out);
}

/// The terms of which a run that fulfils the condition has one; absent: the index does not know.
std::optional<Terms> terms_of(const Condition& condition) {
  const bool is_open =
      condition.field.starts_with("metadata.") || condition.field.starts_with("attributes.");
  if (!is_open ||
      (condition.comparison != Comparison::eq && condition.comparison != Comparison::in))
    return {};
  Terms terms;
  for (const json::Value& operand : condition.operands) {
    const auto term = attribute_term(condition.field, operand);
    if (!term || may_be_time(operand)) return {};
    terms.push_back(*term);
  }
  return terms;
}

json::Value milliseconds(const Part& part, std::size_t trace) {
  if ((part.number(TraceNumber::flags, trace) & has_end) == 0) return nullptr;
  return json::Value(static_cast<double>(part.number(TraceNumber::latency, trace)) /
                     nanoseconds_per_millisecond);
}

/// What filters ask of a trace: its own words, else its root's.
class TraceLookup {
 public:
  TraceLookup(const Part& part, std::size_t trace) : part_(part), trace_(trace) {
    if (const auto root = root_run(part, trace)) root_.emplace(part, *root);
  }
  json::Value operator()(std::string_view field) {
    const auto number = [&](TraceNumber which) { return part_.number(which, trace_); };
    if (field == "id" || field == "trace_id") return json::Value(part_.trace_id(trace_));
    if (field == "project") return json::Value(part_.project(trace_));
    if (field == "status")
      return json::Value(json::name(static_cast<Status>(number(TraceNumber::status))));
    if (field == "start_time") return json::Value(time_text(number(TraceNumber::start)));
    if (field == "end_time") {
      if ((number(TraceNumber::flags) & has_end) == 0) return nullptr;
      return json::Value(time_text(number(TraceNumber::start) + number(TraceNumber::latency)));
    }
    if (field == "latency_ms") return milliseconds(part_, trace_);
    if (field == "run_count") return json::Value(number(TraceNumber::run_count));
    if (field == "error_count") return json::Value(number(TraceNumber::errors));
    if (field == "input_tokens") return json::Value(number(TraceNumber::input));
    if (field == "output_tokens") return json::Value(number(TraceNumber::output));
    if (field == "total_tokens") return json::Value(number(TraceNumber::total));
    if (field == "cost_usd") {
      if ((number(TraceNumber::flags) & has_cost) == 0) return nullptr;
      return json::Value(Picodollars{number(TraceNumber::cost)}.dollars());
    }
    if (field == "model" || field == "models") {
      json::Array models;
      for (const std::string& model : models_of(part_, trace_)) models.emplace_back(model);
      return models;
    }
    return root_ ? (*root_)(field) : lookup_in(Run())(field);
  }

 private:
  const Part& part_;
  const std::size_t trace_;
  std::optional<RunLookup> root_;
};

}  // namespace

std::pair<std::size_t, std::size_t> runs_of(const Part& part, std::size_t trace) {
  const auto first =
      std::min(static_cast<std::size_t>(part.number(TraceNumber::first_run, trace)), part.runs());
  const auto count = std::min(static_cast<std::size_t>(part.number(TraceNumber::run_count, trace)),
                              part.runs() - first);
  return {first, first + count};
}

std::optional<std::size_t> root_run(const Part& part, std::size_t trace) {
  const std::int64_t root = part.number(TraceNumber::root, trace);
  const auto [begin, end] = runs_of(part, trace);
  if (root < 0 || static_cast<std::size_t>(root) >= end - begin) return {};
  return begin + static_cast<std::size_t>(root);
}

std::vector<std::string> models_of(const Part& part, std::size_t trace) {
  std::vector<std::uint64_t> seen;
  std::vector<std::string> models;
  const auto [begin, end] = runs_of(part, trace);
  for (std::size_t run = begin; run < end; ++run) {
    const std::uint64_t code = part.code(RunText::model, run);
    if (code == 0 || std::find(seen.begin(), seen.end(), code) != seen.end()) continue;
    seen.push_back(code);
    models.push_back(*part.text(RunText::model, run));
  }
  return models;
}

json::Value RunLookup::operator()(std::string_view field) {
  if (field == "latency_ms") {
    if ((part_.number(RunNumber::flags, run_) & has_end) == 0) return nullptr;
    return json::Value(static_cast<double>(part_.number(RunNumber::latency, run_)) /
                       nanoseconds_per_millisecond);
  }
  if (field == "trace_id") return json::Value(part_.trace_id(part_.trace_of(run_)));
  const bool is_in_rest =
      field.starts_with("metadata.") || field.starts_with("attributes.") || field == "error";
  std::optional<Run>& run = is_in_rest ? whole_ : head_;
  if (!run) {
    const auto row = part_.row(run_, is_in_rest);
    if (row && !is_in_rest) run = head_of(*row);
    if (row && is_in_rest)
      if (auto whole = run_of(*row, false)) run = *std::move(whole);
    if (!run) {
      log::warning("traces: run '{}' is damaged on disk", part_.run_id(run_));
      run.emplace();
    }
  }
  return lookup_in(*run)(field);
}

Result<Matcher> Matcher::make(Table table, const Query& query, const PartView& view) {
  Matcher matcher(table, query, view);
  TRY(matcher.resolve_texts());
  if (!matcher.is_empty_) TRY(matcher.resolve_words());
  if (!matcher.is_empty_) TRY(matcher.resolve_attributes());
  return matcher;
}

Result<void> Matcher::resolve_texts() {
  const auto want = [this](std::vector<Wanted>& list, RunText which,
                           const std::optional<std::string>& text) {
    if (!text) return;
    const auto code = view_.part->code_of(*text);
    if (!code) is_empty_ = true;
    list.push_back({which, code.value_or(0)});
  };
  if (query_.project) {
    project_ = view_.part->code_of(*query_.project);
    is_empty_ = is_empty_ || !project_;
  }
  want(wanted_, RunText::name, query_.name);
  want(wanted_, RunText::session, query_.session_id);
  want(wanted_, RunText::user, query_.user_id);
  want(wanted_of_any_, RunText::model, query_.model);
  want(wanted_of_any_, RunText::key, query_.key);
  want(wanted_of_any_, RunText::prompt, query_.prompt);
  if (!query_.trace_id || is_empty_) return {};
  const auto trace = view_.part->find_trace(*query_.trace_id);
  std::vector<std::uint32_t> rows;
  if (trace && table_ == Table::traces) rows.push_back(static_cast<std::uint32_t>(*trace));
  if (trace && table_ == Table::runs) {
    const auto [begin, end] = runs_of(*view_.part, *trace);
    for (std::size_t run = begin; run < end; ++run) rows.push_back(static_cast<std::uint32_t>(run));
  }
  narrow(std::move(rows));
  return {};
}

/// `rows` are runs, or traces where those are asked for.
void Matcher::narrow(std::vector<std::uint32_t> rows) {
  candidates_ = candidates_ ? common(*candidates_, rows) : std::move(rows);
  is_empty_ = is_empty_ || candidates_->empty();
}

Result<void> Matcher::resolve_words() {
  if (query_.text.phrases.empty()) return {};
  bool is_first = true;
  for (const auto& phrase : query_.text.phrases) {
    const Terms terms = phrase_terms(phrase);
    if (terms.size() > 1) phrases_.push_back(terms);
    for (const Term term : terms) {
      std::vector<std::uint32_t> runs = TRY(view_.part->with_term(term));
      runs_with_words_ = is_first ? std::move(runs) : common(runs_with_words_, runs);
      is_first = false;
      if (runs_with_words_.empty()) {
        is_empty_ = true;
        return {};
      }
    }
  }
  if (is_first) return {};
  std::vector<std::uint32_t> rows = runs_with_words_;
  if (table_ == Table::traces) {
    for (std::uint32_t& row : rows) row = static_cast<std::uint32_t>(view_.part->trace_of(row));
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  }
  narrow(std::move(rows));
  return {};
}

Result<void> Matcher::resolve_attributes() {
  if (!query_.filter) return {};
  std::vector<const Condition*> conditions;
  collect_conditions(*query_.filter, conditions);
  for (const Condition* condition : conditions) {
    const auto terms = terms_of(*condition);
    if (!terms) continue;
    std::vector<std::uint32_t> rows;
    for (const Term term : *terms) {
      const auto runs = TRY(view_.part->with_term(term));
      rows.insert(rows.end(), runs.begin(), runs.end());
    }
    if (table_ == Table::traces)
      for (std::uint32_t& row : rows) row = static_cast<std::uint32_t>(view_.part->trace_of(row));
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    narrow(std::move(rows));
    if (is_empty_) return {};
  }
  return {};
}

bool Matcher::may_match(std::size_t block) const {
  const auto bounds = [&](TraceNumber of_trace, RunNumber of_run) {
    return table_ == Table::traces ? view_.part->bounds(of_trace, block)
                                   : view_.part->bounds(of_run, block);
  };
  if (query_.from || query_.to) {
    const Bounds start = bounds(TraceNumber::start, RunNumber::start);
    if ((query_.from && start.most < *query_.from) || (query_.to && start.least >= *query_.to))
      return false;
  }
  if (query_.min_latency_ms &&
      bounds(TraceNumber::latency, RunNumber::latency).most < nanoseconds(*query_.min_latency_ms))
    return false;
  if (query_.status) {
    const auto status = static_cast<std::int64_t>(*query_.status);
    const Bounds there = bounds(TraceNumber::status, RunNumber::status);
    if (status < there.least || status > there.most) return false;
  }
  return true;
}

bool Matcher::is_in_bounds(std::int64_t start, std::int64_t latency, std::int64_t status,
                           bool is_ended) const {
  if (query_.status && status != static_cast<std::int64_t>(*query_.status)) return false;
  if ((query_.from && start < *query_.from) || (query_.to && start >= *query_.to)) return false;
  if (query_.min_latency_ms && (!is_ended || latency < nanoseconds(*query_.min_latency_ms)))
    return false;
  return !query_.max_latency_ms || (is_ended && latency <= nanoseconds(*query_.max_latency_ms));
}

bool Matcher::has_texts(const std::vector<Wanted>& wanted, std::size_t run) const {
  return std::all_of(wanted.begin(), wanted.end(), [&](const Wanted& one) {
    return view_.part->code(one.text, run) == one.code;
  });
}

bool Matcher::run_fits(std::size_t run) const {
  const Part& part = *view_.part;
  if (!is_in_bounds(part.number(RunNumber::start, run), part.number(RunNumber::latency, run),
                    part.number(RunNumber::status, run),
                    (part.number(RunNumber::flags, run) & has_end) != 0))
    return false;
  if (project_ && part.code(RunText::project, run) != *project_) return false;
  if (query_.kind && part.number(RunNumber::kind, run) != static_cast<std::int64_t>(*query_.kind))
    return false;
  if (query_.tag) {
    const auto tags = part.text(RunText::tags, run);
    if (!tags || !has_tag(*tags, *query_.tag)) return false;
  }
  return has_texts(wanted_, run) && has_texts(wanted_of_any_, run);
}

bool Matcher::trace_fits(std::size_t trace) const {
  const Part& part = *view_.part;
  if (!is_in_bounds(part.number(TraceNumber::start, trace),
                    part.number(TraceNumber::latency, trace),
                    part.number(TraceNumber::status, trace),
                    (part.number(TraceNumber::flags, trace) & has_end) != 0))
    return false;
  if (project_ && part.project_code(trace) != *project_) return false;
  if (!wanted_.empty()) {
    const auto root = root_run(part, trace);
    if (!root || !has_texts(wanted_, *root)) return false;
  }
  const auto [begin, end] = runs_of(part, trace);
  const auto any = [&, begin = begin, end = end](auto&& test) {
    for (std::size_t run = begin; run < end; ++run)
      if (test(run)) return true;
    return false;
  };
  if (query_.kind && !any([&](std::size_t run) {
        return part.number(RunNumber::kind, run) == static_cast<std::int64_t>(*query_.kind);
      }))
    return false;
  for (const Wanted& one : wanted_of_any_)
    if (!any([&](std::size_t run) { return part.code(one.text, run) == one.code; })) return false;
  return !query_.tag || any([&](std::size_t run) {
    const auto tags = part.text(RunText::tags, run);
    return tags && has_tag(*tags, *query_.tag);
  });
}

Result<bool> Matcher::run_has_phrases(std::size_t run) const {
  const Row row = TRY(view_.part->row(run, true));
  std::vector<bool> found(phrases_.size());
  const auto see = [&](std::string_view text) {
    Terms words;
    add_words(text, words);
    for (std::size_t i = 0; i < phrases_.size(); ++i)
      found[i] = found[i] || has_phrase(words, phrases_[i]);
  };
  const Run whole = TRY(run_of(row, true));
  see(whole.name);
  if (whole.error) see(*whole.error);
  for (const auto& [key, value] : whole.metadata)
    for_each_text(value.is_string() ? std::string_view(value.get_string()) : json::dump(value),
                  value.is_string(), see);
  for (const auto* payload : {&whole.inputs, &whole.outputs})
    if (*payload) for_each_text((*payload)->bytes, (*payload)->is_text, see);
  return std::all_of(found.begin(), found.end(), [](bool one) { return one; });
}

/// Phrases are looked up in the texts themselves: the index knows words only.
Result<bool> Matcher::has_words(std::size_t row) const {
  if (phrases_.empty()) return true;
  if (table_ == Table::runs) return run_has_phrases(row);
  const auto [begin, end] = runs_of(*view_.part, row);
  auto run = std::lower_bound(runs_with_words_.begin(), runs_with_words_.end(), begin);
  for (; run != runs_with_words_.end() && *run < end; ++run)
    if (TRY(run_has_phrases(*run))) return true;
  return false;
}

Result<bool> Matcher::matches(std::size_t row) const {
  const Part& part = *view_.part;
  if (table_ == Table::traces) {
    if (view_.is_dead(row) || !trace_fits(row)) return false;
    if (query_.filter) {
      TraceLookup lookup(part, row);
      if (!detail::matches(*query_.filter, std::ref(lookup))) return false;
    }
    return has_words(row);
  }
  if (view_.is_dead(part.trace_of(row)) || !run_fits(row)) return false;
  if (query_.filter) {
    RunLookup lookup(part, row);
    if (!detail::matches(*query_.filter, std::ref(lookup))) return false;
  }
  return has_words(row);
}

}  // namespace slipway::trace::detail
