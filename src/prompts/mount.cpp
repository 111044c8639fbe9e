#include "prompts/mount.hpp"

#include <algorithm>

namespace slipway::prompts {

namespace {

struct PromptShape {
  std::string name;
  Kind kind = Kind::prompt;
  std::string description, readme;
  std::vector<std::string> labels;
  bool is_archived = false;
  std::int64_t versions = 0;
  std::vector<Share> traffic;
  std::map<std::string, int> tags;
  std::string created_at, updated_at;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "versions": {"description": "How many there are; the youngest has this number."},
    "tags": {"description": "Which version each tag stands at."}}})";
};
BOOST_DESCRIBE_STRUCT(PromptShape, (),
                      (name, kind, description, readme, labels, is_archived, versions, traffic,
                       tags, created_at, updated_at))

struct PromptList {
  std::vector<PromptShape> items;
  std::int64_t total = 0;
};
BOOST_DESCRIBE_STRUCT(PromptList, (), (items, total))

struct VariableShape {
  std::string name;
  bool required = true, list = false;
};
BOOST_DESCRIBE_STRUCT(VariableShape, (), (name, required, list))

struct CommitShape {
  int version = 0;
  std::string hash;
  std::optional<std::string> parent_hash;
  std::string description;
  std::vector<std::string> tags;
  json::Object content;
  std::vector<VariableShape> variables;
  std::string problem;
  std::string created_at;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "content": {"description": "messages, syntax, model, parameters."},
    "problem": {"description": "Why it cannot be rendered here; empty: it can."}}})";
};
BOOST_DESCRIBE_STRUCT(CommitShape, (),
                      (version, hash, parent_hash, description, tags, content, variables, problem,
                       created_at))

struct CommitList {
  std::vector<CommitShape> items;
  std::int64_t total = 0;
};
BOOST_DESCRIBE_STRUCT(CommitList, (), (items, total))

struct NamePath {
  std::string name;
  static constexpr std::string_view schema_notes =
      R"({"properties": {"name": {"maxLength": 128, "example": "greeting"}}})";
};
BOOST_DESCRIBE_STRUCT(NamePath, (), (name))

struct VersionPath : NamePath {
  std::string reference;
  static constexpr std::string_view schema_notes = R"({"properties": {"reference": {
    "maxLength": 128, "description": "A version, a tag, a hash, or latest.",
    "example": "production"}}})";
};
BOOST_DESCRIBE_STRUCT(VersionPath, (NamePath), (reference))

struct TagPath : NamePath {
  std::string tag;
  static constexpr std::string_view schema_notes =
      R"({"properties": {"tag": {"maxLength": 128, "example": "production"}}})";
};
BOOST_DESCRIBE_STRUCT(TagPath, (NamePath), (tag))

struct ListWish {
  std::string q;
  bool archived = false;
  int limit = 100, offset = 0;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "q": {"maxLength": 256, "description": "Within the name or the description."},
    "archived": {"description": "Those that were put away, instead of the others."},
    "limit": {"minimum": 1, "maximum": 1000}, "offset": {"minimum": 0}}})";
};
BOOST_DESCRIBE_STRUCT(ListWish, (), (q, archived, limit, offset))

struct CommitsWish : NamePath {
  int limit = 100, offset = 0;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "limit": {"minimum": 1, "maximum": 1000}, "offset": {"minimum": 0}}})";
};
BOOST_DESCRIBE_STRUCT(CommitsWish, (NamePath), (limit, offset))

struct NewVersion {
  std::vector<json::Object> messages;
  std::string text, syntax = "f-string", model, message;
  json::Object parameters;
  std::vector<std::string> tags;
  int parent = 0;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "messages": {"description": "role and content of each, or placeholder and optional.",
      "example": [{"role": "system", "content": "You are {role}."},
                  {"role": "user", "content": "{question}"}]},
    "text": {"maxLength": 1048576, "description": "Instead of messages: one of the user."},
    "syntax": {"enum": ["f-string", "mustache"]},
    "model": {"maxLength": 256, "description": "That it is meant for."},
    "parameters": {"description": "temperature, max_tokens ... for calls that name none."},
    "message": {"maxLength": 10000, "description": "What has changed, and why."},
    "tags": {"maxItems": 20, "description": "That stand at it from now on."},
    "parent": {"minimum": 0, "description":
      "The version it was made from: refused if there is a younger one. 0: whatever there is."}}})";
};
BOOST_DESCRIBE_STRUCT(NewVersion, (),
                      (messages, text, syntax, model, message, parameters, tags, parent))

