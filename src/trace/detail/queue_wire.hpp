// Annotation queues as LangSmith's clients write and read them.
#pragma once

#include "trace/face.hpp"

namespace slipway::trace::detail {

json::Object queue_json(const AnnotationQueue& queue);
json::Object queue_item_json(const QueueItem& item);
/// An id, or {"run_id", "session_id", "project_id", "thread_id", "start_time", ...}.
/// Fails: invalid_argument naming the member.
Result<QueueItem> read_queue_item(const json::Value& value);

/// `status` and times of a request. Fails: invalid_argument.
Result<QueueItemQuery> item_query(const http::Request& request);
Result<int> limit_of(const http::Request& request);
Result<int> offset_of(const http::Request& request);

}  // namespace slipway::trace::detail
