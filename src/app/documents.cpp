#include "app/commands.hpp"
#include "app/render.hpp"

namespace slipway::app {

namespace {

/// Pages are fetched in pieces of what the library allows at once.
constexpr int page_limit_max = 1000;

Result<rag::DocumentPage> fetch(App& app, const DocumentsOptions& options) {
  rag::Library& library = *TRY(app.library());
  const std::string collection = TRY(app.collection_or_default(options.collection));
  rag::DocumentPage all;
  std::string cursor = options.cursor;
  int left = options.limit;
  do {
    rag::DocumentPage page =
        TRY(library.documents(app.context(), collection, std::min(left, page_limit_max), cursor));
    left -= static_cast<int>(page.items.size());
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all.items));
    all.next_cursor = page.next_cursor;
    cursor = page.next_cursor.value_or("");
  } while (left > 0 && all.next_cursor);
  return all;
}

}  // namespace

Result<int> documents_list(App& app, const DocumentsOptions& options) {
  const auto page = TRY(fetch(app, options));
  if (app.options().json) {
    app.print_json(json::to(page));
    return exit_done;
  }
  std::vector<std::vector<std::string>> rows;
  for (const rag::DocumentInfo& document : page.items)
    rows.push_back({document.id, printable(document.path), group_digits(document.chunks),
                    format_bytes(static_cast<std::uint64_t>(document.size_bytes)),
                    printable(document.title)});
  app.print(rows.empty() ? "No documents.\n"
                         : format_table({"ID", "PATH", "CHUNKS", "SIZE", "TITLE"}, rows));
  if (page.next_cursor)
    app.note(fmt::format("there are more; go on with --cursor '{}'", *page.next_cursor));
  return exit_done;
}

Result<int> documents_text(App& app, const std::string& id) {
  const std::string text = TRY(TRY(app.library())->document_text(app.context(), id));
  if (app.options().json)
    app.print_json(json::Object{{"id", id}, {"text", text}});
  else if (app.out_style().is_terminal)
    app.print(printable(text) + (text.ends_with('\n') ? "" : "\n"));
  else
    app.print(text);  // Byte for byte, so that offsets of citations can be checked against it.
  return exit_done;
}

Result<int> documents_delete(App& app, const std::vector<std::string>& ids) {
  rag::Library& library = *TRY(app.library());
  json::Array deleted;
  bool is_clean = true;
  for (const std::string& id : ids) {
    const rag::DeletionReport report = TRY(library.remove_document(app.context(), id));
    is_clean = is_clean && report.remaining.empty();
    deleted.push_back(json::to(report));
    if (!app.options().json) app.print(render_deletion(report));
  }
  if (app.options().json) app.print_json(json::Object{{"deleted", std::move(deleted)}});
  return is_clean ? exit_done : exit_failed;
}

}  // namespace slipway::app
