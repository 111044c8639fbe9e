#include "trace/text.hpp"

#include "trace/detail/wire.hpp"

namespace slipway::trace {

std::string to_json_text(const Page<TraceSummary>& page) { return detail::traces_text(page); }

std::string to_json_text(const Page<Run>& page) { return detail::runs_text(page); }

std::string to_json_text(const Trace& trace, bool with_payload) {
  return detail::trace_text(trace,
                            with_payload ? detail::Payloads::shown : detail::Payloads::left_out);
}

std::string to_json_text(const Run& run) {
  std::string text;
  detail::append_run(text, run, detail::Payloads::shown);
  return text;
}

}  // namespace slipway::trace
