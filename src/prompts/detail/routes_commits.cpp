// Commits of prompts, and of directories of files.
#include <algorithm>

#include "prompts/detail/routes_hub.hpp"

namespace slipway::prompts::detail {

namespace {

std::string commit_path() { return "/commits/{owner}/{repo}"; }

/// As a constructor of LangChain, whatever it was written as; with the model only if it is asked
/// for.
Result<json::Object> manifest_for(const Commit& commit, bool has_model) {
  if (commit.form == Form::directory)
    return fail(Code::invalid_argument, "this is a directory of files; pull it as one");
  json::Object manifest =
      commit.form == Form::manifest ? commit.body : manifest_of(TRY(template_of(commit)));
  if (has_model) {
    // What the playground saved is a sequence to those who run it.
    const json::Value* saved = manifest.if_contains("id");
    if (saved != nullptr && saved->is_array() && !saved->get_array().empty() &&
        saved->get_array().back() == "PromptPlayground")
      manifest["id"] = json::Array{"langchain", "schema", "runnable", "RunnableSequence"};
    return manifest;
  }
  const json::Value* kwargs = manifest.if_contains("kwargs");
  const json::Value* id = manifest.if_contains("id");
  const bool is_sequence = id != nullptr && id->is_array() && !id->get_array().empty() &&
                           (id->get_array().back() == "RunnableSequence" ||
                            id->get_array().back() == "PromptPlayground");
  if (!is_sequence || kwargs == nullptr || !kwargs->is_object()) return manifest;
  const json::Value* first = kwargs->get_object().if_contains("first");
  return first != nullptr && first->is_object() ? first->get_object() : manifest;
}

json::Value text_or_null(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

json::Object listed(const Prompt& prompt, const Commit& commit) {
  return {{"id", commit.id},
          {"manifest_id", trace::uuid_of(commit.hash)},
          {"repo_id", prompt.id},
          {"parent_id", nullptr},
          {"commit_hash", commit.hash},
          {"parent_commit_hash", text_or_null(commit.parent_hash)},
          {"description", text_or_null(commit.description)},
          {"created_at", format_time(commit.created)},
          {"updated_at", format_time(commit.created)},
          {"example_run_ids", json::Array()},
          {"num_downloads", commit.downloads},
          {"num_views", commit.downloads}};
}

Result<http::Response> list(Prompts& prompts, const http::ExchangePtr& exchange,
                            const http::PathParameters& path) {
  const Context& context = exchange->context();
  const http::Request& request = exchange->request();
  const std::string name = TRY(repo_of(path));
  const Prompt prompt = TRY(prompts.get(context, name));
  const std::size_t limit =
      std::clamp<std::size_t>(TRY(trace::query_number(request, "limit", 20)), 1, 100);
  const std::size_t offset =
      std::min<std::size_t>(TRY(trace::query_number(request, "offset", 0)), 1u << 30);
  json::Array commits;
  for (const Commit& commit :
       TRY(prompts.commits(context, name, static_cast<int>(limit), static_cast<int>(offset)))) {
    json::Object one = listed(prompt, commit);
    if (commit.form != Form::directory)
      if (auto manifest = manifest_for(commit, trace::is_asked(request, "include_model")))
        one["manifest"] = *std::move(manifest);
    commits.emplace_back(std::move(one));
  }
  return json_reply(json::Object{{"commits", std::move(commits)}, {"total", prompt.commits}});
}

Result<http::Response> read(Prompts& prompts, const http::ExchangePtr& exchange,
                            const http::PathParameters& path) {
  const Context& context = exchange->context();
  const std::string name = TRY(repo_of(path));
  const Commit commit = TRY(prompts.find(context, name, trace::path_value(path, "commit")));
  const bool has_model = trace::is_asked(exchange->request(), "include_model");
  json::Object manifest = TRY(manifest_for(commit, has_model));
  json::Object reply{{"commit_hash", commit.hash},
                     {"manifest", std::move(manifest)},
                     {"examples", json::Array()},
                     {"description", text_or_null(commit.description)}};
  TRY(prompts.count_download(context, commit.id));
  return json_reply(reply);
}

struct CommitBody {
  std::optional<std::string> parent_commit, description;
  std::optional<json::Object> manifest;
};
BOOST_DESCRIBE_STRUCT(CommitBody, (), (parent_commit, description, manifest))

json::Object commit_reply(const Commit& commit) {
  return {{"commit", json::Object{{"id", commit.id},
                                  {"commit_hash", commit.hash},
                                  {"parent_commit_hash", text_or_null(commit.parent_hash)},
                                  {"created_at", format_time(commit.created)}}}};
}

Result<http::Response> create(Prompts& prompts, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  auto body = TRY(json::from<CommitBody>(TRY(body_of(exchange)), json::Policy::ignore_unknown));
  if (!body.manifest) return fail(Code::invalid_argument, "manifest: is missing");
  std::string parent = body.parent_commit.value_or("");
  if (parent == "latest") parent.clear();
  return json_reply(commit_reply(TRY(prompts.commit(exchange->context(), TRY(repo_of(path)),
                                                    {.form = Form::manifest,
                                                     .body = *std::move(body.manifest),
                                                     .description = body.description.value_or(""),
                                                     .parent_hash = std::move(parent)}))));
}

// --- Directories

json::Object files_of(const Commit& commit) {
  const json::Value* files = commit.body.if_contains("files");
  return files != nullptr && files->is_object() ? files->get_object() : json::Object();
}

Result<http::Response> read_directory(Prompts& prompts, const http::ExchangePtr& exchange,
                                      const http::PathParameters& path) {
  const Commit commit =
      TRY(prompts.find(exchange->context(), TRY(repo_of(path)),
                       trace::query_value(exchange->request(), "commit").value_or("latest")));
  if (commit.form != Form::directory)
    return fail(Code::invalid_argument, "this is a prompt, no directory of files");
  return json_reply(json::Object{
      {"commit_id", commit.id}, {"commit_hash", commit.hash}, {"files", files_of(commit)}});
}

struct DirectoryBody {
  std::optional<json::Object> files;
  std::optional<std::string> parent_commit;
};
BOOST_DESCRIBE_STRUCT(DirectoryBody, (), (files, parent_commit))

/// The latest files with those of the body put in their place; null takes one away.
Result<http::Response> commit_directory(Prompts& prompts, const http::ExchangePtr& exchange,
                                        const http::PathParameters& path) {
  const Context& context = exchange->context();
  const std::string name = TRY(repo_of(path));
  const auto body =
      TRY(json::from<DirectoryBody>(TRY(body_of(exchange)), json::Policy::ignore_unknown));
  json::Object files;
  auto latest = prompts.find(context, name, "latest");
  if (latest)
    files = files_of(*latest);
  else if (latest.error().code() != Code::not_found)
    return latest.error();
  for (const auto& [file, entry] : body.files.value_or(json::Object())) {
    if (!entry.is_null() && !entry.is_object())
      return fail(Code::invalid_argument, "files: '{}' is no entry", std::string_view(file));
    if (entry.is_null())
      files.erase(file);
    else
      files[file] = entry;
  }
  return json_reply(
      commit_reply(TRY(prompts.commit(context, name,
                                      {.form = Form::directory,
                                       .body = json::Object{{"files", std::move(files)}},
                                       .description = "",
                                       .parent_hash = body.parent_commit.value_or("")}))));
}

Result<http::Response> remove_directory(Prompts& prompts, const http::ExchangePtr& exchange,
                                        const http::PathParameters& path) {
  TRY(prompts.remove(exchange->context(), TRY(repo_of(path))));
  return json_reply(json::Object{{"message", "deleted"}});
}

}  // namespace

void mount_commits(http::Router& router, const trace::LangSmithFace& face, Prompts& prompts) {
  add(router, face, prompts, "GET", commit_path(), list);
  add(router, face, prompts, "POST", commit_path(), create);
  add(router, face, prompts, "GET", commit_path() + "/{commit}", read);
}

void mount_directories(http::Router& router, const trace::LangSmithFace& face, Prompts& prompts) {
  const std::string path = "/platform/hub/repos/{owner}/{repo}/directories";
  add(router, face, prompts, "GET", path, read_directory);
  add(router, face, prompts, "DELETE", path, remove_directory);
  add(router, face, prompts, "POST", path + "/commits", commit_directory);
}

}  // namespace slipway::prompts::detail
