#include "trace/detail/routes.hpp"
#include "trace/detail/wire.hpp"

namespace slipway::trace::detail {

namespace {

using Runs = http::Written<RunList>;
using OneRun = http::Written<RunDetails>;

struct AttachmentShape {
  std::string name, media_type;
  std::int64_t size_bytes = 0;
  std::string url;
  bool is_picture = false;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "media_type": {"description": "As the client told it."},
    "url": {"description": "Where its bytes are, for a day, without a key."},
    "is_picture": {"description": "Whether a browser may show it: PNG, JPEG, GIF or WebP."}}})";
};
BOOST_DESCRIBE_STRUCT(AttachmentShape, (), (name, media_type, size_bytes, url, is_picture))
struct AttachmentList {
  std::vector<AttachmentShape> items;
};
BOOST_DESCRIBE_STRUCT(AttachmentList, (), (items))

Result<AttachmentList> attachments_of(const http::Call& call, const Services& services,
                                      const RunPath& path) {
  const Run run = TRY(services.store.run(call.context(), path.id, path.trace_id));
  AttachmentList list;
  for (const auto& [id, files] : TRY(services.attachments.of_runs(call.context(), {run.id})))
    for (const AttachmentInfo& file : files)
      list.items.push_back({file.name, file.media_type, file.size, services.attachments.link(file),
                            is_picture(file.media_type)});
  return list;
}

/// The bytes as they were received.
Result<http::Bytes> payload(TraceStore& store, const http::Call& call, const RunPath& path,
                            std::optional<Payload> Run::*which) {
  Run run = TRY(store.run(call.context(), path.id, path.trace_id));
  std::optional<Payload>& payload = run.*which;
  if (!payload)
    return fail(Code::not_found, "run '{}' has no {}", path.id,
                which == &Run::inputs ? "inputs" : "outputs");
  return http::Bytes{
      .bytes = std::move(payload->bytes),
      .media_type = payload->is_text ? "text/plain; charset=utf-8" : "application/json"};
}

}  // namespace

void mount_runs(http::Api& api, const Services& services) {
  TraceStore* const store = &services.store;
  api.get<RunListing, Runs>(
      "/api/runs", {.summary = "List runs", .tag = "traces", .role = "read", .name = "list_runs"},
      [services](const http::Call& call, const RunListing& listing) -> Result<Runs> {
        Query query = TRY(
            resolved(call, services, query_of(static_cast<const Listing&>(listing)), Listed::runs));
        query.trace_id = listing.trace_id;
        return Runs{runs_text(TRY(services.store.runs(call.context(), query)))};
      });
  api.get<RunPath, OneRun>(
      "/api/runs/{id}",
      {.summary = "One run",
       .tag = "traces",
       .role = "read",
       .name = "get_run",
       .fails = {Code::not_found}},
      [store](const http::Call& call, const RunPath& path) -> Result<OneRun> {
        const Run run = TRY(store->run(call.context(), path.id, path.trace_id));
        return OneRun{run_text(run, TRY(store->child_ids(call.context(), run)))};
      });
  api.get<RunPath, AttachmentList>("/api/runs/{id}/attachments",
                                   {.summary = "The files that came with a run",
                                    .tag = "traces",
                                    .role = "read",
                                    .name = "get_run_attachments",
                                    .fails = {Code::not_found}},
                                   [services](const http::Call& call, const RunPath& path) {
                                     return attachments_of(call, services, path);
                                   });
  const auto add_payload = [&](const char* which, std::optional<Payload> Run::*member) {
    api.get<RunPath, http::Bytes>(
        fmt::format("/api/runs/{{id}}/{}", which),
        {.summary = fmt::format("The {} of a run, byte for byte as received", which),
         .tag = "traces",
         .role = "read",
         .name = fmt::format("get_run_{}", which),
         .fails = {Code::not_found}},
        [store, member](const http::Call& call, const RunPath& path) {
          return payload(*store, call, path, member);
        });
  };
  add_payload("inputs", &Run::inputs);
  add_payload("outputs", &Run::outputs);
}

}  // namespace slipway::trace::detail
