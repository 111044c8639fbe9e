#include <cctype>

#include "app/commands.hpp"

namespace slipway::app {

namespace {

json::Value to_json(const std::vector<models::ModelInfo>& models) {
  return json::Object{{"items", json::to(models)}, {"next_cursor", nullptr}};
}

std::string render_models(const std::vector<models::ModelInfo>& models) {
  std::vector<std::vector<std::string>> rows;
  for (const models::ModelInfo& model : models)
    rows.push_back(
        {model.name, std::string(json::name(model.task)), std::string(json::name(model.provider)),
         model.state, model.size_bytes == 0 ? "-" : format_bytes(model.size_bytes),
         model.licence.empty() ? "-" : printable(model.licence), printable(model.description)});
  return format_table({"NAME", "TASK", "PROVIDER", "STATE", "SIZE", "LICENCE", "DESCRIPTION"},
                      rows);
}

void print_installed(App& app, const std::vector<models::ModelInfo>& models) {
  if (app.options().json) {
    app.print_json(models.size() == 1 ? json::to(models.front()) : to_json(models));
    return;
  }
  for (const models::ModelInfo& model : models)
    app.print(fmt::format("{}: {}, {}, {}\n", model.name, json::name(model.task),
                          format_bytes(model.size_bytes), model.hash));
}

/// "Qwen3 4B-Q4_K_M.gguf" -> "qwen3-4b-q4_k_m": names of models are lower case without spaces.
std::string name_of(const std::string& path) {
  std::filesystem::path file(path);
  if (!file.has_filename()) file = file.parent_path();  // "folder/"
  const bool has_model_ending = file.extension() == ".gguf" || file.extension() == ".onnx";
  std::string name = has_model_ending ? file.stem().string() : file.filename().string();
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    c = static_cast<char>(std::tolower(byte));
    if (!std::isalnum(byte) && c != '.' && c != '_' && c != '-') c = '-';
  }
  return name;
}

}  // namespace

Result<int> models_list(App& app) {
  const auto models = TRY(TRY(app.catalog())->list());
  if (app.options().json)
    app.print_json(to_json(models));
  else
    app.print(render_models(models));
  return exit_done;
}

Result<int> models_pull(App& app, const std::vector<std::string>& names) {
  models::Catalog& catalog = *TRY(app.catalog());
  std::vector<models::ModelInfo> pulled;
  for (const std::string& name : names) {
    app.note(fmt::format("fetching {}", name));
    pulled.push_back(TRY(catalog.pull(app.context(), name)));
  }
  print_installed(app, pulled);
  return exit_done;
}

Result<int> models_import(App& app, const ImportOptions& options) {
  const std::string name = options.name.empty() ? name_of(options.path) : options.name;
  print_installed(app, {TRY(TRY(app.catalog())->import(app.context(), options.path, name))});
  return exit_done;
}

}  // namespace slipway::app
