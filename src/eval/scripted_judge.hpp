// A judge that says what was written down: for tests, for comparing implementations, and for
// scoring again what a model once said. It asks nobody and leaves neither spans nor a cache.
//
// Replies of one case and metric: {"step": ["raw reply", ...], "logprobs": [[{"token",
// "top_logprobs": [{"token", "logprob"}]}, ...], ...], "embeddings": {"text": [0.1, ...]},
// "entailment": [{"sentence": 0, "citations": [1, 2], "reply": "{\"entailed\": 1}"}]}. A step's
// questions take its replies in order; a question that is asked once more takes the next one.
#pragma once

#include <filesystem>
#include <memory>

#include "eval/judge.hpp"

namespace slipway::eval {

/// JSONL, one line a case and metric: {"case": id, "metric": the entry's `as`, "replies": {...}}.
/// The file is read again for every case, so that memory holds only where each stands; it must not
/// change meanwhile. Fails: not_found, forbidden, unavailable (the file), invalid_argument (a line
/// that is no such object, or repeats one, by its number).
Result<std::unique_ptr<Judge>> open_scripted_judge(const std::filesystem::path& file);

/// The same replies for whatever case and metric is asked for.
std::unique_ptr<Judge> scripted_judge(json::Object replies);
/// Not null.
std::unique_ptr<Judge> scripted_judge(std::shared_ptr<const json::Object> replies);

/// What `*replies` points to when it is asked, which is borrowed. For one thread.
std::unique_ptr<Judge> scripted_judge(const json::Object* const* replies);

}  // namespace slipway::eval
