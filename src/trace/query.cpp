#include "trace/query.hpp"

#include <cmath>

#include "core/unicode.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace {

namespace {

constexpr int levels_max = 16;
constexpr int conditions_max = 256;
constexpr std::size_t operands_max = 1000;
constexpr std::size_t words_max = 64;

struct NamedSort {
  std::string_view name;
  Sort sort;
};
constexpr NamedSort sorts[] = {{"-start_time", Sort::start_time_descending},
                               {"start_time", Sort::start_time},
                               {"latency_ms", Sort::latency_ms},
                               {"-latency_ms", Sort::latency_ms_descending},
                               {"cost_usd", Sort::cost_usd},
                               {"-cost_usd", Sort::cost_usd_descending},
                               {"total_tokens", Sort::total_tokens},
                               {"-total_tokens", Sort::total_tokens_descending}};

/// Of what takes the rest of the field's name as a key.
constexpr std::string_view open_prefixes[] = {"metadata.", "attributes.", "feedback."};

struct Alias {
  std::string_view written, field;
};
constexpr Alias aliases[] = {{"tags", "tag"},
                             {"models", "model"},
                             {"cost.total_usd", "cost_usd"},
                             {"usage.input_tokens", "input_tokens"},
                             {"usage.output_tokens", "output_tokens"},
                             {"usage.total_tokens", "total_tokens"}};

struct Operator {
  std::string_view name;
  Comparison comparison;
};
constexpr Operator operators[] = {
    {"$eq", Comparison::eq},         {"$ne", Comparison::ne},
    {"$gt", Comparison::gt},         {"$gte", Comparison::gte},
    {"$lt", Comparison::lt},         {"$lte", Comparison::lte},
    {"$in", Comparison::in},         {"$nin", Comparison::nin},
    {"$exists", Comparison::exists}, {"$contains", Comparison::contains}};

bool is_ordering(Comparison comparison) {
  return comparison == Comparison::gt || comparison == Comparison::gte ||
         comparison == Comparison::lt || comparison == Comparison::lte;
}

template <typename Items, typename Name>
std::string list_of(const Items& items, Name name) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + std::string(name(item));
  return text;
}

Error expected(const std::string& path, std::string_view what, const json::Value& got) {
  constexpr std::size_t shown_max = 60;
  return fail(Code::invalid_argument, "{}: expected {}, got {}", path, what,
              json::dump(got).substr(0, shown_max));
}

/// Reads one filter. Paths are those of the JSON, from "filter" on.
class FilterReader {
 public:
  Result<Filter> read(const json::Value& value, const std::string& path, int level) {
    if (level > levels_max)
      return fail(Code::invalid_argument, "{}: more than {} levels", path, levels_max);
    if (!value.is_object()) return expected(path, "an object", value);
    if (value.get_object().empty())
      return fail(Code::invalid_argument, "{}: says nothing; name a field or an operator", path);
    std::vector<Filter> filters;
    for (const auto& [key, operand] : value.get_object())
      TRY(member(filters, key, operand, level, path + "." + std::string(key)));
    return all_of(std::move(filters));
  }

 private:
  static Filter all_of(std::vector<Filter> filters) {
    if (filters.size() == 1) return std::move(filters.front());
    return {Combination{Combination::Kind::all, std::move(filters)}};
  }

  Result<void> member(std::vector<Filter>& filters, std::string_view key,
                      const json::Value& operand, int level, const std::string& path) {
    if (key == "$and" || key == "$or") {
      if (!operand.is_array() || operand.get_array().empty())
        return expected(path, "an array of filters", operand);
      Combination combination{key == "$and" ? Combination::Kind::all : Combination::Kind::any, {}};
      for (const json::Value& one : operand.get_array()) {
        const std::string place = fmt::format("{}[{}]", path, combination.filters.size());
        combination.filters.push_back(TRY(read(one, place, level + 1)));
      }
      filters.push_back({std::move(combination)});
      return {};
    }
    if (key == "$not") {
      Combination combination{Combination::Kind::none, {}};
      combination.filters.push_back(TRY(read(operand, path, level + 1)));
      filters.push_back({std::move(combination)});
      return {};
    }
    if (key.starts_with('$'))
      return fail(Code::invalid_argument,
                  "{}: is no operator of filters; those are $and, $or, $not, and behind a field {}",
                  path, list_of(operators, [](const Operator& one) { return one.name; }));
    return field(filters, key, operand, path);
  }

