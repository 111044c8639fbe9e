// A call runs on the thread that starts it, if that is a reactor's, else on one of the upstream's
// own: a loop (detail/upstream_loop) is a guest of each.
#include "http/upstream.hpp"

#include <vector>

#include "core/fault.hpp"
#include "http/detail/upstream_loop.hpp"

namespace slipway::http {

namespace {

using detail::Call;
using detail::UpstreamLoop;

class WireUpstream final : public Upstream {
 public:
  WireUpstream(Options options, std::shared_ptr<detail::Reactor> reactor)
      : shared_(std::make_shared<detail::UpstreamShared>(std::move(options))),
        reactor_(std::move(reactor)) {}
  ~WireUpstream() override {
    for (const auto& loop : loops_.with([](Loops& loops) { return std::exchange(loops, {}); }))
      loop->leave(this);
    reactor_->stop();
  }

  Result<void> open() {
    own_ = std::make_shared<UpstreamLoop>(reactor_, shared_);
    TRY(own_->open());
    reactor_->admit(this, own_);
    reactor_->start("upstream");
    return {};
  }

  Result<std::shared_ptr<UpstreamCall>> start(ClientRequest request, UpstreamTimeouts timeouts,
                                              UpstreamEvents events) override {
    TRY(detail::check_head(request));
    auto target = TRY(shared_->target_of(request.url));
    TRY(fault_point(FaultKind::network, "call"));
    const auto loop = TRY(loop_here());
    TRY(shared_->admit());
    auto call =
        std::make_shared<Call>(loop, Call::Setting{std::move(request), timeouts, std::move(events),
                                                   std::move(target), shared_->options.reach});
    if (loop->tell(call, detail::CallControl::Wish::start))
      return std::shared_ptr<UpstreamCall>(std::move(call));
    --shared_->calls;
    return fail(Code::unavailable, "{}: the server is ending", redact_url(call->url()));
  }

 private:
  using Loops = std::vector<std::shared_ptr<UpstreamLoop>>;

  Result<std::shared_ptr<UpstreamLoop>> loop_here() {
    detail::Reactor* const here = detail::Reactor::here();
    if (here == nullptr) return own_;
    if (auto known = here->guest(this))
      return std::static_pointer_cast<UpstreamLoop>(std::move(known));
    auto loop = std::make_shared<UpstreamLoop>(here->shared_from_this(), shared_);
    TRY(loop->open());
    if (!here->admit(this, loop)) return own_;
    loops_.with([&](Loops& loops) { loops.push_back(loop); });
    return loop;
  }

  const std::shared_ptr<detail::UpstreamShared> shared_;
  const std::shared_ptr<detail::Reactor> reactor_;
  std::shared_ptr<UpstreamLoop> own_;  ///< For threads that are no reactor's.
  Guarded<Loops> loops_;               ///< On reactors of others.
};

}  // namespace

Result<std::unique_ptr<Upstream>> Upstream::make(Options options) {
  auto upstream = std::make_unique<WireUpstream>(std::move(options), TRY(detail::Reactor::make()));
  TRY(upstream->open());
  return std::unique_ptr<Upstream>(std::move(upstream));
}

}  // namespace slipway::http
