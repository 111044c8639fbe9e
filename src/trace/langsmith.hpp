// LangSmith's run messages in: single, batch and multipart bodies become patches of runs,
// attachments and feedback. Source: the LangSmith SDK 0.15 as captured on the wire.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

struct Attachment {
  std::string run_id, name, media_type, bytes;
};

/// Of one ingest request, in the order in which it came: later patches of a run win.
struct LangSmithBatch {
  std::vector<RunPatch> runs;
  std::vector<Attachment> attachments;
  std::vector<json::Object> feedback;  ///< FeedbackCreate, as sent.
};

/// `POST /runs`: may lack trace id and dotted order. `PATCH /runs/{id}`: nulls say nothing.
/// Fails: invalid_argument naming the field.
Result<LangSmithBatch> decode_langsmith_run(std::string_view body, const std::string& id_of_path);
/// `POST /runs/batch`: {"post": [...], "patch": [...]}.
Result<LangSmithBatch> decode_langsmith_batch(std::string_view body);
/// `POST /runs/multipart`, uncompressed: parts "post.ID", "patch.ID.outputs",
/// "attachment.ID.NAME", "feedback.ID". Fails: invalid_argument naming the part.
Result<LangSmithBatch> decode_langsmith_multipart(std::string_view body,
                                                  const std::string& content_type);

}  // namespace slipway::trace