  Result<void> field(std::vector<Filter>& filters, std::string_view key, const json::Value& operand,
                     const std::string& path) {
    const FilterField field = TRY(field_of(key, path));
    if (!operand.is_object()) {
      filters.push_back(TRY(condition(field, Comparison::eq, operand, path)));
      return {};
    }
    if (operand.get_object().empty())
      return fail(Code::invalid_argument, "{}: says nothing; {} is wanted", path,
                  list_of(operators, [](const Operator& one) { return one.name; }));
    for (const auto& [name, value] : operand.get_object()) {
      const std::string place = path + "." + std::string(name);
      const Operator* found = nullptr;
      for (const Operator& one : operators)
        if (one.name == std::string_view(name)) found = &one;
      if (found == nullptr)
        return fail(Code::invalid_argument, "{}: is no operator; those are {}", place,
                    list_of(operators, [](const Operator& one) { return one.name; }));
      filters.push_back(TRY(condition(field, found->comparison, value, place)));
    }
    return {};
  }

  static Result<FilterField> field_of(std::string_view key, const std::string& path) {
    for (const std::string_view prefix : open_prefixes)
      if (key.starts_with(prefix) && key.size() > prefix.size())
        return FilterField{key, FieldKind::text};
    std::string_view name = key;
    for (const Alias& alias : aliases)
      if (alias.written == key) name = alias.field;
    std::vector<std::string_view> known;
    for (const FilterField& field : filter_fields()) {
      if (field.name == name) return field;
      known.push_back(field.name);
    }
    const std::string_view nearest = json::nearest(key, known);
    if (!nearest.empty())
      return fail(Code::invalid_argument, "{}: is no field; did you mean '{}'?", path, nearest);
    return fail(Code::invalid_argument,
                "{}: is no field; those are {}, metadata.KEY, attributes.KEY and feedback.KEY",
                path, list_of(known, [](std::string_view one) { return one; }));
  }

  Result<Filter> condition(const FilterField& field, Comparison comparison,
                           const json::Value& operand, const std::string& path) {
    if (++count_ > conditions_max)
      return fail(Code::invalid_argument, "{}: more than {} conditions", path, conditions_max);
    Condition condition{std::string(field.name), comparison, {}, {}};
    if (comparison == Comparison::exists) {
      if (!operand.is_bool()) return expected(path, "true or false", operand);
      condition.operands.push_back(operand);
    } else if (operand.is_null() &&
               (comparison == Comparison::eq || comparison == Comparison::ne)) {
      condition.comparison = Comparison::exists;
      condition.operands.emplace_back(comparison == Comparison::ne);
    } else if (comparison == Comparison::in || comparison == Comparison::nin) {
      if (!operand.is_array()) return expected(path, "an array", operand);
      if (operand.get_array().size() > operands_max)
        return fail(Code::invalid_argument, "{}: more than {} values", path, operands_max);
      for (const json::Value& one : operand.get_array()) {
        const std::string place = fmt::format("{}[{}]", path, condition.operands.size());
        condition.operands.push_back(TRY(operand_of(field, comparison, one, place)));
      }
      // One of none is nothing, none of none is all.
      if (condition.operands.empty())
        return Filter{Combination{
            comparison == Comparison::in ? Combination::Kind::any : Combination::Kind::all, {}}};
    } else {
      condition.operands.push_back(TRY(operand_of(field, comparison, operand, path)));
    }
    return Filter{std::move(condition)};
  }

  static bool is_open(const FilterField& field) {
    return field.name.find('.') != std::string_view::npos;
  }

