#include "datasets/detail/native.hpp"

#include "datasets/detail/wire.hpp"

namespace slipway::datasets::detail {

Result<Named> named(const Context& context, Datasets& datasets, const std::string& name) {
  const auto find = [&](const std::string& one) -> Result<Dataset> {
    auto dataset = datasets.read_named(context, one);
    if (dataset || dataset.error().code() != Code::not_found) return dataset;
    if (auto by_id = datasets.read(context, one)) return by_id;
    return dataset;
  };
  // A client of LangSmith may have put an @ into the name itself.
  if (auto whole = find(name)) return Named{*std::move(whole), AsOf{}};
  const std::size_t at = name.rfind('@');
  Dataset dataset = TRY(find(name.substr(0, at)));
  AsOf as_of = TRY(parse_as_of(at == std::string::npos ? "" : name.substr(at + 1)));
  return Named{std::move(dataset), std::move(as_of)};
}

DatasetShape shape_of(const Dataset& dataset) {
  return {.id = dataset.id,
          .name = dataset.name,
          .description = dataset.description,
          .data_type = dataset.data_type,
          .inputs_schema = dataset.inputs_schema,
          .outputs_schema = dataset.outputs_schema,
          .metadata = dataset.metadata,
          .created_at = time_text(dataset.created),
          .modified_at = time_text(dataset.modified),
          .example_count = dataset.example_count};
}

VersionShape shape_of(const VersionInfo& info) {
  return {.version = time_text(info.version), .tags = info.tags};
}

std::string native_example_text(const Example& example, const std::string& origin) {
  json::Object head{{"id", example.id},
                    {"metadata", example.metadata},
                    {"splits", json::to(example.splits())},
                    {"source_run_id", json::to(example.source_run_id)},
                    {"created_at", time_text(example.created)},
                    {"version", time_text(example.modified)}};
  json::Array attachments;
  for (const Attachment& one : example.attachments)
    attachments.push_back(
        json::to(AttachmentShape{.name = one.name,
                                 .media_type = one.media_type,
                                 .url = origin + "/public/attachments/" + one.token,
                                 .size_bytes = one.size_bytes}));
  head["attachments"] = std::move(attachments);
  std::string text = json::dump(head);
  text.pop_back();
  return text + ",\"inputs\":" + example.inputs +
         ",\"outputs\":" + example.outputs.value_or("null") + "}";
}

}  // namespace slipway::datasets::detail