struct TagWish {
  std::string reference = "latest";
  static constexpr std::string_view schema_notes = R"({"properties": {"reference": {
    "maxLength": 128, "description": "A version, another tag, a hash, or latest."}}})";
};
BOOST_DESCRIBE_STRUCT(TagWish, (), (reference))

struct TrafficWish {
  std::vector<Share> shares;
  static constexpr std::string_view schema_notes = R"({"properties": {"shares": {
    "maxItems": 20, "description": "Empty: no more sharing.",
    "example": [{"reference": "production", "share": 0.9}, {"reference": "staging", "share": 0.1}]
    }}})";
};
BOOST_DESCRIBE_STRUCT(TrafficWish, (), (shares))

struct Meta {
  std::optional<std::string> description, readme;
  std::optional<std::vector<std::string>> labels;
  std::optional<bool> is_archived;
};
BOOST_DESCRIBE_STRUCT(Meta, (), (description, readme, labels, is_archived))

struct RenderWish {
  json::Object variables;
  std::string sticky;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "variables": {"example": {"role": "a helper", "question": "Why?"}},
    "sticky": {"maxLength": 512, "description":
      "A user, a session: gets the same share of the traffic each time."}}})";
};
BOOST_DESCRIBE_STRUCT(RenderWish, (), (variables, sticky))

struct RenderedShape {
  std::string name, hash;
  int version = 0;
  std::vector<json::Object> messages;
  std::string model;
  json::Object parameters;
};
BOOST_DESCRIBE_STRUCT(RenderedShape, (), (name, hash, version, messages, model, parameters))

Result<PromptShape> shape_of(const Context& context, Prompts& prompts, const Prompt& prompt) {
  PromptShape shape;
  shape.name = prompt.name;
  shape.kind = prompt.kind;
  shape.description = prompt.description;
  shape.readme = prompt.readme;
  shape.labels = prompt.labels;
  shape.is_archived = prompt.is_archived;
  shape.versions = prompt.commits;
  shape.traffic = prompt.traffic;
  for (const auto& [tag, version] : TRY(prompts.tags(context, prompt.name)))
    shape.tags[tag] = version;
  shape.created_at = format_time(prompt.created);
  shape.updated_at = format_time(prompt.updated);
  return shape;
}

CommitShape shape_of(const Commit& commit) {
  CommitShape shape;
  shape.version = commit.version;
  shape.hash = commit.hash;
  if (!commit.parent_hash.empty()) shape.parent_hash = commit.parent_hash;
  shape.description = commit.description;
  shape.tags = commit.tags;
  shape.created_at = format_time(commit.created);
  const auto written = template_of(commit);
  const auto variables =
      written ? variables_of(*written) : Result<std::vector<Variable>>(written.error());
  if (!variables) {
    shape.problem = variables.error().message();
    return shape;
  }
  shape.content = template_json(*written);
  for (const Variable& one : *variables)
    shape.variables.push_back({one.name, one.is_required, one.is_list});
  return shape;
}

Result<http::Created<CommitShape>> commit(const Context& context, Prompts& prompts,
                                          const std::string& name, const NewVersion& wish) {
  json::Object body{{"syntax", wish.syntax}};
  if (!wish.text.empty()) body["text"] = wish.text;
  if (!wish.messages.empty() || wish.text.empty()) body["messages"] = json::to(wish.messages);
  if (!wish.model.empty()) body["model"] = wish.model;
  if (!wish.parameters.empty()) body["parameters"] = wish.parameters;
  // In one form, so that what says the same is the same.
  const Template written = TRY(read_template(body));
  NewCommit made{.form = Form::native, .body = template_json(written), .description = wish.message};
  if (wish.parent > 0)
    made.parent_hash = TRY(prompts.find(context, name, fmt::format("{}", wish.parent))).hash;
  // The first version makes the prompt.
  if (const auto known = prompts.get(context, name); !known) {
    if (known.error().code() != Code::not_found) return known.error();
    Prompt prompt;
    prompt.name = name;
    TRY(prompts.create(context, std::move(prompt)));
  }
  const Commit committed = TRY(prompts.commit(context, name, std::move(made)));
  for (const std::string& tag : wish.tags) TRY(prompts.tag(context, name, tag, committed.id));
  return http::Created<CommitShape>{
      shape_of(TRY(prompts.find(context, name, committed.id))),
      fmt::format("/api/prompts/{}/versions/{}", name, committed.version)};
}

