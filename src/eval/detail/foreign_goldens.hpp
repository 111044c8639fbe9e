// One record of another tool, as an object in our own words, and back.
#pragma once

#include <string_view>
#include <vector>

#include "eval/golden.hpp"
#include "eval/golden_files.hpp"

namespace slipway::eval::detail {

/// The member in which a foreign record keeps what it has no other place for.
inline constexpr std::string_view own_member = "slipway";

/// What a record means in members of a golden; not yet checked. Fails: invalid_argument naming the
/// member.
Result<json::Object> native_of(const json::Object& record, GoldenFormat format);
/// The golden as deepeval, RAGAS or LangSmith would write it, without what it has no place for.
json::Object foreign_of(const Golden& golden, GoldenFormat format);
/// The record's own member, if there is one, replaces what `native` says; null takes away.
void restore_own(const json::Object& record, GoldenFormat format, json::Object& native);
/// Puts into `record` what `read_back` (that record, read again) does not say of the golden.
void keep_own(const Golden& golden, const json::Object& read_back, GoldenFormat format,
              json::Object& record);

/// The test cases of a promptfoo configuration, or of a list of them, in our own words.
Result<std::vector<json::Object>> promptfoo_goldens(const json::Value& whole);
/// The questions of {"data": [{"title", "paragraphs": [{"context", "qas": [...]}]}]}.
Result<std::vector<json::Object>> squad_goldens(const json::Value& whole);
/// One of {"question", "answers": {"text": [...], "answer_start": [...]}, "context", "title"}.
Result<json::Object> squad_golden(const json::Object& record);

/// The text that an object of a foreign tool means: of "question", of the last message ...; all of
/// it as JSON where nothing tells.
std::string text_of(const json::Object& object);

}  // namespace slipway::eval::detail
