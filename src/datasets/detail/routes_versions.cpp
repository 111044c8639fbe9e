// Versions, tags and splits of datasets for LangSmith's clients.
#include "datasets/detail/routes.hpp"
#include "datasets/detail/wire.hpp"

namespace slipway::datasets::detail {

namespace {

Reply versions(const Services& services, const ExchangePtr& exchange,
               const http::PathParameters& path) {
  const Paging paging = TRY(paging_of(exchange->request()));
  const VersionQuery query{
      .tag_part = trace::query_value(exchange->request(), "search").value_or(""),
      .limit = paging.limit,
      .offset = paging.offset};
  json::Array all;
  for (const VersionInfo& info :
       TRY(services.datasets.versions(exchange->context(), trace::path_value(path, "id"), query)))
    all.push_back(version_json(info));
  return json_reply(all);
}

Reply version(const Services& services, const ExchangePtr& exchange,
              const http::PathParameters& path) {
  const http::Request& request = exchange->request();
  const auto tag = trace::query_value(request, "tag");
  const AsOf as_of = tag ? AsOf{.tag = *tag} : TRY(as_of_of(request));
  return json_reply(version_json(
      TRY(services.datasets.version(exchange->context(), trace::path_value(path, "id"), as_of))));
}

Reply diff(const Services& services, const ExchangePtr& exchange,
           const http::PathParameters& path) {
  const http::Request& request = exchange->request();
  const auto from = trace::query_value(request, "from_version");
  const auto to = trace::query_value(request, "to_version");
  if (!from || !to)
    return fail(Code::invalid_argument, "from_version and to_version are both wanted");
  const Difference difference =
      TRY(services.datasets.diff(exchange->context(), trace::path_value(path, "id"),
                                 TRY(parse_as_of(*from)), TRY(parse_as_of(*to))));
  return json_reply(json::Object{{"examples_added", json::to(difference.added)},
                                 {"examples_removed", json::to(difference.removed)},
                                 {"examples_modified", json::to(difference.modified)}});
}

struct TagBody {
  std::string as_of, tag;
  static constexpr std::string_view required[] = {"as_of", "tag"};
};
BOOST_DESCRIBE_STRUCT(TagBody, (), (as_of, tag))

Reply tag(const Services& services, const ExchangePtr& exchange, const http::PathParameters& path) {
  const auto body = TRY(read_body<TagBody>(exchange));
  return json_reply(
      version_json(TRY(services.datasets.tag(exchange->context(), trace::path_value(path, "id"),
                                             TRY(parse_as_of(body.as_of)), body.tag))));
}

Reply splits(const Services& services, const ExchangePtr& exchange,
             const http::PathParameters& path) {
  return json_reply(json::to(TRY(services.datasets.splits(
      exchange->context(), trace::path_value(path, "id"), TRY(as_of_of(exchange->request()))))));
}

struct SplitBody {
  std::string split_name;
  std::vector<std::string> examples;
  bool remove = false;
  static constexpr std::string_view required[] = {"split_name", "examples"};
};
BOOST_DESCRIBE_STRUCT(SplitBody, (), (split_name, examples, remove))

Reply change_splits(const Services& services, const ExchangePtr& exchange,
                    const http::PathParameters& path) {
  const auto body = TRY(read_body<SplitBody>(exchange));
  MetadataOperation operation{.kind = body.remove ? MetadataOperation::Kind::array_remove
                                                  : MetadataOperation::Kind::array_add,
                              .key = std::string(split_key)};
  operation.values = {body.split_name};
  const std::string id = trace::path_value(path, "id");
  TRY(services.datasets.change_metadata(exchange->context(), id, body.examples, {operation}));
  return json_reply(json::to(TRY(services.datasets.splits(exchange->context(), id, AsOf{}))));
}

}  // namespace

void mount_versions(const Routes& routes) {
  routes.add("GET", "/datasets/{id}/versions", "read", versions);
  routes.add("GET", "/datasets/{id}/version", "read", version);
  routes.add("GET", "/datasets/{id}/versions/diff", "read", diff);
  routes.add("PUT", "/datasets/{id}/tags", "write", tag);
  routes.add("GET", "/datasets/{id}/splits", "read", splits);
  routes.add("PUT", "/datasets/{id}/splits", "write", change_splits);
}

}  // namespace slipway::datasets::detail
