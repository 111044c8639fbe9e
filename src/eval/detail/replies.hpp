// What a judge replied, made into values. Judges are asked for JSON and give nearly that: with
// fences and talk around it, and with a comma too much.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "eval/detail/parsed_text.hpp"

namespace slipway::eval {

/// The object from the first `{` to the last `}`; what stands around it is dropped. A comma before
/// `]` or `}` is forgiven if the text does not parse otherwise. Fails: invalid_argument, with an
/// excerpt of the reply.
Result<json::Object> parse_reply(std::string_view text);
/// The same while it is read; for one thread.
class ParsedReply {
 public:
  explicit ParsedReply(std::string_view text);
  /// Until the end of this.
  Result<const json::Object*> object() const {
    if (error_) return Error(*error_);
    return &parsed_->value()->get_object();
  }

 private:
  std::optional<ParsedText> parsed_;
  std::optional<Error> error_;
};

/// The first run of ASCII letters after white space, in lower case, `idk` being `borderline`; empty
/// if the value begins with something else. "Yes." -> "yes", "not sure" -> "not". As deepeval 4.3.1
/// (metrics/utils/qag.py) reads verdicts.
std::string verdict_word(const json::Value& value);

/// 1, true, "1", "yes", "true", "supported" and the like; 0, false, "no", ... Empty: neither.
std::optional<bool> verdict_flag(const json::Value& value);

/// A number, or a text that is one. Never NaN or infinite.
std::optional<double> reply_number(const json::Value& value);

/// The array of that name, in `reply`. Fails: invalid_argument if there is none.
Result<const json::Array*> reply_list(const json::Object& reply, std::string_view key);
/// The same of texts; numbers and the like become text. Objects give their member `claim`,
/// `statement` or `text`.
Result<std::vector<std::string>> reply_texts(const json::Object& reply, std::string_view key);
/// The member as text; empty if there is none.
std::string reply_text(const json::Object& reply, std::string_view key);

/// One entry of a list of verdicts.
struct JudgeVerdict {
  std::string word;       ///< By `verdict_word`.
  std::string statement;  ///< Of which it says so; empty: by its place.
  std::string reason;
  std::optional<bool> flag;          ///< By `verdict_flag`.
  std::optional<std::size_t> place;  ///< `claim`, `sentence`, ...: which one, from 0.
};
/// Of the array `key`: objects with `verdict` (or `flag_key`) and `reason`, or bare words. Fails:
/// invalid_argument.
Result<std::vector<JudgeVerdict>> reply_verdicts(const json::Object& reply, std::string_view key,
                                                 std::string_view flag_key = "verdict");
/// Of one such object.
JudgeVerdict read_verdict(const json::Object& item, std::string_view flag_key = "verdict");

}  // namespace slipway::eval
