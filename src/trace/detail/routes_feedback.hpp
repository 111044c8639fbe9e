// Feedback, queues, shared links and attachments over HTTP, at the LangSmith face.
#pragma once

#include "trace/face.hpp"

namespace slipway::trace::detail {

/// Tells feedback of which trace and project its run is, once that has arrived.
Result<void> place_feedback(const Context& context, const Services& services);

/// The run of that link and all below it, with their payloads; itself first.
/// Fails: not_found.
Result<std::vector<Run>> shared_runs(const Context& context, const Services& services,
                                     const std::string& token);

/// What `place_feedback` does, for one that names a run. Whether the run is here.
Result<bool> place_of_run(const Context& context, const Services& services, Feedback& feedback);
/// The id of the project of that name, whether it is here or not.
Result<std::string> project_uuid(const Context& context, const Services& services,
                                 const std::string& name);
/// The root's id. Fails: not_found (the trace, or its root has not arrived).
Result<std::string> root_of(const Context& context, const Services& services,
                            const std::string& trace_id);
/// Scheme and host as the caller knows them.
std::string base_url(const http::Request& request);

void mount_feedback(http::Router& router, const LangSmithFace& face, const Services& services);
void mount_queues(http::Router& router, const LangSmithFace& face, const Services& services);
void mount_queue_items(http::Router& router, const LangSmithFace& face, const Services& services);
/// Shared runs, attachments, secrets.
void mount_shares(http::Router& router, const LangSmithFace& face, const Services& services);

}  // namespace slipway::trace::detail
