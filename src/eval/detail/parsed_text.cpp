#include "eval/detail/parsed_text.hpp"

namespace slipway::eval {

ParsedText::ParsedText(std::string_view text) : memory_(first_.data(), first_.size()) {
  constexpr std::size_t depth_max = 64;
  boost::json::parse_options options;
  options.max_depth = depth_max;
  boost::json::parser parser({}, options, temporary_.data(), temporary_.size());
  parser.reset(&memory_);
  boost::system::error_code error;
  parser.write(text.data(), text.size(), error);
  // What is wrong is told by the parser that all others use.
  if (error)
    value_.emplace(json::parse(text));
  else
    value_.emplace(parser.release());
}

}  // namespace slipway::eval
