// Goldens in files: JSON Lines and CSV of our own, and what deepeval, RAGAS, LangSmith, promptfoo
// and SQuAD-like sets are kept in.
//
// What a format has no place for is not lost. On reading it goes into `metadata`; on writing it
// goes into a member "slipway" of the format's own metadata, so that reading what was written gives
// the same goldens again, whichever format it was.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/golden.hpp"

namespace slipway::eval {

enum class GoldenFormat { native, deepeval, ragas, langsmith, promptfoo, squad };
BOOST_DESCRIBE_ENUM(GoldenFormat, native, deepeval, ragas, langsmith, promptfoo, squad)

/// One JSON object a line; one JSON value; a table; YAML (promptfoo alone).
enum class GoldenLayout { jsonl, json, csv, yaml };
BOOST_DESCRIBE_ENUM(GoldenLayout, jsonl, json, csv, yaml)

inline constexpr std::size_t goldens_max = 1'000'000;           ///< Of one file.
inline constexpr std::size_t golden_file_bytes_max = 1u << 30;  ///< 1 GiB

struct GoldenFile {
  std::vector<Golden> goldens;  ///< Identified; no two of one id.
  GoldenFormat format = GoldenFormat::native;
  GoldenLayout layout = GoldenLayout::jsonl;
  std::vector<std::string> notes;  ///< "line 7 repeats line 3": what was left out, and why.
};

/// `name` is the file's: its ending tells the layout (.csv, .yaml, .json; else what stands there).
/// Without `format` the members of the first record tell it: `user_input` is RAGAS, `inputs`
/// LangSmith, `data` or `question` with `answers` SQuAD, `tests` promptfoo, `additional_metadata`
/// deepeval. Records that say the same are one golden. Fails: invalid_argument with line, and
/// column in tables ("line 3, column 9 (latency_ms): ..."), or the place of a record ("$[2]: ...").
Result<GoldenFile> read_goldens(std::string_view text, std::string_view name,
                                std::optional<GoldenFormat> format = {});
/// The same of a file. Fails: as `read_file` too; the file's name stands before the message.
Result<GoldenFile> load_goldens(const std::filesystem::path& path,
                                std::optional<GoldenFormat> format = {});

/// Fails: unsupported (promptfoo and squad are only read; YAML).
Result<std::string> write_goldens(const std::vector<Golden>& goldens, GoldenFormat format,
                                  GoldenLayout layout);

}  // namespace slipway::eval