RenderedShape shape_of(Rendered rendered) {
  RenderedShape shape;
  shape.name = std::move(rendered.name);
  shape.hash = std::move(rendered.hash);
  shape.version = rendered.version;
  for (json::Value& message : rendered.messages)
    shape.messages.push_back(std::move(message.as_object()));
  shape.model = std::move(rendered.model);
  shape.parameters = std::move(rendered.parameters);
  return shape;
}

void mount_prompts(http::Api& api, Prompts& prompts) {
  api.get<ListWish, PromptList>(
      "/api/prompts",
      {.summary = "List prompts", .tag = "prompts", .role = "read", .name = "list_prompts"},
      [&prompts](const http::Call& call, const ListWish& wish) -> Result<PromptList> {
        PromptQuery query;
        if (!wish.q.empty()) query.text = wish.q;
        query.is_archived = wish.archived;
        query.kind = Kind::prompt;
        query.limit = wish.limit;
        query.offset = wish.offset;
        const PromptPage page = TRY(prompts.list(call.context(), query));
        PromptList list;
        list.total = page.total;
        for (const Prompt& prompt : page.items)
          list.items.push_back(TRY(shape_of(call.context(), prompts, prompt)));
        return list;
      });
  api.get<NamePath, PromptShape>(
      "/api/prompts/{name}",
      {.summary = "One prompt",
       .tag = "prompts",
       .role = "read",
       .name = "get_prompt",
       .fails = {Code::not_found}},
      [&prompts](const http::Call& call, const NamePath& path) -> Result<PromptShape> {
        return shape_of(call.context(), prompts, TRY(prompts.get(call.context(), path.name)));
      });
  api.add<NamePath, Meta, PromptShape>(
      "PATCH", "/api/prompts/{name}",
      {.summary = "Describe a prompt, or put it away",
       .tag = "prompts",
       .role = "write",
       .name = "change_prompt",
       .fails = {Code::not_found}},
      [&prompts](const http::Call& call, const NamePath& path,
                 const Meta& meta) -> Result<PromptShape> {
        const PromptChange change{.description = meta.description,
                                  .readme = meta.readme,
                                  .labels = meta.labels,
                                  .is_public = {},
                                  .is_archived = meta.is_archived};
        return shape_of(call.context(), prompts,
                        TRY(prompts.change(call.context(), path.name, change)));
      });
  api.remove<NamePath, http::NoContent>(
      "/api/prompts/{name}",
      {.summary = "Delete a prompt with all its versions",
       .tag = "prompts",
       .role = "write",
       .name = "delete_prompt",
       .fails = {Code::not_found}},
      [&prompts](const http::Call& call, const NamePath& path) -> Result<http::NoContent> {
        TRY(prompts.remove(call.context(), path.name));
        return http::NoContent{};
      });
}

