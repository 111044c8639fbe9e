#include "trace/masks.hpp"

#include <charconv>

#include "core/json_members.hpp"

namespace slipway::trace {

namespace {

constexpr std::string_view masked_text = "[masked]";
constexpr std::size_t rules_max = 256;
/// As deep as JSON is read at all.
constexpr std::size_t depth_max = 80;

/// One place on the way from the root to a value.
struct Place {
  std::string name;
  std::size_t index = 0;
  bool is_index = false;
};

class PathReader {
 public:
  explicit PathReader(std::string_view text) : text_(text) {}

  Result<Masks::Path> read() {
    Masks::Path path;
    at_ = 1;  // Behind the '$'.
    while (at_ < text_.size()) path.push_back(TRY(step()));
    if (path.empty()) return wrong("it names nothing; write $.inputs.password or $..password");
    return path;
  }

 private:
  Error wrong(std::string_view what) const {
    return fail(Code::invalid_argument, "'{}': {} at character {}", text_.substr(0, 200), what,
                at_ + 1);
  }
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  Result<Masks::Step> step() {
    Masks::Step step;
    if (here() == '[') return bracket(std::move(step));
    if (here() != '.') return wrong("'.' or '[' is wanted");
    ++at_;
    if (here() == '.') {
      step.is_anywhere_below = true;
      ++at_;
    }
    if (here() == '[') return bracket(std::move(step));
    const std::size_t end = std::min(text_.find_first_of(".[", at_), text_.size());
    step.name = text_.substr(at_, end - at_);
    if (step.name.empty()) return wrong("a name is wanted");
    step.kind = step.name == "*" ? Masks::Step::Kind::any : Masks::Step::Kind::name;
    at_ = end;
    return step;
  }

  Result<Masks::Step> bracket(Masks::Step step) {
    const char quote = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (quote == '\'' || quote == '"') {
      const std::size_t end = text_.find(quote, at_ + 2);
      if (end == std::string_view::npos || end + 1 >= text_.size() || text_[end + 1] != ']')
        return wrong("a name in quotes and ']' are wanted");
      step.kind = Masks::Step::Kind::name;
      step.name = text_.substr(at_ + 2, end - at_ - 2);
      at_ = end + 2;
      return step;
    }
    const std::size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) return wrong("']' is missing");
    const std::string_view inner = text_.substr(at_ + 1, end - at_ - 1);
    if (inner != "*") {
      step.kind = Masks::Step::Kind::index;
      const auto [stop, error] =
          std::from_chars(inner.data(), inner.data() + inner.size(), step.index);
      if (inner.empty() || error != std::errc() || stop != inner.data() + inner.size())
        return wrong("a number, '*' or a name in quotes is wanted");
    }
    at_ = end + 1;
    return step;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool fits(const Masks::Step& step, const Place& place) {
  switch (step.kind) {
    case Masks::Step::Kind::any: return true;
    case Masks::Step::Kind::name: return !place.is_index && place.name == step.name;
    case Masks::Step::Kind::index: return place.is_index && place.index == step.index;
  }
  return false;
}

/// Whether the path leads to exactly that place: which steps may have been taken after each part of
/// the way.
bool leads_to(const Masks::Path& path, const std::vector<Place>& way) {
  std::vector<bool> may_stand(path.size() + 1, false);
  may_stand[0] = true;
  for (const Place& place : way) {
    std::vector<bool> next(path.size() + 1, false);
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (!may_stand[i]) continue;
      if (fits(path[i], place)) next[i + 1] = true;
      if (path[i].is_anywhere_below) next[i] = true;
    }
    may_stand = std::move(next);
  }
  return may_stand[path.size()];
}

}  // namespace

/// Through one run, with the way from its root to what is looked at.
class Masks::Walk {
 public:
  explicit Walk(const Masks& masks) : masks_(masks) {}

  void text(const char* name, std::string& value) {
    const Entered place(*this, {.name = name});
    value = is_named() ? std::string(masked_text) : masked(value);
  }
  void text(const char* name, std::optional<std::string>& value) {
    if (value) text(name, *value);
  }
  void object(const char* name, json::Object& value) {
    if (value.empty()) return;
    const Entered place(*this, {.name = name});
    const std::string before = json::dump(value);
    const std::string after = json_text(before);
    if (before == after) return;
    auto parsed = json::parse(after);
    // A whole object that is named by a path is no object any more.
    if (parsed && parsed->is_object())
      value = std::move(parsed->get_object());
    else
      value = {{"masked", masked_text}};
  }
  void payload(const char* name, std::optional<Payload>& value) {
    if (!value) return;
    const Entered place(*this, {.name = name});
    if (!value->is_text)
      value->bytes = json_text(value->bytes);
    else
      value->bytes = is_named() ? std::string(masked_text) : masked(value->bytes);
  }
  template <typename Items, typename Mask>
  void list(const char* name, Items& items, Mask mask) {
    const Entered place(*this, {.name = name});
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Entered one(*this, {.index = i, .is_index = true});
      mask(items[i]);
    }
  }
  void here(std::string& value) { value = is_named() ? std::string(masked_text) : masked(value); }

