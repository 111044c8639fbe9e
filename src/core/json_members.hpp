// A look into JSON text without making values of it: where the members of an object stand.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace slipway::json {

/// One member; `key` as it is written between its quotes, `value` with its quotes or brackets.
struct Member {
  std::string_view key, value;
};

/// The members of the object that `text` holds, in order, not those of objects within. Checks no
/// grammar: of text that is not JSON it gives something or nothing, and always comes to an end.
class Members {
 public:
  explicit Members(std::string_view text);
  bool next(Member& member);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

/// The elements of the array that `text` holds, likewise.
class Items {
 public:
  explicit Items(std::string_view text);
  bool next(std::string_view& item);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

/// The value of the first member of that name; empty when there is none.
std::string_view member(std::string_view object, std::string_view key);
/// What a JSON string stands for; empty when it is none or its escapes are broken.
std::string unquoted(std::string_view value);
/// The text as a JSON string, with its quotes.
std::string quoted(std::string_view text);
/// The same behind what is there.
void append_quoted(std::string& out, std::string_view text);
/// Whether the text is one JSON value and nothing else, without making it; at most 64 levels deep.
bool is_valid(std::string_view text);

}  // namespace slipway::json
