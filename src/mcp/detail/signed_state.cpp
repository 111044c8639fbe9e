#include "mcp/detail/signed_state.hpp"

#include "core/base64.hpp"
#include "core/hex.hpp"
#include "core/json_exact.hpp"
#include "core/secret.hpp"
#include "mcp/detail/hmac.hpp"
#include "mcp/protocol.hpp"

namespace slipway::mcp::detail {

namespace {

std::int64_t seconds_of(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.now().time_since_epoch()).count();
}

}  // namespace

StateSigner::StateSigner(const Clock& clock, Random& random) : clock_(clock), random_(random) {
  for (int i = 0; i < 4; ++i) key_ += hex::encode(random_.next());
}

std::string StateSigner::sign(const RoundState& state, std::string_view request) const {
  const json::Object payload{{"answers", state.answers},
                             {"memory", state.memory},
                             {"until", seconds_of(clock_) + lifetime / std::chrono::seconds(1)},
                             {"for", base64url(sha256_bytes(request))},
                             {"nonce", hex::encode(random_.next())}};
  const std::string text = base64url(json::dump(payload));
  return text + "." + base64url(hmac_sha256(key_, text));
}

Result<RoundState> StateSigner::read(std::string_view text, std::string_view request) const {
  const auto refuse = [](std::string_view why) {
    return fail(Code::invalid_argument, "requestState: {}; begin the request again without it",
                why);
  };
  const auto dot = text.find('.');
  if (text.size() > bytes_max || dot == std::string_view::npos)
    return refuse("it is none of this server's");
  const auto mark = from_base64(text.substr(dot + 1));
  if (!mark || !equals_in_constant_time(*mark, hmac_sha256(key_, text.substr(0, dot))))
    return refuse("it was changed, or is of another server or of one that was restarted");
  const auto bytes = from_base64(text.substr(0, dot));
  if (!bytes) return refuse("it is none of this server's");
  const json::Value payload = TRY(json::parse_exact(*bytes));
  const json::Object& object = payload.get_object();
  if (text_of(object, "for") != base64url(sha256_bytes(request)))
    return refuse("it belongs to another request");
  const auto* until = object.if_contains("until");
  if (!until || !until->is_int64() || until->get_int64() < seconds_of(clock_))
    return refuse("it is too old");
  return RoundState{.answers = object_of(object, "answers"), .memory = object_of(object, "memory")};
}

}  // namespace slipway::mcp::detail
