#include "langgraph/detail/ids.hpp"

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <chrono>
#include <cstring>

namespace slipway::langgraph::detail {

std::string make_uuid(Random& random) {
  boost::uuids::uuid id{};
  const std::uint64_t halves[2] = {random.next(), random.next()};
  std::memcpy(id.data, halves, sizeof halves);
  id.data[6] = static_cast<std::uint8_t>((id.data[6] & 0x0F) | 0x40);
  id.data[8] = static_cast<std::uint8_t>((id.data[8] & 0x3F) | 0x80);
  return boost::uuids::to_string(id);
}

std::string uuid_of_name(std::string_view name) {
  const boost::uuids::name_generator_sha1 generate(boost::uuids::ns::url());
  return boost::uuids::to_string(generate(name.data(), name.size()));
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (is_dash ? c != '-' : !is_hex) return false;
  }
  return true;
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
