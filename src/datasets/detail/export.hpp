// A version of a dataset as one file.
#pragma once

#include "datasets/datasets.hpp"

namespace slipway::datasets::detail {

enum class Format {
  jsonl,  ///< {"id", "inputs", "outputs", "metadata", "split"} a line.
  csv,    ///< A column for each key of inputs and outputs: "input_KEY", "output_KEY".
  openai  ///< {"messages": [...]} a line, for fine-tuning.
};
BOOST_DESCRIBE_ENUM(Format, jsonl, csv, openai)

struct ExportWish {
  std::string dataset_id;
  AsOf as_of;
  Format format = Format::jsonl;
};
struct Export {
  std::string bytes, media_type, file_name;
};
/// Fails: not_found; invalid_argument (larger than 256 MiB; openai: an example is no conversation).
Result<Export> export_dataset(const Context& context, Datasets& datasets, const ExportWish& wish);

}  // namespace slipway::datasets::detail
