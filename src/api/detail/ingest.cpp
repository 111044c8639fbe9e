// Documents come in over HTTP: as text, as uploads, or by naming where they are.
#include "api/detail/routes.hpp"

namespace slipway::api::detail {

namespace {

using Upload = http::Form<UploadFields>;
using Body = std::variant<IngestBody, Upload>;
using Reply = std::variant<IngestReport, http::Accepted<JobReply>>;

/// What an ingest needs to live, as long as its job: spilled uploads go with it.
struct Order {
  rag::IngestRequest request;
  std::vector<http::UploadedFile> files;
};

rag::IngestRequest request_for(const Services& services, const IngestPath& path) {
  rag::IngestRequest request;
  request.collection = path.collection;
  request.loading = services.loading;
  request.connecting = services.connecting;
  request.allowed_folders = services.allowed_folders;
  return request;
}

Result<std::shared_ptr<Order>> order_of(const Services& services, const IngestPath& path,
                                        IngestBody body) {
  auto order = std::make_shared<Order>();
  order->request = request_for(services, path);
  order->request.metadata = std::move(body.metadata);
  if (!body.text) {
    if (!body.media_type.empty())
      return fail(Code::invalid_argument,
                  "media_type: is of a 'text' that is given, and there is none");
    order->request.sources = {std::move(body.uri)};
    order->request.sync = body.sync;
    return order;
  }
  if (body.sync)
    return fail(Code::invalid_argument, "sync: a text that is given has no source; leave it out");
  rag::GivenDocument document;
  document.uri = std::move(body.uri);
  document.media_type = std::move(body.media_type);
  document.bytes = *std::move(body.text);
  order->request.documents.push_back(std::move(document));
  return order;
}

Result<std::shared_ptr<Order>> order_of(const Services& services, const IngestPath& path,
                                        Upload upload) {
  auto order = std::make_shared<Order>();
  order->request = request_for(services, path);
  order->request.metadata = std::move(upload.fields.metadata);
  order->request.password = std::move(upload.fields.password);
  order->files = std::move(upload.files);
  for (const http::UploadedFile& file : order->files) {
    rag::GivenDocument document;
    document.uri = "upload:" + http::percent_encode(file.name);
    document.path = file.name;
    // What browsers say of a file's type is a guess by its ending; `documents` looks inside.
    document.file = file.spilled();
    if (document.file.empty()) document.bytes = TRY(file.read());
    order->request.documents.push_back(std::move(document));
  }
  return order;
}

JobWork work_of(const ServicesPtr& services, std::shared_ptr<Order> order) {
  return [services, order = std::move(order)](const Context& context,
                                              JobReport& report) -> Result<json::Value> {
    const auto done = TRY(services->library->ingest(context, order->request, progress_of(report)));
    for (const rag::IngestFailure& failure : done.failed)
      report.failed({failure.uri, failure.error});
    return rag::to_json(done);
  };
}

Result<Reply> ingest(const http::Call& call, const ServicesPtr& services, const IngestPath& path,
                     Body body) {
  auto order = TRY(std::visit(
      [&](auto&& one) { return order_of(*services, path, std::forward<decltype(one)>(one)); },
      std::move(body)));
  JobWork work = work_of(services, std::move(order));
  if (!path.wait)
    return Reply(TRY(start_job(call, *services, "ingest", path.collection, std::move(work))));
  const JobInfo job =
      TRY(services->jobs->submit(call.context(), "ingest", path.collection, std::move(work)));
  return Reply(IngestReport{TRY(services->jobs->wait(call.context(), job.id))});
}

}  // namespace

rag::ProgressSink progress_of(JobReport& report) {
  return [&report](const rag::IngestProgress& now) {
    report.progress({now.documents_done, now.documents_total, "documents", now.current});
  };
}

std::string job_location(const JobInfo& job) { return "/api/jobs/" + job.id; }

Result<http::Accepted<JobReply>> start_job(const http::Call& call, const Services& services,
                                           std::string kind, std::string collection, JobWork work) {
  http::Accepted<JobReply> accepted;
  accepted.value.job = TRY(services.jobs->submit(call.context(), std::move(kind),
                                                 std::move(collection), std::move(work)));
  accepted.location = job_location(accepted.value.job);
  return accepted;
}

void mount_ingest(http::Api& api, const ServicesPtr& services) {
  api.post<IngestPath, Body, Reply>(
      "/api/collections/{collection}/documents",
      {.summary = "Bring documents in",
       .description =
           "As JSON: a text with its `uri`, or the `uri` of a source that the server reads itself "
           "(a URL; files of the server only from folders that its operator allows). As "
           "multipart/form-data: files. A document whose content is known is not read again. The "
           "collection is made if it is missing.",
       .tag = "documents",
       .role = "write",
       .name = "ingest",
       .fails = {Code::conflict, Code::cancelled, Code::deadline_exceeded, Code::unsupported},
       .request_example =
           R"({"uri": "notes/budgets", "text": "A budget is reserved before a call."})"},
      [services](const http::Call& call, const IngestPath& path, Body body) {
        return ingest(call, services, path, std::move(body));
      });
}

}  // namespace slipway::api::detail
