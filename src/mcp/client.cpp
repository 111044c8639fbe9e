#include "mcp/client.hpp"

#include <algorithm>
#include <atomic>
#include <set>

#include "core/guarded.hpp"
#include "core/log.hpp"
#include "mcp/detail/headers.hpp"

namespace slipway::mcp {

namespace {

std::string method_of(ListKind kind) {
  switch (kind) {
    case ListKind::tools: return "tools/list";
    case ListKind::prompts: return "prompts/list";
    case ListKind::resources: return "resources/list";
    default: return "resources/templates/list";
  }
}

bool is_modern_error(const RpcError& error) {
  return error.code == code::unsupported_version || error.code == code::header_mismatch ||
         error.code == code::missing_capability;
}

bool contains_text(const json::Object& object, std::string_view key, std::string_view text) {
  const auto* list = object.if_contains(key);
  if (!list || !list->is_array()) return false;
  return std::any_of(list->get_array().begin(), list->get_array().end(), [&](const auto& item) {
    return item.is_string() && item.get_string() == text;
  });
}

Error to_error(const RpcError& error) {
  const bool is_ours = error.code == code::invalid_params || error.code == code::invalid_request ||
                       error.code == code::missing_capability ||
                       error.code == code::resource_not_found;
  const bool is_unknown = error.code == code::method_not_found;
  return fail(is_ours      ? Code::invalid_argument
              : is_unknown ? Code::unsupported
                           : Code::unavailable,
              "the server says: {} ({})", error.message, error.code);
}

class ClientOfWire final : public Client {
 public:
  ClientOfWire(std::unique_ptr<Wire> wire, ClientOptions options)
      : options_(std::move(options)), wire_(std::move(wire)) {
    if (wire_->is_process()) listen();
  }

  Result<void> greet(const Context& context) {
    if (options_.era == Era::legacy) return initialize(context);
    version_ = std::string(modern_version);
    is_modern_ = true;
    if (options_.era == Era::modern) return {};  // The first request tells.
    // A process of an older era may say nothing to what it does not know.
    const Context limited =
        wire_->is_process() ? context.with_timeout(options_.probe_timeout) : context;
    auto answer = wire_->ask(limited, outgoing("server/discover", {}), [](Message) {});
    if (!answer) {
      const Code why = answer.error().code();
      if (!context.check() || !wire_->is_open() || why == Code::unauthenticated ||
          why == Code::forbidden || (why == Code::unavailable && wire_->is_process()))
        return std::move(answer.error());
      if (why != Code::deadline_exceeded && why != Code::unsupported)
        return std::move(answer.error());
      return initialize(context);
    }
    if (answer->result && contains_text(*answer->result, "supportedVersions", modern_version)) {
      discovered_ = std::move(*answer->result);
      return {};
    }
    if (answer->error && is_modern_error(*answer->error)) {
      const auto* data = answer->error->data.if_object();
      if (answer->error->code != code::unsupported_version ||
          (data && contains_text(*data, "supported", modern_version)))
        return {};
      if (!data || std::none_of(std::begin(legacy_versions), std::end(legacy_versions),
                                [&](auto old) { return contains_text(*data, "supported", old); }))
        return fail(Code::unsupported, "the server speaks no revision that we know: {}",
                    answer->error->message);
    }
    return initialize(context);
  }

  bool is_modern() const override { return is_modern_; }
  const std::string& version() const override { return version_; }
  const json::Object& capabilities() const override {
    return object_of(discovered_, "capabilities");
  }
  std::string instructions() const override { return text_of(discovered_, "instructions"); }
  bool is_open() const override { return wire_->is_open(); }

  Result<std::vector<json::Object>> list(const Context& context, ListKind kind) override {
    std::vector<json::Object> items;
    std::string cursor;
    std::set<std::string> seen;
    do {
      json::Object params;
      if (!cursor.empty()) params["cursor"] = cursor;
      const json::Object page = TRY(request(context, method_of(kind), std::move(params), {}));
      const auto* list = page.if_contains(list_name(kind));
      if (!list || !list->is_array())
        return fail(Code::invalid_argument, "the server's answer to {} has no list '{}'",
                    method_of(kind), list_name(kind));
      for (const json::Value& item : list->get_array()) {
        if (!item.is_object() || (kind == ListKind::tools && !take_tool(item.get_object())))
          continue;
        if (items.size() == options_.items_max)
          return fail(Code::invalid_argument, "the server lists more than {} {}",
                      options_.items_max, list_name(kind));
        items.push_back(item.get_object());
      }
      cursor = text_of(page, "nextCursor");
    } while (!cursor.empty() && seen.insert(cursor).second);
    return items;
  }

