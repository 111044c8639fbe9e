#include "api/detail/routes.hpp"

namespace slipway::api::detail {

namespace {

/// Collections are few: they are listed whole and cut here.
CollectionList page_of(std::vector<rag::CollectionInfo> all, const Paging& paging) {
  CollectionList page;
  for (rag::CollectionInfo& info : all) {
    if (info.name <= paging.cursor) continue;
    if (page.items.size() == static_cast<std::size_t>(paging.limit)) {
      page.next_cursor = page.items.back().name;
      break;
    }
    page.items.push_back(std::move(info));
  }
  return page;
}

}  // namespace

void mount_collections(http::Api& api, const ServicesPtr& services) {
  api.get<Paging, CollectionList>(
      "/api/collections",
      {.summary = "List the collections",
       .tag = "collections",
       .role = "read",
       .name = "list_collections"},
      [services](const http::Call& call, const Paging& paging) -> Result<CollectionList> {
        return page_of(TRY(services->library->collections(call.context())), paging);
      });
  api.post<http::NoParameters, NewCollection, http::Created<rag::CollectionInfo>>(
      "/api/collections",
      {.summary = "Make a collection",
       .description = "Not needed before an ingest, which makes what is missing.",
       .tag = "collections",
       .role = "write",
       .name = "create_collection",
       .fails = {Code::conflict, Code::not_found, Code::unsupported},
       .request_example = R"({"name": "handbook"})"},
      [services](const http::Call& call, const http::NoParameters&,
                 const NewCollection& wanted) -> Result<http::Created<rag::CollectionInfo>> {
        http::Created<rag::CollectionInfo> made;
        made.value =
            TRY(services->library->make_collection(call.context(), wanted.name, wanted.settings));
        made.location = "/api/collections/" + http::percent_encode(wanted.name);
        return made;
      });
  api.get<CollectionPath, rag::CollectionInfo>(
      "/api/collections/{collection}",
      {.summary = "One collection", .tag = "collections", .role = "read", .name = "get_collection"},
      [services](const http::Call& call, const CollectionPath& path) {
        return services->library->collection(call.context(), path.collection);
      });
  api.remove<CollectionPath, http::NoContent>(
      "/api/collections/{collection}",
      {.summary = "Delete a collection with all its documents and versions",
       .tag = "collections",
       .role = "admin",
       .name = "delete_collection"},
      [services](const http::Call& call, const CollectionPath& path) -> Result<http::NoContent> {
        TRY(services->library->remove_collection(call.context(), path.collection));
        return http::NoContent{};
      });
  api.get<IndexPath, rag::IndexReport>(
      "/api/collections/{collection}/index",
      {.summary = "What the index holds, and how much its searches find",
       .tag = "collections",
       .role = "read",
       .name = "get_index"},
      [services](const http::Call& call, const IndexPath& path) {
        return services->library->index_report(call.context(), path.collection,
                                               static_cast<std::size_t>(path.recall_queries));
      });
  api.post<CollectionPath, http::NoBody, http::Accepted<JobReply>>(
      "/api/collections/{collection}/optimize",
      {.summary = "Write and merge the files of the index",
       .tag = "collections",
       .role = "write",
       .name = "optimize_index"},
      [services](const http::Call& call, const CollectionPath& path,
                 const http::NoBody&) -> Result<http::Accepted<JobReply>> {
        TRY(services->library->collection(call.context(), path.collection));
        return start_job(call, *services, "optimize", path.collection,
                         [services, name = path.collection](const Context& context,
                                                            JobReport&) -> Result<json::Value> {
                           TRY(services->library->optimize(context, name));
                           return json::Value(json::Object{{"collection", name}});
                         });
      });
}

}  // namespace slipway::api::detail
