#include "trace/config.hpp"

#include "http/client.hpp"
#include "trace/masks.hpp"

namespace slipway::trace {

Result<void> ExportConfig::validate() const {
  if (!endpoint.starts_with("http://") && !endpoint.starts_with("https://"))
    return fail(Code::invalid_argument,
                "endpoint: '{}' is no address of a collector; write http://HOST:4318/v1/traces",
                http::redact_url(endpoint));
  return {};
}

Result<void> TracesConfig::validate() const {
  constexpr std::size_t request_bytes_least = 1024, request_bytes_most = 1u << 30;
  if (max_request_bytes < request_bytes_least || max_request_bytes > request_bytes_most)
    return fail(Code::invalid_argument, "max_request_bytes: {} is not in {}..{}", max_request_bytes,
                request_bytes_least, request_bytes_most);
  if (max_queued_bytes < max_request_bytes)
    return fail(Code::invalid_argument,
                "max_queued_bytes: {} is less than max_request_bytes, {}: such a request could "
                "never be taken",
                max_queued_bytes, max_request_bytes);
  constexpr int days_most = 36'500;
  if (retention_days < 0 || retention_days > days_most)
    return fail(Code::invalid_argument, "retention_days: {} is not in 0..{}", retention_days,
                days_most);
  TRY(sampling.validate().within("sampling"));
  if (own_per_second < 0)
    return fail(Code::invalid_argument, "own_per_second: {} is negative; 0 is no limit",
                own_per_second);
  TRY(Masks::make(mask));
  return {};
}

}  // namespace slipway::trace
