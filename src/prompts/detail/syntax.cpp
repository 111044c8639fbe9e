#include "prompts/detail/syntax.hpp"

namespace slipway::prompts::detail {

namespace {

constexpr std::size_t rendered_max = 16u << 20;
constexpr std::size_t depth_max = 16;

bool is_name(std::string_view name, bool may_have_dots) {
  if (name.empty()) return false;
  for (const char c : name) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                           static_cast<unsigned char>(c) >= 0x80;
    const bool is_more = (c >= '0' && c <= '9') || c == '-' || (c == '.' && may_have_dots);
    if (!is_letter && !is_more) return false;
  }
  return name.front() != '.' && name.back() != '.';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Error wrong(std::size_t at, std::string_view what) {
  return fail(Code::invalid_argument, "character {}: {}", at + 1, what);
}

void add_text(std::vector<Piece>& pieces, std::string_view text) {
  if (text.empty()) return;
  if (pieces.empty() || pieces.back().kind != Piece::Kind::text)
    pieces.push_back({Piece::Kind::text, "", {}});
  pieces.back().text += text;
}

Result<std::vector<Piece>> parse_fstring(std::string_view text) {
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t brace = text.find_first_of("{}", at);
    add_text(pieces, text.substr(at, brace - at));
    if (brace == std::string_view::npos) break;
    if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
      add_text(pieces, text.substr(brace, 1));
      at = brace + 2;
      continue;
    }
    if (text[brace] == '}') return wrong(brace, "'}' stands alone; write '}}' for the sign itself");
    const std::size_t end = text.find('}', brace);
    if (end == std::string_view::npos)
      return wrong(brace, "'{' is not closed; write '{{' for the sign itself");
    const std::string_view name = trimmed(text.substr(brace + 1, end - brace - 1));
    if (!is_name(name, false))
      return wrong(brace,
                   fmt::format("'{}' is no name of a variable (letters, digits, '_'); write '{{{{' "
                               "for the sign itself",
                               name.substr(0, 40)));
    pieces.push_back({Piece::Kind::variable, std::string(name), {}});
    at = end + 1;
  }
  return pieces;
}

/// A tag that stands alone on its line takes the line with it, as mustache wants it.
struct Tag {
  std::size_t begin = 0, end = 0;
  char sign = ' ';  ///< ' ' for a variable.
  std::string_view name;
};

class MustacheReader {
 public:
  explicit MustacheReader(std::string_view text) : text_(text) {}

  Result<std::vector<Piece>> read() {
    auto pieces = TRY(until(""));
    if (at_ < text_.size()) return wrong(at_, "a section ends that has not begun");
    return pieces;
  }

 private:
  /// To the end of the section of that name; of the whole text, if it is empty.
  Result<std::vector<Piece>> until(std::string_view section) {
    if (++depth_ > depth_max) return wrong(at_, "too many sections within each other");
    std::vector<Piece> pieces;
    for (;;) {
      const std::size_t open = text_.find("{{", at_);
      if (open == std::string_view::npos) {
        if (!section.empty())
          return wrong(at_, fmt::format("the section '{}' is not closed", section));
        add_text(pieces, text_.substr(at_));
        at_ = text_.size();
        break;
      }
      const Tag tag = TRY(tag_at(open));
      const bool is_block =
          tag.sign == '#' || tag.sign == '^' || tag.sign == '/' || tag.sign == '!';
      const auto [begin, end] = is_block ? whole_line(tag) : std::pair(tag.begin, tag.end);
      add_text(pieces, text_.substr(at_, std::max(begin, at_) - at_));
      at_ = end;
      if (tag.sign == '/') {
        if (tag.name != section || section.empty())
          return wrong(open, fmt::format("'{}' ends here, but {} is open", tag.name,
                                         section.empty() ? "nothing" : section));
        break;
      }
      if (tag.sign == '!') continue;
      Piece piece{Piece::Kind::variable, std::string(tag.name), {}};
      if (tag.sign == '#' || tag.sign == '^') {
        piece.kind = tag.sign == '#' ? Piece::Kind::section : Piece::Kind::inverted;
        piece.pieces = TRY(until(tag.name));
      }
      pieces.push_back(std::move(piece));
    }
    --depth_;
    return pieces;
  }

  Result<Tag> tag_at(std::size_t open) const {
    const bool is_triple = text_.substr(open).starts_with("{{{");
    const std::string_view close = is_triple ? "}}}" : "}}";
    const std::size_t inside = open + close.size();
    const std::size_t end = text_.find(close, inside);
    if (end == std::string_view::npos) return wrong(open, "'{{' is not closed");
    Tag tag{open, end + close.size(), ' ', trimmed(text_.substr(inside, end - inside))};
    if (!is_triple && !tag.name.empty() &&
        std::string_view("#^/!&").find(tag.name.front()) != std::string_view::npos) {
      tag.sign = tag.name.front() == '&' ? ' ' : tag.name.front();
      tag.name = trimmed(tag.name.substr(1));
    }
    if (tag.sign != '!' && tag.name != "." && !is_name(tag.name, true))
      return wrong(open, fmt::format("'{}' is no name of a variable; partials and other delimiters "
                                     "are not taken",
                                     tag.name.substr(0, 40)));
    return tag;
  }

