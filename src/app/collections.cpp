#include <unistd.h>

#include <iostream>

#include "app/commands.hpp"
#include "app/render.hpp"

namespace slipway::app {

namespace {

/// "search lexical, answer extract": those that are said.
std::string render_defaults(const rag::QuestionDefaults& defaults) {
  std::string said;
  const json::Value object = json::to(defaults);
  for (const auto& [name, value] : object.as_object()) {
    if (value.is_null()) continue;
    said += fmt::format("{}{} {}", said.empty() ? "" : ", ", std::string_view(name),
                        value.is_string() ? std::string(value.as_string()) : json::dump(value));
  }
  return said;
}

std::string render_collection(const rag::CollectionInfo& info) {
  return format_table({}, {{"name", info.name},
                           {"documents", group_digits(info.documents)},
                           {"chunks", group_digits(info.chunks)},
                           {"embedder", info.embedder},
                           {"splitter", render_splitter(info.splitter)},
                           {"language", info.language},
                           {"questions use", info.defaults ? render_defaults(*info.defaults)
                                                           : "what every collection does"},
                           {"index version", std::to_string(info.index_version)},
                           {"created", info.created_at}});
}

/// Only a person who sees what goes may say yes.
bool is_confirmed(App& app, const rag::CollectionInfo& info) {
  app.err().write(fmt::format("Delete collection '{}' with {} documents? [y/N] ", info.name,
                              group_digits(info.documents)));
  std::string reply;
  std::getline(std::cin, reply);
  return reply == "y" || reply == "Y" || reply == "yes";
}

}  // namespace

Result<int> collections_list(App& app) {
  const auto infos = TRY(TRY(app.library())->collections(app.context()));
  if (app.options().json) {
    app.print_json(json::Object{{"items", json::to(infos)}, {"next_cursor", nullptr}});
    return exit_done;
  }
  std::vector<std::vector<std::string>> rows;
  for (const rag::CollectionInfo& info : infos)
    rows.push_back({info.name, group_digits(info.documents), group_digits(info.chunks),
                    info.embedder, info.created_at});
  app.print(rows.empty()
                ? "No collections yet; 'slipway ingest' makes one.\n"
                : format_table({"NAME", "DOCUMENTS", "CHUNKS", "EMBEDDER", "CREATED"}, rows));
  return exit_done;
}

Result<int> collections_show(App& app, const std::string& name) {
  const auto info = TRY(TRY(app.library())->collection(app.context(), name));
  if (app.options().json)
    app.print_json(json::to(info));
  else
    app.print(render_collection(info));
  return exit_done;
}

Result<int> collections_delete(App& app, const DeleteOptions& options) {
  rag::Library& library = *TRY(app.library());
  const auto info = TRY(library.collection(app.context(), options.name));
  if (!options.yes && ::isatty(STDIN_FILENO) == 0)
    return app.wrong_use(
        fail(Code::invalid_argument,
             "deleting '{}' with {} documents needs --yes when nobody can be asked", info.name,
             info.documents));
  if (!options.yes && !is_confirmed(app, info)) {
    app.note("nothing deleted");
    return exit_failed;
  }
  TRY(library.remove_collection(app.context(), options.name));
  if (app.options().json)
    app.print_json(json::Object{{"deleted", info.name}, {"documents", info.documents}});
  else
    app.print(
        fmt::format("deleted {} with {} documents\n", info.name, group_digits(info.documents)));
  return exit_done;
}

}  // namespace slipway::app