void mount_versions(http::Api& api, Prompts& prompts) {
  api.post<NamePath, NewVersion, http::Created<CommitShape>>(
      "/api/prompts/{name}/versions",
      {.summary = "Commit a version",
       .description = "The first one makes the prompt. A version never changes; what says the same "
                      "as the latest is refused (409).",
       .tag = "prompts",
       .role = "write",
       .name = "commit_prompt",
       .fails = {Code::not_found, Code::conflict}},
      [&prompts](const http::Call& call, const NamePath& path, const NewVersion& wish) {
        return commit(call.context(), prompts, path.name, wish);
      });
  api.get<CommitsWish, CommitList>(
      "/api/prompts/{name}/versions",
      {.summary = "List versions, youngest first",
       .tag = "prompts",
       .role = "read",
       .name = "list_prompt_versions",
       .fails = {Code::not_found}},
      [&prompts](const http::Call& call, const CommitsWish& wish) -> Result<CommitList> {
        CommitList list;
        list.total = TRY(prompts.get(call.context(), wish.name)).commits;
        for (const Commit& one :
             TRY(prompts.commits(call.context(), wish.name, wish.limit, wish.offset)))
          list.items.push_back(shape_of(one));
        return list;
      });
  api.get<VersionPath, CommitShape>(
      "/api/prompts/{name}/versions/{reference}",
      {.summary = "One version",
       .tag = "prompts",
       .role = "read",
       .name = "get_prompt_version",
       .fails = {Code::not_found}},
      [&prompts](const http::Call& call, const VersionPath& path) -> Result<CommitShape> {
        return shape_of(TRY(prompts.find(call.context(), path.name, path.reference)));
      });
  api.put<TagPath, TagWish, CommitShape>(
      "/api/prompts/{name}/tags/{tag}",
      {.summary = "Let a tag stand at a version",
       .tag = "prompts",
       .role = "write",
       .name = "tag_prompt",
       .fails = {Code::not_found}},
      [&prompts](const http::Call& call, const TagPath& path,
                 const TagWish& wish) -> Result<CommitShape> {
        TRY(prompts.tag(call.context(), path.name, path.tag, wish.reference));
        return shape_of(TRY(prompts.find(call.context(), path.name, path.tag)));
      });
  api.remove<TagPath, http::NoContent>(
      "/api/prompts/{name}/tags/{tag}",
      {.summary = "Remove a tag",
       .tag = "prompts",
       .role = "write",
       .name = "untag_prompt",
       .fails = {Code::not_found}},
      [&prompts](const http::Call& call, const TagPath& path) -> Result<http::NoContent> {
        TRY(prompts.untag(call.context(), path.name, path.tag));
        return http::NoContent{};
      });
}

void mount_use(http::Api& api, Prompts& prompts) {
  api.put<NamePath, TrafficWish, PromptShape>(
      "/api/prompts/{name}/traffic",
      {.summary = "Share the calls among versions",
       .description = "Of those that name the prompt alone. The same user or session gets the same "
                      "version each time.",
       .tag = "prompts",
       .role = "write",
       .name = "share_prompt_traffic",
       .fails = {Code::not_found}},
      [&prompts](const http::Call& call, const NamePath& path,
                 const TrafficWish& wish) -> Result<PromptShape> {
        TRY(prompts.share_traffic(call.context(), path.name, wish.shares));
        return shape_of(call.context(), prompts, TRY(prompts.get(call.context(), path.name)));
      });
  const auto render = [&prompts](const http::Call& call, const std::string& reference,
                                 const RenderWish& wish) -> Result<RenderedShape> {
    return shape_of(TRY(prompts.render(call.context(), reference, wish.variables, wish.sticky)));
  };
  api.post<NamePath, RenderWish, RenderedShape>(
      "/api/prompts/{name}/render",
      {.summary = "The messages of a prompt with their variables",
       .description = "Of the version that its traffic gives, else of the tag production, else of "
                      "the latest.",
       .tag = "prompts",
       .role = "read",
       .name = "render_prompt",
       .fails = {Code::not_found, Code::unsupported}},
      [render](const http::Call& call, const NamePath& path, const RenderWish& wish) {
        return render(call, path.name, wish);
      });
  api.post<VersionPath, RenderWish, RenderedShape>(
      "/api/prompts/{name}/versions/{reference}/render",
      {.summary = "The messages of one version with their variables",
       .tag = "prompts",
       .role = "read",
       .name = "render_prompt_version",
       .fails = {Code::not_found, Code::unsupported}},
      [render](const http::Call& call, const VersionPath& path, const RenderWish& wish) {
        return render(call, path.name + "@" + path.reference, wish);
      });
}

}  // namespace

void mount(http::Api& api, Prompts& prompts) {
  api.add_tag("prompts", "Templates with versions, tags, and shares of the traffic.");
  mount_prompts(api, prompts);
  mount_versions(api, prompts);
  mount_use(api, prompts);
}

}  // namespace slipway::prompts
