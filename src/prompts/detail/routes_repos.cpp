// Repositories: prompts, agents and skills, with what is said of them.
#include <algorithm>

#include "prompts/detail/routes_hub.hpp"
#include "prompts/mount.hpp"

namespace slipway::prompts {

namespace detail {

namespace {

json::Object repo_json(const Prompt& prompt) {
  return {{"id", prompt.id},
          {"repo_handle", prompt.name},
          {"repo_type", json::name(prompt.kind)},
          {"description", prompt.description},
          {"readme", prompt.readme},
          {"tenant_id", trace::tenant_id()},
          {"created_at", format_time(prompt.created)},
          {"updated_at", format_time(prompt.updated)},
          {"is_public", prompt.is_public},
          {"is_archived", prompt.is_archived},
          {"tags", json::to(prompt.labels)},
          {"original_repo_id", nullptr},
          {"upstream_repo_id", nullptr},
          {"owner", owner},
          {"full_name", fmt::format("{}/{}", owner, prompt.name)},
          {"num_likes", prompt.likes},
          {"num_downloads", prompt.downloads},
          {"num_views", prompt.downloads},
          {"liked_by_auth_user", prompt.is_liked},
          {"last_commit_hash",
           prompt.last_hash.empty() ? json::Value() : json::Value(prompt.last_hash)},
          {"num_commits", prompt.commits},
          {"original_repo_full_name", nullptr},
          {"upstream_repo_full_name", nullptr}};
}

struct RepoBody {
  std::optional<std::string> repo_handle, repo_type, description, readme;
  std::optional<std::vector<std::string>> tags;
  std::optional<bool> is_public, is_archived;
};
BOOST_DESCRIBE_STRUCT(RepoBody, (),
                      (repo_handle, repo_type, description, readme, tags, is_public, is_archived))

Result<RepoBody> repo_body(const http::ExchangePtr& exchange) {
  return json::from<RepoBody>(TRY(body_of(exchange)), json::Policy::ignore_unknown);
}

Result<http::Response> create(Prompts& prompts, const http::ExchangePtr& exchange,
                              const http::PathParameters&) {
  const RepoBody body = TRY(repo_body(exchange));
  Prompt prompt;
  prompt.name = body.repo_handle.value_or("");
  // What nobody knows here ("file" ...) is kept as a directory's kind would be.
  if (body.repo_type)
    prompt.kind = TRY(json::from<Kind>(json::Value(*body.repo_type)).within("repo_type"));
  prompt.description = body.description.value_or("");
  prompt.readme = body.readme.value_or("");
  prompt.labels = body.tags.value_or(std::vector<std::string>());
  prompt.is_public = body.is_public.value_or(false);
  const Prompt made = TRY(prompts.create(exchange->context(), std::move(prompt)));
  return json_reply(json::Object{{"repo", repo_json(made)}});
}

Result<http::Response> list(Prompts& prompts, const http::ExchangePtr& exchange,
                            const http::PathParameters&) {
  const http::Request& request = exchange->request();
  PromptQuery query;
  query.text = trace::query_value(request, "query");
  if (query.text && query.text->empty()) query.text.reset();
  const auto flag = [&](const char* name) -> std::optional<bool> {
    const auto text = trace::query_value(request, name);
    if (!text || *text == "allow") return std::nullopt;
    return trace::is_asked(request, name);
  };
  query.is_public = flag("is_public");
  query.is_archived = flag("is_archived");
  query.kind = Kind::prompt;
  if (const auto type = trace::query_value(request, "repo_type"))
    query.kind = TRY(json::from<Kind>(json::Value(*type)).within("repo_type"));
  if (const auto sort = trace::query_value(request, "sort_field")) query.sort = *sort;
  query.is_descending = trace::query_value(request, "sort_direction").value_or("desc") != "asc";
  query.limit =
      static_cast<int>(std::min<std::size_t>(TRY(trace::query_number(request, "limit", 20)), 1000));
  query.offset = static_cast<int>(
      std::min<std::size_t>(TRY(trace::query_number(request, "offset", 0)), 1u << 30));
  const PromptPage page = TRY(prompts.list(exchange->context(), query));
  json::Array repos;
  for (const Prompt& prompt : page.items) repos.emplace_back(repo_json(prompt));
  return json_reply(json::Object{{"repos", std::move(repos)}, {"total", page.total}});
}

Result<http::Response> read(Prompts& prompts, const http::ExchangePtr& exchange,
                            const http::PathParameters& path) {
  const Prompt prompt = TRY(prompts.get(exchange->context(), TRY(repo_of(path))));
  return json_reply(json::Object{{"repo", repo_json(prompt)}});
}

Result<http::Response> change(Prompts& prompts, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  const RepoBody body = TRY(repo_body(exchange));
  const PromptChange change{.description = body.description,
                            .readme = body.readme,
                            .labels = body.tags,
                            .is_public = body.is_public,
                            .is_archived = body.is_archived};
  const Prompt changed = TRY(prompts.change(exchange->context(), TRY(repo_of(path)), change));
  return json_reply(json::Object{{"repo", repo_json(changed)}});
}

Result<http::Response> remove(Prompts& prompts, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  TRY(prompts.remove(exchange->context(), TRY(repo_of(path))));
  return json_reply(json::Object{{"message", "deleted"}});
}

struct LikeBody {
  bool like = true;
};
BOOST_DESCRIBE_STRUCT(LikeBody, (), (like))

Result<http::Response> like(Prompts& prompts, const http::ExchangePtr& exchange,
                            const http::PathParameters& path) {
  const auto body = TRY(json::from<LikeBody>(TRY(body_of(exchange)), json::Policy::ignore_unknown));
  const auto likes = TRY(prompts.like(exchange->context(), TRY(repo_of(path)), body.like));
  return json_reply(json::Object{{"likes", likes}});
}

// --- Tags of commits

struct TagBody {
  std::optional<std::string> tag_name, commit_id;
};
BOOST_DESCRIBE_STRUCT(TagBody, (), (tag_name, commit_id))

json::Object tag_json(const Prompt& prompt, const Commit& commit, const std::string& tag) {
  return {{"id", trace::uuid_of(prompt.id + "\n" + tag)},
          {"repo_id", prompt.id},
          {"commit_id", commit.id},
          {"commit_hash", commit.hash},
          {"tag_name", tag},
          {"created_at", format_time(commit.created)},
          {"updated_at", format_time(prompt.updated)}};
}

Result<http::Response> put_tag(Prompts& prompts, const http::ExchangePtr& exchange,
                               const http::PathParameters& path) {
  const Context& context = exchange->context();
  const std::string name = TRY(repo_of(path));
  const auto body = TRY(json::from<TagBody>(TRY(body_of(exchange)), json::Policy::ignore_unknown));
  const std::string tag = body.tag_name ? *body.tag_name : trace::path_value(path, "tag");
  if (!body.commit_id) return fail(Code::invalid_argument, "commit_id: is missing");
  TRY(prompts.tag(context, name, tag, *body.commit_id));
  return json_reply(
      tag_json(TRY(prompts.get(context, name)), TRY(prompts.find(context, name, tag)), tag));
}

Result<http::Response> list_tags(Prompts& prompts, const http::ExchangePtr& exchange,
                                 const http::PathParameters& path) {
  const Context& context = exchange->context();
  const std::string name = TRY(repo_of(path));
  const Prompt prompt = TRY(prompts.get(context, name));
  json::Array tags;
  constexpr int page = 1000;
  for (int offset = 0;; offset += page) {
    const auto commits = TRY(prompts.commits(context, name, page, offset));
    for (const Commit& commit : commits)
      for (const std::string& tag : commit.tags) tags.emplace_back(tag_json(prompt, commit, tag));
    if (static_cast<int>(commits.size()) < page) break;
  }
  return json_reply(tags);
}

Result<http::Response> read_tag(Prompts& prompts, const http::ExchangePtr& exchange,
                                const http::PathParameters& path) {
  const Context& context = exchange->context();
  const std::string name = TRY(repo_of(path)), tag = trace::path_value(path, "tag");
  const Commit commit = TRY(prompts.find(context, name, tag));
  return json_reply(tag_json(TRY(prompts.get(context, name)), commit, tag));
}

Result<http::Response> remove_tag(Prompts& prompts, const http::ExchangePtr& exchange,
                                  const http::PathParameters& path) {
  TRY(prompts.untag(exchange->context(), TRY(repo_of(path)), trace::path_value(path, "tag")));
  return json_reply(json::Object{{"message", "deleted"}});
}

}  // namespace

void add(http::Router& router, const trace::LangSmithFace& face, Prompts& prompts,
         std::string_view method, const std::string& path, Serve serve) {
  const std::string role = method == "GET" ? "read" : "write";
  const auto handler = [&prompts, serve](const http::ExchangePtr& exchange,
                                         const http::PathParameters& parameters) {
    return serve(prompts, exchange, parameters);
  };
  face.serve(router, std::string(method), path, role, handler);
  face.serve(router, std::string(method), path + "/", role, handler);
}

Result<std::string> repo_of(const http::PathParameters& path) {
  const std::string whose = trace::path_value(path, "owner");
  const std::string name = trace::path_value(path, "repo");
  if (whose != "-" && whose != owner)
    return fail(Code::not_found, "'{}/{}' is not here; the owner of all prompts is '{}'",
                whose.substr(0, 60), name.substr(0, 128), owner);
  return name;
}

Result<json::Object> body_of(const http::ExchangePtr& exchange) {
  return json::from<json::Object>(TRY(json::parse(exchange->request().body).within("the body")));
}

http::Response json_reply(const json::Value& value) {
  return trace::json_response(200, json::dump(value));
}

void mount_repos(http::Router& router, const trace::LangSmithFace& face, Prompts& prompts) {
  const std::string one = "/repos/{owner}/{repo}";
  add(router, face, prompts, "POST", "/repos", create);
  add(router, face, prompts, "GET", "/repos", list);
  add(router, face, prompts, "GET", one, read);
  add(router, face, prompts, "PATCH", one, change);
  add(router, face, prompts, "DELETE", one, remove);
  add(router, face, prompts, "POST", "/likes/{owner}/{repo}", like);
  add(router, face, prompts, "POST", one + "/tags", put_tag);
  add(router, face, prompts, "GET", one + "/tags", list_tags);
  add(router, face, prompts, "GET", one + "/tags/{tag}", read_tag);
  add(router, face, prompts, "PATCH", one + "/tags/{tag}", put_tag);
  add(router, face, prompts, "DELETE", one + "/tags/{tag}", remove_tag);
}

}  // namespace detail

void mount_hub(http::Router& router, const trace::Services& services, Prompts& prompts) {
  const trace::LangSmithFace face(services);
  detail::mount_repos(router, face, prompts);
  detail::mount_commits(router, face, prompts);
  detail::mount_directories(router, face, prompts);
}

}  // namespace slipway::prompts
