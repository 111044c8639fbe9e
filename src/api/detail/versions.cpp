// Versions of a collection, and its way to other models and back.
#include "api/detail/routes.hpp"

namespace slipway::api::detail {

namespace {

struct Range {
  std::string from, to;
};

Range range_of(const std::string& text) {
  const std::size_t dots = text.find("..");
  return {text.substr(0, dots), text.substr(dots + 2)};
}

rag::MigrateRequest request_of(const std::string& collection, const MigrateBody& body) {
  rag::MigrateRequest request;
  request.collection = collection;
  request.embedder = body.embedder;
  request.splitter = body.splitter;
  request.gold = body.gold;
  request.margin = body.margin;
  request.limit = body.limit;
  request.defaults = body.defaults;
  return request;
}

void mount_migration(http::Api& api, const ServicesPtr& services) {
  api.post<CollectionPath, MigrateBody, http::Accepted<JobReply>>(
      "/api/collections/{collection}/migrate",
      {.summary = "Build the collection with another embedder or splitter, and let that serve",
       .description = "Beside the one that serves, as a job. With a gold set both are asked, and "
                      "the new one serves only if no score falls by more than `margin`.",
       .tag = "versions",
       .role = "admin",
       .name = "migrate_collection",
       .request_example = R"({"splitter": {"chunk_size": 400}})"},
      [services](const http::Call& call, const CollectionPath& path,
                 const MigrateBody& body) -> Result<http::Accepted<JobReply>> {
        TRY(services->library->collection(call.context(), path.collection));
        rag::MigrateRequest request = request_of(path.collection, body);
        TRY(request.validate());
        return start_job(call, *services, "migrate", path.collection,
                         [services, request = std::move(request)](
                             const Context& context, JobReport& report) -> Result<json::Value> {
                           return rag::to_json(TRY(
                               services->library->migrate(context, request, progress_of(report))));
                         });
      });
  api.post<CollectionPath, http::NoBody, http::Accepted<JobReply>>(
      "/api/collections/{collection}/rollback",
      {.summary = "Let serve what served before the last migration",
       .tag = "versions",
       .role = "admin",
       .name = "roll_back_collection"},
      [services](const http::Call& call, const CollectionPath& path,
                 const http::NoBody&) -> Result<http::Accepted<JobReply>> {
        TRY(services->library->collection(call.context(), path.collection));
        return start_job(call, *services, "rollback", path.collection,
                         [services, name = path.collection](
                             const Context& context, JobReport& report) -> Result<json::Value> {
                           return rag::to_json(TRY(
                               services->library->roll_back(context, name, progress_of(report))));
                         });
      });
}

}  // namespace

void mount_versions(http::Api& api, const ServicesPtr& services) {
  api.get<CollectionPath, rag::VersionList>(
      "/api/collections/{collection}/versions",
      {.summary = "Versions that somebody named or pinned, and what the collection was before",
       .tag = "versions",
       .role = "read",
       .name = "list_versions"},
      [services](const http::Call& call, const CollectionPath& path) {
        return services->library->versions(call.context(), path.collection);
      });
  api.post<CollectionPath, SnapshotBody, http::Created<rag::VersionInfo>>(
      "/api/collections/{collection}/versions",
      {.summary = "Keep a version under a name",
       .tag = "versions",
       .role = "write",
       .name = "take_snapshot",
       .fails = {Code::conflict},
       .request_example = R"({"name": "before-the-move"})"},
      [services](const http::Call& call, const CollectionPath& path,
                 const SnapshotBody& body) -> Result<http::Created<rag::VersionInfo>> {
        http::Created<rag::VersionInfo> made;
        made.value = TRY(
            services->library->snapshot(call.context(), path.collection, body.name, body.version));
        return made;
      });
  api.remove<VersionPath, http::NoContent>(
      "/api/collections/{collection}/versions/{version}",
      {.summary = "Drop a snapshot, or all snapshots and pins of a version",
       .tag = "versions",
       .role = "write",
       .name = "drop_version"},
      [services](const http::Call& call, const VersionPath& path) -> Result<http::NoContent> {
        TRY(services->library->drop_version(call.context(), path.collection, path.version));
        return http::NoContent{};
      });
  api.get<DifferencePath, rag::VersionDifference>(
      "/api/collections/{collection}/versions/{version}",
      {.summary = "What changed between two versions",
       .tag = "versions",
       .role = "read",
       .name = "compare_versions"},
      [services](const http::Call& call,
                 const DifferencePath& path) -> Result<rag::VersionDifference> {
        const auto [from, to] = range_of(path.version);
        rag::Library& library = *services->library;
        const auto first = TRY(library.version_named(call.context(), path.collection, from));
        const auto last = TRY(library.version_named(call.context(), path.collection, to));
        return library.compare_versions(call.context(), path.collection, first, last, path.query,
                                        path.limit);
      });
  mount_migration(api, services);
}

}  // namespace slipway::api::detail
