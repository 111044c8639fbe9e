// The groups of routes; each declares its own.
#pragma once

#include "datasets/mount.hpp"
#include "trace/face.hpp"

namespace slipway::datasets::detail {

using http::ExchangePtr;
using Reply = Result<http::Response>;

/// Routes of LangSmith's clients: each is at every place of the face.
class Routes {
 public:
  using Handler = Reply (*)(const Services&, const ExchangePtr&, const http::PathParameters&);
  Routes(http::Router& router, const Services& services)
      : router_(router), services_(services), face_(services.traces) {}

  void add(const std::string& method, const std::string& path, const std::string& role,
           Handler handler) const {
    face_.serve(router_, method, path, role, bound(handler));
  }
  /// For large bodies.
  void take(const std::string& method, const std::string& path, Handler handler) const {
    face_.take(router_, method, path, bound(handler));
  }
  void add_v2(const std::string& method, const std::string& path, const std::string& role,
              Handler handler) const {
    face_.serve_v2(router_, method, path, role, bound(handler));
  }

 private:
  trace::LangSmithFace::Handler bound(Handler handler) const {
    return [services = services_, handler](const ExchangePtr& exchange,
                                           const http::PathParameters& path) {
      return handler(services, exchange, path);
    };
  }
  http::Router& router_;
  const Services services_;
  const trace::LangSmithFace face_;
};

void mount_datasets(const Routes& routes);
void mount_versions(const Routes& routes);
void mount_examples(const Routes& routes);
void mount_example_bodies(const Routes& routes);
void mount_experiments(const Routes& routes);
void mount_shared(const Routes& routes);
void mount_native(http::Api& api, const Services& services);
void mount_native_examples(http::Api& api, const Services& services);

http::Response json_reply(const json::Value& value, int status = 200);
/// The body as JSON; an empty one is {}. Fails: invalid_argument.
Result<json::Value> body_of(const ExchangePtr& exchange);
/// A described struct of it; members that it does not name are skipped.
template <typename T>
Result<T> read_body(const ExchangePtr& exchange) {
  return json::from<T>(TRY(body_of(exchange)), json::Policy::ignore_unknown);
}
/// Of `limit` and `offset` of the query.
struct Paging {
  int limit = 100, offset = 0;
};
/// Of a list whose cursors are places in it; empty: its begin. Fails: invalid_argument.
Result<int> read_offset(const std::string& cursor);
/// The same of an `Example::place`.
Result<std::int64_t> read_place(const std::string& cursor);
Result<Paging> paging_of(const http::Request& request);
/// The query of a list of examples: dataset, id, as_of, splits, metadata, filter, limit, offset.
Result<ExampleQuery> example_query_of(const http::Request& request);
/// Of the query's `as_of`; absent: the current version.
Result<AsOf> as_of_of(const http::Request& request);

}  // namespace slipway::datasets::detail