 private:
  struct Entered {
    Entered(Walk& walk, Place place) : walk_(walk) { walk_.way_.push_back(std::move(place)); }
    ~Entered() { walk_.way_.pop_back(); }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    Walk& walk_;
  };

  bool is_named() const {
    return std::any_of(masks_.paths_.begin(), masks_.paths_.end(),
                       [&](const Path& path) { return leads_to(path, way_); });
  }
  std::string masked(std::string_view text) const {
    std::string result(text);
    std::size_t found = 0;
    for (const Detector& detector : masks_.detectors_) result = mask(detector, result, found);
    return result;
  }

  /// Of one JSON value with the blanks around it.
  std::string json_text(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return std::string(text);
    const std::size_t end = text.find_last_not_of(blanks) + 1;
    const std::string_view value = text.substr(begin, end - begin);
    std::string out(text.substr(0, begin));
    if (is_named())
      out += json::quoted(masked_text);
    else if (way_.size() > depth_max)
      out += json::quoted(masked_text);
    else if (value.front() == '{')
      members(out, value);
    else if (value.front() == '[')
      items(out, value);
    else
      scalar(out, value);
    return out += text.substr(end);
  }

  void members(std::string& out, std::string_view object) {
    std::size_t done = 0;
    json::Members members(object);
    for (json::Member one; members.next(one);) {
      const std::string name = json::unquoted(fmt::format("\"{}\"", one.key));
      const std::size_t key = static_cast<std::size_t>(one.key.data() - object.data());
      const std::size_t value = static_cast<std::size_t>(one.value.data() - object.data());
      out += object.substr(done, key - done);
      const std::string shown = masked(name);
      if (shown == name)
        out += one.key;
      else
        out += std::string_view(json::quoted(shown)).substr(1, json::quoted(shown).size() - 2);
      out += object.substr(key + one.key.size(), value - key - one.key.size());
      const Entered place(*this, {.name = name});
      out += json_text(one.value);
      done = value + one.value.size();
    }
    out += object.substr(done);
  }

  void items(std::string& out, std::string_view array) {
    std::size_t done = 0, index = 0;
    json::Items items(array);
    for (std::string_view one; items.next(one); ++index) {
      const std::size_t value = static_cast<std::size_t>(one.data() - array.data());
      out += array.substr(done, value - done);
      const Entered place(*this, {.index = index, .is_index = true});
      out += json_text(one);
      done = value + one.size();
    }
    out += array.substr(done);
  }

  void scalar(std::string& out, std::string_view value) const {
    const bool is_string = value.front() == '"';
    const bool is_number = value.front() == '-' || (value.front() >= '0' && value.front() <= '9');
    if (masks_.detectors_.empty() || (!is_string && !is_number)) {
      out += value;
      return;
    }
    const std::string plain = is_string ? json::unquoted(value) : std::string(value);
    const std::string shown = masked(plain);
    out += shown == plain ? std::string(value) : json::quoted(shown);
  }

  const Masks& masks_;
  std::vector<Place> way_;
};

Result<Masks> Masks::make(const std::vector<std::string>& rules) {
  if (rules.size() > rules_max)
    return fail(Code::invalid_argument, "mask: at most {} rules are taken", rules_max);
  Masks masks;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string where = fmt::format("mask[{}]", i);
    if (rules[i].starts_with('$') && rules[i].size() > 1)
      masks.paths_.push_back(TRY(PathReader(rules[i]).read().within(where)));
    else if (const auto kind = json::from<Personal>(json::Value(rules[i])))
      masks.detectors_.push_back(detector_of(*kind));
    else
      masks.detectors_.push_back(TRY(detector_of(rules[i]).within(where)));
  }
  return masks;
}

void Masks::apply(RunPatch& run) const {
  if (empty()) return;
  Walk walk(*this);
  walk.text("name", run.name);
  walk.text("error", run.error);
  walk.text("user_id", run.user_id);
  walk.text("session_id", run.session_id);
  walk.payload("inputs", run.inputs);
  walk.payload("outputs", run.outputs);
  walk.list("tags", run.tags, [&](std::string& tag) { walk.here(tag); });
  walk.list("events", run.events, [&](Event& event) {
    walk.text("name", event.name);
    walk.object("attributes", event.attributes);
  });
  walk.object("metadata", run.metadata);
  walk.object("attributes", run.attributes);
  walk.object("extra", run.extra);
}

}  // namespace slipway::trace
