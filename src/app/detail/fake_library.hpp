// A library that answers what a test tells it, and an App around it that writes into strings.
#pragma once

#include "app/app.hpp"

namespace slipway::app::detail {

class FakeLibrary final : public rag::Library {
 public:
  std::vector<rag::CollectionInfo> collections_;
  rag::DocumentPage page_;
  rag::IngestReport report_;
  rag::SearchReply search_reply_;
  rag::Answer answer_;
  rag::Replay replay_;
  std::optional<Error> error_;  ///< Every call fails with it.

  // What was asked last.
  rag::IngestRequest ingest_request_;
  rag::SearchRequest search_request_;
  rag::AskRequest ask_request_;
  std::vector<std::string> removed_;
  std::vector<std::string> optimized_;
  rag::IndexReport index_report_;
  rag::DeletionReport deletion_;
  rag::VersionList versions_;
  rag::VersionDifference difference_;
  rag::MigrationReport migration_;
  rag::MigrateRequest migrate_request_;
  std::vector<std::string> queries_;

  Result<std::vector<rag::CollectionInfo>> collections(const Context&) override {
    if (error_) return *error_;
    return collections_;
  }
  Result<rag::CollectionInfo> collection(const Context&, const std::string& name) override {
    if (error_) return *error_;
    for (const auto& info : collections_)
      if (info.name == name) return info;
    return fail(Code::not_found, "collection '{}' does not exist", name);
  }
  Result<rag::CollectionInfo> make_collection(
      const Context&, const std::string& name,
      const std::optional<rag::CollectionSettings>&) override {
    rag::CollectionInfo info;
    info.name = name;
    collections_.push_back(info);
    return info;
  }
  Result<void> remove_collection(const Context&, const std::string& name) override {
    removed_.push_back(name);
    return {};
  }
  Result<rag::DocumentPage> documents(const Context&, const std::string&, int limit,
                                      const std::string& cursor) override {
    if (error_) return *error_;
    rag::DocumentPage page;
    std::size_t at = cursor.empty() ? 0 : std::stoul(cursor);
    for (; at < page_.items.size() && limit > 0; ++at, --limit)
      page.items.push_back(page_.items[at]);
    if (at < page_.items.size()) page.next_cursor = std::to_string(at);
    return page;
  }
  Result<rag::DocumentInfo> document(const Context&, const std::string&,
                                     const std::string& id) override {
    for (const rag::DocumentInfo& info : page_.items)
      if (info.id == id) return info;
    return fail(Code::not_found, "document '{}' does not exist", id);
  }
  Result<std::string> document_original(const Context&, const std::string& id) override {
    return fail(Code::not_found, "document '{}' is not kept", id);
  }
  Result<rag::PageLayout> document_page(const Context&, const std::string& id, int page) override {
    return fail(Code::not_found, "document '{}' has no page {}", id, page);
  }
  Result<std::string> document_text(const Context&, const std::string& id) override {
    return "text of " + id + " \x1b[2J";
  }
  Result<rag::DeletionReport> remove_document(const Context&, const std::string& id) override {
    removed_.push_back(id);
    rag::DeletionReport report = deletion_;
    report.document.id = id;
    return report;
  }
  Result<rag::IngestReport> ingest(const Context& context, const rag::IngestRequest& request,
                                   const rag::ProgressSink& progress) override {
    ingest_request_ = request;
    TRY(context.check());
    if (error_) return *error_;
    progress({.documents_done = 1, .documents_total = 2, .chunks_done = 5, .current = "a.md"});
    return report_;
  }
  Result<rag::SearchReply> search(const Context&, const rag::SearchRequest& request) override {
    search_request_ = request;
    if (error_) return *error_;
    return search_reply_;
  }
  Result<rag::Answer> ask(const Context&, const rag::AskRequest& request,
                          const rag::AskEvents& events) override {
    ask_request_ = request;
    if (error_) return *error_;
    if (events.on_sentence)
      for (const auto& sentence : answer_.sentences) events.on_sentence(sentence, {});
    return answer_;
  }
  Result<json::Value> receipt(const Context&, const std::string& id) override {
    return json::Value(json::Object{{"id", id}});
  }
  Result<rag::Replay> replay(const Context&, const std::string& id, bool) override {
    rag::Replay replay = replay_;
    replay.receipt_id = id;
    return replay;
  }
  Result<rag::IndexReport> index_report(const Context&, const std::string& collection,
                                        std::size_t recall_queries) override {
    rag::IndexReport report = index_report_;
    report.collection = collection;
    if (recall_queries == 0) report.recall.reset();
    return report;
  }
  Result<void> optimize(const Context&, const std::string& collection) override {
    optimized_.push_back(collection);
    return {};
  }
  Result<rag::VersionList> versions(const Context&, const std::string&) override {
    return versions_;
  }
  Result<std::int64_t> version_named(const Context&, const std::string&,
                                     const std::string& version) override {
    if (version == "none") return fail(Code::not_found, "there is no version 'none'");
    return static_cast<std::int64_t>(version.size());
  }
  Result<rag::VersionInfo> snapshot(const Context&, const std::string&, const std::string& name,
                                    std::optional<std::int64_t> version) override {
    rag::VersionInfo info;
    info.version = version.value_or(7);
    info.names = {name};
    return info;
  }
  Result<void> drop_version(const Context&, const std::string&, const std::string& name) override {
    removed_.push_back(name);
    return {};
  }
  Result<rag::VersionDifference> compare_versions(const Context&, const std::string&,
                                                  std::int64_t from, std::int64_t to,
                                                  const std::vector<std::string>& queries,
                                                  int) override {
    queries_ = queries;
    rag::VersionDifference difference = difference_;
    difference.from = from;
    difference.to = to;
    return difference;
  }
  Result<rag::MigrationReport> migrate(const Context&, const rag::MigrateRequest& request,
                                       const rag::ProgressSink& progress) override {
    migrate_request_ = request;
    TRY(request.validate());
    progress({.documents_done = 1, .documents_total = 2, .chunks_done = 5, .current = "a.md"});
    return migration_;
  }
  Result<rag::MigrationReport> roll_back(const Context&, const std::string&,
                                         const rag::ProgressSink&) override {
    return migration_;
  }
  Result<rag::IngestReport> run_source(const Context& context, const std::string& name,
                                       const rag::IngestRequest& request,
                                       const rag::ProgressSink& progress) override {
    removed_.push_back("run " + name);
    return ingest(context, request, progress);
  }
  Result<std::vector<rag::SourceRun>> source_runs(const Context&) override {
    return std::vector<rag::SourceRun>();
  }
  Result<std::vector<std::string>> check(const Context&, bool) override {
    return std::vector<std::string>();
  }
};

/// One command run in memory.
struct Run {
  std::string out, err;
  Output out_stream{out}, err_stream{err};
  FakeLibrary* library = nullptr;  ///< Owned by `app`.
  std::unique_ptr<App> app;

  explicit Run(GlobalOptions global = {}, Style style = {}, std::stop_token stop = {}) {
    app = std::make_unique<App>(App::Options{
        .global = std::move(global),
        .streams = {.out = out_stream, .err = err_stream, .out_style = style, .err_style = Style{}},
        .command = "test",
        .stop = stop});
    auto fake = std::make_unique<FakeLibrary>();
    library = fake.get();
    app->use_library(std::move(fake));
  }
};

}  // namespace slipway::app::detail
