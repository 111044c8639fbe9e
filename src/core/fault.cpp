#include "core/fault.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>

namespace slipway {

namespace {
constexpr std::string_view kind_names[] = {"database", "file", "network"};
std::atomic<bool> armed{false};
std::atomic<int> armed_kind{0};
std::atomic<std::int64_t> countdown{0};  // May count far below zero.
std::atomic<bool> keeps_failing{false};
std::atomic<bool> has_fired{false};

void arm(FaultKind kind, int nth, FaultPlan::Mode mode) {
  armed_kind = static_cast<int>(kind);
  countdown = nth;
  keeps_failing = mode == FaultPlan::Mode::onwards;
  has_fired = false;
  armed = true;
}
}  // namespace

Result<void> fault_point(FaultKind kind, std::string_view what) {
  if (!armed.load(std::memory_order_relaxed)) return {};
  if (armed_kind != static_cast<int>(kind)) return {};
  const std::int64_t left = --countdown;
  if (left > 0 || (left < 0 && !keeps_failing)) return {};
  has_fired = true;
  return fail(Code::unavailable, "injected {} fault at {}", kind_names[static_cast<int>(kind)],
              what);
}

FaultPlan::FaultPlan(FaultKind kind, int nth, Mode mode) { arm(kind, nth, mode); }
FaultPlan::~FaultPlan() { armed = false; }
bool FaultPlan::fired() const { return has_fired; }

Result<void> arm_fault_from_environment() {
  const char* text = std::getenv("SLIPWAY_FAULT");
  if (text == nullptr || *text == '\0') return {};
  const std::string_view plan(text);
  for (int kind = 0; kind < 3; ++kind) {
    const std::size_t colon = kind_names[kind].size();
    if (!plan.starts_with(kind_names[kind]) || plan.substr(colon, 1) != ":") continue;
    char* end = nullptr;
    const long nth = std::strtol(text + colon + 1, &end, 10);
    const std::string_view rest(end);
    if (nth < 1 || nth > std::numeric_limits<int>::max() || (!rest.empty() && rest != ":onwards"))
      break;
    arm(static_cast<FaultKind>(kind), static_cast<int>(nth),
        rest.empty() ? FaultPlan::Mode::once : FaultPlan::Mode::onwards);
    return {};
  }
  return fail(Code::invalid_argument,
              "SLIPWAY_FAULT='{}' is not a plan; write database|file|network:N[:onwards]", plan);
}

}  // namespace slipway
