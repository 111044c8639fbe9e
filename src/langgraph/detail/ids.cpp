#include "langgraph/detail/ids.hpp"

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <chrono>

namespace slipway::langgraph::detail {

std::string uuid_of_name(std::string_view name) {
  const boost::uuids::name_generator_sha1 generate(boost::uuids::ns::url());
  return boost::uuids::to_string(generate(name.data(), name.size()));
}

std::string time_text(std::int64_t milliseconds) {
  const std::string text =
      format_time(Clock::Time(std::chrono::milliseconds(milliseconds / 1000 * 1000)));
  return fmt::format("{}.{:06}+00:00", text.substr(0, text.size() - 1), milliseconds % 1000 * 1000);
}

std::int64_t now_ms(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch())
      .count();
}

}  // namespace slipway::langgraph::detail
