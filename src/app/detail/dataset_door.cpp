#include "app/detail/dataset_door.hpp"

#include "app/detail/tracing.hpp"
#include "eval/golden_files.hpp"

namespace slipway::app::detail {

DatasetDoor::DatasetDoor(store::Database& database)
    : files_(store::BlobStore::in_memory()),
      datasets_({.database = database, .attachments = *files_}) {}

Result<std::unique_ptr<DatasetDoor>> DatasetDoor::open(App& app, DataFolder data) {
  store::Database* const database = TRY(app.database(data));
  return std::make_unique<DatasetDoor>(*database);
}

Result<std::unique_ptr<trace::TraceStore>> open_trace_store(App& app) {
  const std::filesystem::path folder = traces_folder(TRY(app.data_folder()));
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored))
    return fail(Code::not_found, "there are no traces in '{}'; name another folder with --data",
                folder.parent_path().string());
  return trace::TraceStore::open({.path = folder, .is_read_only = true});
}

Result<Goldens> load_goldens(App& app, const std::string& name) {
  std::error_code ignored;
  if (name.find_first_of("./") != std::string::npos && std::filesystem::exists(name, ignored)) {
    auto file = TRY(eval::load_goldens(name));
    return Goldens{std::move(file.goldens), name, std::move(file.notes)};
  }
  const auto door = TRY(DatasetDoor::open(app, DataFolder::must_exist));
  const auto named = TRY(eval::find_goldens(app.context(), door->datasets(), name));
  return Goldens{TRY(eval::goldens_of(app.context(), door->datasets(), named)), name, {}};
}

}  // namespace slipway::app::detail
