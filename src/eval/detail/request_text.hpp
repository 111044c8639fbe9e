// A line of `eval score`, taken apart before values are made of it: most of its text is a golden
// that the line before had, too, and replies of a judge, which are texts in texts.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace slipway::eval {

/// For one thread, one line after another.
class RequestText {
 public:
  RequestText() : memory_(first_.data(), first_.size()) {}
  RequestText(const RequestText&) = delete;
  RequestText& operator=(const RequestText&) = delete;

  /// `known` is the text of the golden that need not be read again; empty: there is none. What this
  /// cannot take apart for certain stays in `rest`, for a parser to judge.
  void take(std::string_view line, std::string_view known);

  /// JSON text of the request; `null` stands for a golden that is known and for what `metric_text`
  /// gives, `{}` for `replies`. It and `metric_text` are JSON exactly if the line is. Until the
  /// next line, as all below.
  std::string_view rest() const { return rest_; }
  bool is_known_case() const { return is_known_case_; }
  /// Text of a golden that is not known, which no other member of the line may be; empty if that
  /// is not certain.
  std::string_view case_text() const { return case_text_; }
  /// What stands as `metric`; empty: it is not taken, what `rest` says counts.
  std::string_view metric_text() const { return metric_text_; }
  /// Null: they are not taken; what `rest` says counts.
  const json::Object* replies() const { return replies_ ? &*replies_ : nullptr; }

 private:
  void forget();
  struct Members;
  bool take_members(std::string_view line, std::string_view known);
  std::size_t take_member(Members& members, std::size_t at);
  std::size_t take_replies(std::string_view line, std::size_t at);
  std::size_t take_texts(std::string_view line, std::size_t at, json::Array& texts);
  std::size_t take_text(std::string_view line, std::size_t at);

  std::array<unsigned char, 16384> first_;
  boost::json::monotonic_resource memory_;
  std::optional<json::Object> replies_;  // After the memory that it lies in.
  std::string rest_;
  std::string_view case_text_, metric_text_;
  bool is_known_case_ = false;
  std::vector<char> text_;  ///< Room for one reply; `text_bytes_` of it are in use.
  std::size_t text_bytes_ = 0;
};

}  // namespace slipway::eval