  /// One value, as it is compared with the field.
  static Result<json::Value> operand_of(const FilterField& field, Comparison comparison,
                                        const json::Value& value, const std::string& path) {
    if (comparison == Comparison::contains && !is_open(field)) {
      if (field.kind != FieldKind::text)
        return fail(Code::invalid_argument, "{}: only texts contain something; compare {} by $eq",
                    path, field.name);
      return value.is_string() ? Result<json::Value>(value) : expected(path, "a string", value);
    }
    if (is_open(field)) return open_operand(comparison, value, path);
    switch (field.kind) {
      case FieldKind::number:
        if (!value.is_number()) return expected(path, "a number", value);
        return value;
      case FieldKind::time: {
        if (!value.is_string()) return expected(path, "a time (RFC 3339)", value);
        const auto time = detail::parse_nanoseconds(std::string_view(value.get_string()));
        if (!time) return fail(Code::invalid_argument, "{}: {}", path, time.error().message());
        return json::Value(detail::time_text(*time));
      }
      case FieldKind::kind: return name_of<Kind>(comparison, value, path);
      case FieldKind::status: return name_of<Status>(comparison, value, path);
      case FieldKind::text: break;
    }
    if (!value.is_string()) return expected(path, "a string", value);
    return value;
  }

  static Result<json::Value> open_operand(Comparison comparison, const json::Value& value,
                                          const std::string& path) {
    if (is_ordering(comparison)) {
      if (!value.is_number() && !value.is_string())
        return expected(path, "a number or a string", value);
    } else if (!value.is_number() && !value.is_string() && !value.is_bool()) {
      return expected(path, "a string, a number, true or false", value);
    }
    return value;
  }

  template <typename Enum>
  static Result<json::Value> name_of(Comparison comparison, const json::Value& value,
                                     const std::string& path) {
    if (is_ordering(comparison))
      return fail(Code::invalid_argument, "{}: its values have no order; use $eq, $ne, $in, $nin",
                  path);
    if (!json::from<Enum>(value))
      return expected(path,
                      "one of " + list_of(json::names<Enum>(),
                                          [](const auto& one) { return std::string_view(one); }),
                      value);
    return value;
  }

  int count_ = 0;
};

bool is_word(char32_t c) {
  return unicode::is_letter(c) || unicode::is_number(c) || unicode::is_mark(c);
}

}  // namespace

Result<Sort> parse_sort(const std::string& name) {
  for (const NamedSort& one : sorts)
    if (one.name == name) return one.sort;
  return fail(Code::invalid_argument, "sort: '{}' is none of: {}", name.substr(0, 60),
              list_of(sorts, [](const NamedSort& one) { return one.name; }));
}

const std::vector<FilterField>& filter_fields() {
  static const std::vector<FilterField> fields = {{"id"},
                                                  {"trace_id"},
                                                  {"parent_id"},
                                                  {"reference_example_id"},
                                                  {"project"},
                                                  {"name"},
                                                  {"kind", FieldKind::kind},
                                                  {"status", FieldKind::status},
                                                  {"error"},
                                                  {"start_time", FieldKind::time},
                                                  {"end_time", FieldKind::time},
                                                  {"latency_ms", FieldKind::number},
                                                  {"first_token_ms", FieldKind::number},
                                                  {"tag"},
                                                  {"session_id"},
                                                  {"user_id"},
                                                  {"provider"},
                                                  {"model"},
                                                  {"key"},
                                                  {"prompt"},
                                                  {"input_tokens", FieldKind::number},
                                                  {"output_tokens", FieldKind::number},
                                                  {"total_tokens", FieldKind::number},
                                                  {"cost_usd", FieldKind::number},
                                                  {"run_count", FieldKind::number},
                                                  {"error_count", FieldKind::number}};
  return fields;
}

Result<Filter> parse_filter(const json::Value& value) {
  return FilterReader().read(value, "filter", 1);
}

TextQuery parse_text_query(std::string_view text) {
  TextQuery query;
  std::vector<std::string> phrase;
  std::string word;
  std::size_t words = 0;
  bool is_quoted = false;
  const auto end_word = [&] {
    if (!word.empty() && ++words <= words_max) phrase.push_back(unicode::to_lower(word));
    word.clear();
  };
  const auto end_phrase = [&] {
    end_word();
    if (!phrase.empty()) query.phrases.push_back(std::move(phrase));
    phrase.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded one = unicode::decode(text, at);
    if (one.valid && is_word(one.code_point)) {
      word.append(text.substr(at, one.bytes));
    } else if (text[at] == '"') {
      end_phrase();
      is_quoted = !is_quoted;
    } else if (!is_quoted && unicode::is_space(one.code_point)) {
      end_phrase();
    } else {
      end_word();
    }
    at += one.bytes;
  }
  end_phrase();
  return query;
}

}  // namespace slipway::trace