  Result<json::Object> call_tool(const Context& context, const std::string& name,
                                 const json::Object& arguments,
                                 const CallOptions& options) override {
    if (is_modern_ && !wire_->is_process() && !has_listed_) TRY(list(context, ListKind::tools));
    return request(context, "tools/call", {{"name", name}, {"arguments", arguments}}, options);
  }
  Result<json::Object> get_prompt(const Context& context, const std::string& name,
                                  const json::Object& arguments) override {
    return request(context, "prompts/get", {{"name", name}, {"arguments", arguments}}, {});
  }
  Result<json::Object> read_resource(const Context& context, const std::string& uri) override {
    return request(context, "resources/read", {{"uri", uri}}, {});
  }

  Result<json::Object> request(const Context& context, const std::string& method,
                               json::Object params, const CallOptions& options) override {
    bool has_listed_again = false, has_changed_version = false;
    for (int round = 0; round < options_.rounds_max; ++round) {
      const Outgoing out = outgoing(method, params, options);
      Message answer = TRY(
          wire_->ask(context, out, [&](Message message) { take(std::move(message), options); }));
      if (answer.error) {
        if (is_modern_ && answer.error->code == code::unsupported_version && !has_changed_version) {
          has_changed_version = true;
          const auto* data = answer.error->data.if_object();
          if (data && contains_text(*data, "supported", modern_version)) continue;
        }
        // The tool may have changed since it was listed.
        if (answer.error->code == code::header_mismatch && method == "tools/call" &&
            !has_listed_again) {
          has_listed_again = true;
          TRY(list(context, ListKind::tools));
          continue;
        }
        return to_error(*answer.error);
      }
      json::Object result = std::move(*answer.result);
      const std::string type = text_of(result, "resultType");
      if (!is_modern_ || type.empty() || type == "complete") return result;
      if (type != "input_required")
        return fail(Code::invalid_argument, "the server's result is of the unknown type '{}'",
                    type);
      TRY(answer_round(result, params));
    }
    return fail(Code::unavailable, "the server asked more than {} times within one request",
                options_.rounds_max);
  }

 private:
  void listen() {
    wire_->listen([this](Message message) { take(std::move(message), {}); });
  }

  json::Object our_capabilities() const {
    json::Object object;
    if (options_.elicit) object["elicitation"] = json::Object();
    if (options_.sample) object["sampling"] = json::Object();
    if (options_.roots) object["roots"] = json::Object();
    return object;
  }
  json::Object identity() const { return {{"name", options_.name}, {"version", options_.version}}; }

  Outgoing outgoing(const std::string& method, json::Object params,
                    const CallOptions& options = {}) {
    Outgoing out{.method = method, .version = version_, .is_modern = is_modern_};
    const std::int64_t id = ++last_id_;
    if (is_modern_) {
      if (const auto name = detail::name_of_request(method, params))
        out.headers.emplace_back("Mcp-Name", detail::header_value(*name));
      if (method == "tools/call") add_param_headers(params, out);
    }
    json::Object meta = object_of(params, "_meta");
    if (options.on_progress) meta["progressToken"] = id;
    if (is_modern_) {
      meta[meta::protocol_version] = version_;
      meta[meta::client_info] = identity();
      meta[meta::client_capabilities] = our_capabilities();
    }
    if (!meta.empty()) params["_meta"] = std::move(meta);
    out.message = make_request(id, method, std::move(params));
    return out;
  }

  void add_param_headers(const json::Object& params, Outgoing& out) {
    const std::string name = text_of(params, "name");
    tools_.with([&](const auto& tools) {
      const auto found = tools.find(name);
      if (found == tools.end()) return;
      for (const detail::HeaderParam& param : found->second)
        if (const auto text = detail::header_text(param, object_of(params, "arguments")))
          out.headers.emplace_back(param.header, detail::header_value(*text));
    });
  }

  /// Of a server that is known to be modern.
  Result<void> discover(const Context& context) {
    is_modern_ = true;
    version_ = std::string(modern_version);
    Message answer = TRY(wire_->ask(context, outgoing("server/discover", {}), [](Message) {}));
    if (answer.error) return to_error(*answer.error);
    discovered_ = std::move(*answer.result);
    return {};
  }

  Result<void> initialize(const Context& context) {
    is_modern_ = false;
    version_.clear();
    const Outgoing out = outgoing("initialize", {{"protocolVersion", options_.legacy_version},
                                                 {"capabilities", our_capabilities()},
                                                 {"clientInfo", identity()}});
    Message answer = TRY(wire_->ask(context, out, [](Message) {}));
    // One that was slow to start has heard our first word since, and keeps to the era of that.
    if (answer.error && is_modern_error(*answer.error) && options_.era == Era::any)
      return discover(context);
    if (answer.error) return to_error(*answer.error);
    discovered_ = std::move(*answer.result);
    version_ = text_of(discovered_, "protocolVersion");
    if (!is_legacy(version_))
      return fail(Code::unsupported, "the server speaks revision '{}', which we do not", version_);
    TRY(wire_->tell(context, {.message = make_notification("notifications/initialized", {}),
                              .method = "notifications/initialized",
                              .version = version_}));
    if (!wire_->is_process() && hears()) listen();
    return {};
  }

