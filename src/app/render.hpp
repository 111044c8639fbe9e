// Results as text for people. Pure functions: the same content with and without colours.
#pragma once

#include <string>

#include "app/terminal.hpp"
#include "rag/wire.hpp"

namespace slipway::app {

/// "docs/traces.md, Guide > Budgets, bytes 210-263" · "report.pdf, page 3".
std::string render_place(const rag::Citation& citation);
std::string render_place(const rag::SearchItem& item);

/// A sentence with its marks in front of the final stop, as in `Answer::answer`: "Kept for 30 days
/// [1][2]."
std::string render_sentence(const rag::Sentence& sentence);

/// Everything below the sentences of an answer: its sources, or the reason of a refusal and where
/// to look; then one line on how the answer came about.
std::string render_below_answer(const rag::Answer& answer, std::string_view question,
                                const Style& style);
/// A whole answer.
std::string render_answer(const rag::Answer& answer, std::string_view question, const Style& style);

/// Ranked passages, the words of the query emphasised.
std::string render_search(const rag::SearchReply& reply, const Style& style);

/// "3 added, 1 updated, ..."; of a dry run also the estimate.
std::string render_report(const rag::IngestReport& report);
/// The warnings of a report for a person: at most ten, then how many more.
std::string render_warnings(const rag::IngestReport& report);

/// What a deletion took away, and what is left.
std::string render_deletion(const rag::DeletionReport& report);

/// "recursive, 800 characters, overlap 0"
std::string render_splitter(const documents::SplitterSettings& splitter);

std::string render_replay(const rag::Replay& replay, const Style& style);

}  // namespace slipway::app
