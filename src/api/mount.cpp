#include "api/mount.hpp"

#include "api/detail/routes.hpp"

namespace slipway::api {

namespace {

void mount_instance(http::Api& api, const detail::ServicesPtr& services) {
  api.get<http::NoParameters, detail::About>(
      "/api/about",
      {.summary = "Name and version of the server",
       .tag = "instance",
       .role = "read",
       .name = "about"},
      [services](const http::Call&, const http::NoParameters&) {
        return Result<detail::About>({services->name, services->version});
      });
  api.get<http::NoParameters, detail::AnyObject>(
      "/api/settings",
      {.summary = "The effective configuration",
       .description = "As `slipway config show` prints it: defaults, `slipway.yaml`, environment "
                      "and command line together, secrets left out.",
       .tag = "instance",
       .role = "admin",
       .name = "settings"},
      [services](const http::Call&, const http::NoParameters&) {
        return Result<detail::AnyObject>({services->settings()});
      });
  api.get<http::NoParameters, detail::ModelList>(
      "/api/models",
      {.summary = "Models that are installed, configured or can be pulled",
       .tag = "instance",
       .role = "read",
       .name = "list_models"},
      [services](const http::Call&, const http::NoParameters&) -> Result<detail::ModelList> {
        return detail::ModelList{.items = TRY(services->catalog->list())};
      });
}

void add_tags(http::Api& api) {
  api.add_tag("collections", "Documents, their index and the settings they were brought in with.");
  api.add_tag("documents", "What is in a collection, and bringing more in.");
  api.add_tag("jobs", "Work that goes on after its request was answered.");
  api.add_tag("questions", "Searches, answers with citations, and receipts that repeat them.");
  api.add_tag("versions", "Every change of a collection is a version; any kept one can be asked.");
  api.add_tag("instance", "The server itself.");
}

}  // namespace

void mount(http::Api& api, Services services) {
  const auto shared = std::make_shared<const Services>(std::move(services));
  add_tags(api);
  detail::add_schemas(api);
  detail::mount_collections(api, shared);
  detail::mount_documents(api, shared);
  detail::mount_ingest(api, shared);
  detail::mount_jobs(api, shared);
  detail::mount_questions(api, shared);
  detail::mount_versions(api, shared);
  mount_instance(api, shared);
}

namespace detail {

void add_schemas(http::Api& api) {
  const auto add = [&](const char* name, std::string_view text) {
    api.add_schema(name, json::parse(text)->as_object());
  };
  // Bounded where the parser of filters has a bound.
  add("Filter", R"({"type": "object", "description":
    "`{\"year\": {\"$gte\": 2024}, \"tags\": {\"$in\": [\"a\"]}}`; several keys mean and.",
    "properties": {
      "$and": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Filter"}},
      "$or": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Filter"}},
      "$not": {"$ref": "#/components/schemas/Filter"}},
    "propertyNames": {"pattern": "^[^$][^\\n]*$"},
    "additionalProperties": {"anyOf": [{"$ref": "#/components/schemas/FilterValue"},
                                       {"$ref": "#/components/schemas/FilterCondition"}]}})");
  add("FilterValue", R"({"type": ["string", "number", "boolean"]})");
  add("FilterCondition",
      R"({"type": "object", "minProperties": 1, "additionalProperties": false, "properties": {
      "$eq": {"$ref": "#/components/schemas/FilterValue"}, "$ne": {"$ref":
      "#/components/schemas/FilterValue"},
      "$gt": {"type": ["string", "number"]}, "$gte": {"type": ["string", "number"]},
      "$lt": {"type": ["string", "number"]}, "$lte": {"type": ["string", "number"]},
      "$in": {"type": "array", "items": {"$ref": "#/components/schemas/FilterValue"}},
      "$nin": {"type": "array", "items": {"$ref": "#/components/schemas/FilterValue"}},
      "$exists": {"type": "boolean"}, "$contains": {"$ref":
      "#/components/schemas/FilterValue"}}})");
}

}  // namespace detail

}  // namespace slipway::api