  /// Whether there is anybody for what a server says by itself.
  bool hears() const {
    return options_.elicit || options_.sample || options_.roots || options_.on_notification;
  }

  bool take_tool(const json::Object& tool) {
    has_listed_ = true;
    const auto* schema = tool.if_contains("inputSchema");
    const std::string name = text_of(tool, "name");
    if (name.empty() || !schema) return false;
    if (!is_modern_ || wire_->is_process()) return true;
    auto params = detail::header_params(*schema);
    if (!params) {
      log::warning("mcp: tool '{}' is left out: {}", name, params.error().message());
      return false;
    }
    tools_.with([&](auto& tools) { tools[name] = std::move(*params); });
    return true;
  }

  Result<json::Object> answer_question(const std::string& method, const json::Object& params) {
    if (method == "elicitation/create" && options_.elicit) {
      json::Object answer = TRY(options_.elicit(params));
      if (text_of(answer, "action") == "accept" && params.contains("requestedSchema"))
        answer["content"] =
            with_defaults(object_of(params, "requestedSchema"), object_of(answer, "content"));
      return answer;
    }
    if (method == "sampling/createMessage" && options_.sample) return options_.sample(params);
    if (method == "roots/list" && options_.roots) return options_.roots(params);
    if (method == "ping") return json::Object();
    return fail(Code::unsupported, "this client does not answer '{}'", method);
  }

  /// Of a modern server: its questions, and what it wants back.
  Result<void> answer_round(const json::Object& result, json::Object& params) {
    json::Object answers;
    for (const auto& [key, question] : object_of(result, "inputRequests")) {
      if (!question.is_object()) continue;
      const json::Object& object = question.get_object();
      answers[key] = TRY(answer_question(text_of(object, "method"), object_of(object, "params"))
                             .within("answering the server"));
    }
    params.erase("requestState");
    params.erase("inputResponses");
    if (!answers.empty()) params["inputResponses"] = std::move(answers);
    if (const auto* state = result.if_contains("requestState")) params["requestState"] = *state;
    if (!params.contains("inputResponses") && !params.contains("requestState"))
      return fail(Code::invalid_argument, "the server wants an answer and asks nothing");
    return {};
  }

  /// What comes before an answer, or belongs to none.
  void take(Message message, const CallOptions& options) {
    if (message.is_request()) return answer_server(message);
    if (message.method == "notifications/progress" && options.on_progress) {
      const auto* done = message.params.if_contains("progress");
      const auto* total = message.params.if_contains("total");
      if (done && done->is_number())
        options.on_progress(
            done->to_number<double>(),
            total && total->is_number() ? std::optional(total->to_number<double>()) : std::nullopt,
            text_of(message.params, "message"));
    }
    if (options_.on_notification) options_.on_notification(message);
  }

  void answer_server(const Message& message) {
    auto answer = is_modern_ ? Result<json::Object>(fail(Code::unsupported, "not in this revision"))
                             : answer_question(message.method, message.params);
    json::Object out = answer ? make_result(message.id, std::move(*answer))
                              : make_error(message.id, {answer.error().code() == Code::unsupported
                                                            ? code::method_not_found
                                                            : code::internal_error,
                                                        answer.error().message(),
                                                        {}});
    const auto told =
        wire_->tell({}, {.message = std::move(out), .version = version_, .is_modern = is_modern_});
    if (!told) log::warning("mcp: answering the server: {}", told.error().message());
  }

  const ClientOptions options_;
  std::string version_;
  bool is_modern_ = false;
  std::atomic<bool> has_listed_ = false;
  std::atomic<std::int64_t> last_id_ = 0;
  json::Object discovered_;
  Guarded<std::map<std::string, std::vector<detail::HeaderParam>>> tools_;
  std::unique_ptr<Wire> wire_;  ///< Last: what comes on it uses the rest.
};

}  // namespace

json::Object with_defaults(const json::Object& requested_schema, json::Object content) {
  for (const auto& [key, property] : object_of(requested_schema, "properties")) {
    if (content.contains(key) || !property.is_object()) continue;
    if (const auto* value = property.get_object().if_contains("default")) content[key] = *value;
  }
  return content;
}

Result<std::unique_ptr<Client>> Client::connect(const Context& context, std::unique_ptr<Wire> wire,
                                                ClientOptions options) {
  auto client = std::make_unique<ClientOfWire>(std::move(wire), std::move(options));
  TRY(client->greet(context));
  return std::unique_ptr<Client>(std::move(client));
}

}  // namespace slipway::mcp
