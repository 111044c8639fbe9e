#include "api/detail/routes.hpp"

namespace slipway::api::detail {

namespace {

/// Events of a job need no worker while they wait: whoever runs the job sends them.
Result<http::Streamed> stream_job(const http::Call& call, Jobs& jobs, const std::string& id) {
  auto events = std::make_shared<http::EventStream>(call.events());
  TRY(jobs.watch(call.context(), id, [events](const JobInfo& job) {
    if (!job.has_ended()) return events->offer(json::name(job.state), job);
    // The last one is never left out; a client that is so far behind has gone.
    events->offer(json::name(job.state), job);
    events->end();
    return false;
  }));
  return http::Streamed{};
}

}  // namespace

void mount_jobs(http::Api& api, const ServicesPtr& services) {
  api.get<Paging, JobPage>(
      "/api/jobs",
      {.summary = "List jobs, youngest first", .tag = "jobs", .role = "read", .name = "list_jobs"},
      [services](const http::Call& call, const Paging& paging) {
        return services->jobs->list(call.context(), paging.limit, paging.cursor);
      });
  api.get<IdPath, JobInfo>("/api/jobs/{id}",
                           {.summary = "One job", .tag = "jobs", .role = "read", .name = "get_job"},
                           [services](const http::Call& call, const IdPath& path) {
                             return services->jobs->get(call.context(), path.id);
                           });
  using Cancelled = std::variant<http::Accepted<JobReply>, http::NoContent>;
  api.remove<IdPath, Cancelled>(
      "/api/jobs/{id}",
      {.summary = "Cancel a job, or forget one that has ended",
       .description = "A job that waits or runs is asked to stop and given with 202; what it has "
                      "stored stays in. One that has ended is forgotten: 204.",
       .tag = "jobs",
       .role = "write",
       .name = "cancel_job",
       .fails = {Code::conflict}},
      [services](const http::Call& call, const IdPath& path) -> Result<Cancelled> {
        auto job = TRY(services->jobs->cancel(call.context(), path.id));
        if (!job) return Cancelled(http::NoContent{});
        http::Accepted<JobReply> accepted;
        accepted.location = job_location(*job);
        accepted.value.job = *std::move(job);
        return Cancelled(std::move(accepted));
      });
  std::vector<http::EventNote> notes;
  for (const std::string& state : json::names<JobState>())
    notes.push_back(
        {state, "The job, when it is so or has gone on.", &http::reply_schema<JobInfo>});
  api.get<IdPath, http::Streamed>(
      "/api/jobs/{id}/events",
      {.summary = "Follow a job",
       .description = "An event for the job as it is, one for each change, and the end when it has "
                      "ended.",
       .tag = "jobs",
       .role = "read",
       .name = "follow_job",
       .fails = {Code::rate_limited},
       .events = std::move(notes)},
      [services](const http::Call& call, const IdPath& path) {
        return stream_job(call, *services->jobs, path.id);
      });
}

}  // namespace slipway::api::detail
