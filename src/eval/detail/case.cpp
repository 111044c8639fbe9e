#include "eval/detail/case.hpp"

#include <cmath>

namespace slipway::eval {

const std::vector<std::string>& Case::passages() const {
  static const std::vector<std::string> none;
  if (golden_.retrieval_context) return *golden_.retrieval_context;
  return golden_.context ? *golden_.context : none;
}

double Case::number(std::string_view option, double fallback) const {
  const json::Value* value = settings_.spec.options.if_contains(option);
  return value ? value->to_number<double>() : fallback;
}

std::size_t Case::whole(std::string_view option, std::size_t fallback) const {
  const json::Value* value = settings_.spec.options.if_contains(option);
  return value ? static_cast<std::size_t>(value->to_number<double>()) : fallback;
}

bool Case::flag(std::string_view option) const {
  const json::Value* value = settings_.spec.options.if_contains(option);
  return value && value->get_bool();
}

std::string Case::text(std::string_view option, std::string_view fallback) const {
  const json::Value* value = settings_.spec.options.if_contains(option);
  return std::string(value ? std::string_view(value->get_string()) : fallback);
}

std::vector<std::string> Case::texts(std::string_view option) const {
  std::vector<std::string> texts;
  if (const json::Value* value = settings_.spec.options.if_contains(option))
    for (const json::Value& item : value->get_array()) texts.emplace_back(item.get_string());
  return texts;
}

std::pair<double, double> Case::pair(std::string_view option,
                                     std::pair<double, double> fallback) const {
  const json::Value* value = settings_.spec.options.if_contains(option);
  if (!value) return fallback;
  return {value->get_array()[0].to_number<double>(), value->get_array()[1].to_number<double>()};
}

json::Array Case::list(const std::vector<std::string>& texts) const {
  json::Array array;
  if (!reads_values()) return array;
  array.reserve(texts.size());
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

json::Object Case::shown_golden() const {
  return reads_values() ? to_json(golden_) : json::Object();
}

Question Case::question(std::string_view step, json::Object values) const {
  const MetricSpec& spec = settings_.spec;
  return {.metric = spec.label(),
          .prompt = reads_values()
                        ? fmt::format("{}.{}.{}", spec.name, json::name(settings_.mode), step)
                        : "",
          .step = std::string(step),
          .index = 0,
          .values = std::move(values),
          .schema = {},
          .wants_logprobs = false};
}

Result<void> Case::ask(Question question, const Reader& reader) {
  std::size_t& next = asked_[question.step];
  question.index = next++;
  std::optional<Error> unreadable;
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto reply = settings_.scorers.judge->ask(context_, golden_, question, attempt);
    if (!reply) {
      // Without a second reply the first one is what went wrong.
      if (unreadable && reply.error().code() == Code::not_found) break;
      return std::move(reply.error());
    }
    if (attempt > 0) ++next;
    if (!reply->span_id.empty()) calls_.push_back(reply->span_id);
    const ParsedReply parsed(reply->text);
    auto object = parsed.object();
    auto read = object ? reader(**object, *reply) : Result<void>(std::move(object.error()));
    if (read) return {};
    unreadable = std::move(read.error());
  }
  return std::move(*unreadable)
      .within(fmt::format("case '{}', {}, step '{}'", golden_.id, question.metric, question.step));
}

Result<void> Case::ask(std::string_view step, json::Object values, const Reader& reader) {
  return ask(question(step, std::move(values)), reader);
}

Result<void> Case::ask_with_logprobs(std::string_view step, json::Object values,
                                     const Reader& reader) {
  Question asked = question(step, std::move(values));
  asked.wants_logprobs = true;
  return ask(std::move(asked), reader);
}

Result<void> Case::ask_unused(std::string_view step, json::Object values, const Reader& reader) {
  auto asked = ask(question(step, std::move(values)), reader);
  if (!asked && asked.error().code() == Code::not_found) return {};
  return asked;
}

Result<bool> Case::entails(std::size_t sentence, const std::vector<int>& citations,
                           json::Object values) {
  Question asked = question("entailment", std::move(values));
  asked.index = asked_[asked.step]++;
  return settings_.scorers.judge->entails(context_, golden_, asked, sentence, citations);
}

Result<std::vector<double>> Case::embed(std::string_view text) {
  return settings_.scorers.judge->embed(context_, golden_, settings_.spec.label(), text);
}

Score no_score(std::string reason) {
  Score score;
  score.reason = std::move(reason);
  return score;
}

Score scored(double value, std::string reason) {
  if (!std::isfinite(value)) return no_score("the formula gives no number");
  Score score;
  score.value = value + 0.0;  // Never -0.
  score.reason = std::move(reason);
  return score;
}

Score share(double passed, double all, std::string_view empty_reason) {
  if (all == 0) return no_score(std::string(empty_reason));
  // Mostly counts, and those are written in a tenth of the time.
  const auto as_text = [](double value) {
    const auto whole = static_cast<long long>(value);
    return static_cast<double>(whole) == value ? fmt::format_int(whole).str()
                                               : fmt::format("{}", value);
  };
  return scored(passed / all, as_text(passed) + " of " + as_text(all));
}

void locate(ScoredItem& item, std::string_view output) {
  if (item.text.empty()) return;
  const std::size_t at = output.find(item.text);
  if (at == std::string_view::npos) return;
  item.byte_start = at;
  item.byte_end = at + item.text.size();
}

std::vector<ScoredItem> items_of(const std::vector<JudgeVerdict>& verdicts,
                                 const std::vector<std::string>& statements,
                                 std::string_view output) {
  std::vector<ScoredItem> items;
  items.reserve(verdicts.size());
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const JudgeVerdict& verdict = verdicts[i];
    const std::size_t place = verdict.place.value_or(i);
    ScoredItem item{.text = verdict.statement,
                    .verdict = verdict.word,
                    .reason = verdict.reason,
                    .byte_start = {},
                    .byte_end = {},
                    .score = {}};
    if (item.text.empty() && place < statements.size()) item.text = statements[place];
    if (item.verdict.empty() && verdict.flag) item.verdict = *verdict.flag ? "yes" : "no";
    locate(item, output);
    items.push_back(std::move(item));
  }
  return items;
}

std::optional<double> cosine(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::nullopt;
  double dot = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  const double norm = std::sqrt(aa) * std::sqrt(bb);
  if (!(norm > 0)) return std::nullopt;
  return dot / norm;
}

double f_beta_of(double precision, double recall, double beta) {
  if (precision == 0 && recall == 0) return 0;
  return (1 + beta * beta) * precision * recall / (beta * beta * precision + recall);
}

double f_beta(double true_positives, double false_positives, double false_negatives, double beta) {
  const double given = true_positives + false_positives;
  const double wanted = true_positives + false_negatives;
  return f_beta_of(given == 0 ? 0 : true_positives / given,
                   wanted == 0 ? 0 : true_positives / wanted, beta);
}

}  // namespace slipway::eval
