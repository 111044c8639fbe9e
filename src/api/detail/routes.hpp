// The groups of routes; `mount` declares them in this order.
#pragma once

#include <memory>

#include "api/detail/wire.hpp"
#include "api/mount.hpp"

namespace slipway::api::detail {

/// Kept by every route and every job.
using ServicesPtr = std::shared_ptr<const Services>;

void mount_collections(http::Api&, const ServicesPtr&);
void mount_documents(http::Api&, const ServicesPtr&);
void mount_ingest(http::Api&, const ServicesPtr&);
void mount_jobs(http::Api&, const ServicesPtr&);
void mount_questions(http::Api&, const ServicesPtr&);
void mount_versions(http::Api&, const ServicesPtr&);

/// For `Location`.
std::string job_location(const JobInfo& job);
/// Progress of ingests and migrations, as a job tells it.
rag::ProgressSink progress_of(JobReport& report);
/// Starts `work` and replies with the job.
Result<http::Accepted<JobReply>> start_job(const http::Call&, const Services&, std::string kind,
                                           std::string collection, JobWork work);

}  // namespace slipway::api::detail