  std::pair<std::size_t, std::size_t> whole_line(const Tag& tag) const {
    std::size_t begin = tag.begin, end = tag.end;
    while (begin > 0 && (text_[begin - 1] == ' ' || text_[begin - 1] == '\t')) --begin;
    while (end < text_.size() && (text_[end] == ' ' || text_[end] == '\t')) ++end;
    const bool is_at_begin = begin == 0 || text_[begin - 1] == '\n';
    const bool is_at_end =
        end == text_.size() || text_[end] == '\n' || text_.substr(end).starts_with("\r\n");
    if (!is_at_begin || !is_at_end) return {tag.begin, tag.end};
    if (end < text_.size()) end += text_[end] == '\r' ? 2 : 1;
    return {begin, end};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

/// What a name stands for: the innermost scope that has it counts.
const json::Value* find(const std::vector<const json::Value*>& scopes, std::string_view name) {
  if (name == ".") return scopes.back();
  const std::string_view first = name.substr(0, name.find('.'));
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
    if (!(*scope)->is_object()) continue;
    const json::Value* value = (*scope)->get_object().if_contains(first);
    if (value == nullptr) continue;
    for (std::string_view rest = name.substr(std::min(first.size() + 1, name.size()));
         !rest.empty() && value != nullptr;) {
      const std::string_view step = rest.substr(0, rest.find('.'));
      value = value->is_object() ? value->get_object().if_contains(step) : nullptr;
      rest = rest.substr(std::min(step.size() + 1, rest.size()));
    }
    return value;
  }
  return nullptr;
}

bool is_something(const json::Value* value) {
  if (value == nullptr || value->is_null()) return false;
  if (value->is_bool()) return value->get_bool();
  if (value->is_string()) return !value->get_string().empty();
  return !value->is_array() || !value->get_array().empty();
}

class Renderer {
 public:
  explicit Renderer(const json::Value& variables) : scopes_{&variables} {}

  Result<std::string> all(const std::vector<Piece>& pieces) {
    TRY(add(pieces));
    return std::move(out_);
  }

 private:
  Result<void> add(const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) TRY(one(piece));
    return {};
  }

  Result<void> one(const Piece& piece) {
    if (out_.size() > rendered_max)
      return fail(Code::invalid_argument, "the prompt comes to more than {} bytes", rendered_max);
    if (piece.kind == Piece::Kind::text) {
      out_ += piece.text;
      return {};
    }
    const json::Value* value = find(scopes_, piece.text);
    if (piece.kind == Piece::Kind::variable) {
      if (value == nullptr)
        return fail(Code::invalid_argument, "variable '{}' is missing", piece.text);
      if (value->is_string())
        out_ += std::string_view(value->get_string());
      else if (!value->is_null())
        out_ += json::dump(*value);
      return {};
    }
    if (piece.kind == Piece::Kind::inverted)
      return is_something(value) ? Result<void>() : add(piece.pieces);
    if (!is_something(value)) return {};
    if (!value->is_array()) return within(*value, piece);
    for (const json::Value& element : value->get_array()) TRY(within(element, piece));
    return {};
  }

  Result<void> within(const json::Value& scope, const Piece& piece) {
    scopes_.push_back(&scope);
    TRY(add(piece.pieces));
    scopes_.pop_back();
    return {};
  }

  std::string out_;
  std::vector<const json::Value*> scopes_;
};

}  // namespace

Result<std::vector<Piece>> parse_text(Syntax syntax, std::string_view text) {
  return syntax == Syntax::fstring ? parse_fstring(text) : MustacheReader(text).read();
}

std::vector<Variable> variables_in(const std::vector<Piece>& pieces) {
  std::vector<Variable> all;
  for (const Piece& piece : pieces) {
    if (piece.kind == Piece::Kind::text || piece.text == ".") continue;
    Variable variable{piece.text.substr(0, piece.text.find('.'))};
    // What is not given is nothing to a section; within it, names may be those of its elements.
    variable.is_required = piece.kind == Piece::Kind::variable;
    variable.is_list = piece.kind == Piece::Kind::section;
    all.push_back(std::move(variable));
    for (Variable& inner : variables_in(piece.pieces)) {
      inner.is_required = false;
      all.push_back(std::move(inner));
    }
  }
  return all;
}

Result<std::string> render_text(const std::vector<Piece>& pieces, const json::Object& variables) {
  const json::Value scope(variables);
  return Renderer(scope).all(pieces);
}

}  // namespace slipway::prompts::detail
