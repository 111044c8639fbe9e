#include <map>
#include <thread>

#include "core/pool.hpp"
#include "mcp/conformance.hpp"
#include "mcp/detail/conformance_schemas.hpp"

namespace slipway::mcp {

namespace {

using namespace detail;
using Run = std::function<Answer(Call&, const json::Object& arguments)>;

constexpr std::string_view no_arguments = R"({"type": "object", "properties": {}})";

json::Value parsed(std::string_view text) {
  auto value = json::parse(text);
  SLIPWAY_ASSERT(value.ok());
  return std::move(*value);
}

json::Object text_form(std::string_view message, std::string_view field, std::string_view type) {
  return {{"message", message},
          {"requestedSchema",
           json::Object{{"type", "object"},
                        {"properties", json::Object{{field, json::Object{{"type", type}}}}},
                        {"required", json::Array{field}}}}};
}

Question form(std::string key, std::string_view message, std::string_view field,
              std::string_view type = "string") {
  return {.key = std::move(key),
          .method = "elicitation/create",
          .params = text_form(message, field, type)};
}

Question sample(std::string key, std::string_view prompt, int tokens) {
  const json::Object message{{"role", "user"}, {"content", text_content(prompt)}};
  return {.key = std::move(key),
          .method = "sampling/createMessage",
          .params = {{"messages", json::Array{message}}, {"maxTokens", tokens}}};
}

Question roots(std::string key) {
  return {.key = std::move(key), .method = "roots/list", .params = {}};
}

const json::Object& answer_of(const json::Object& answers, std::string_view key) {
  return object_of(answers, key);
}
std::string field_of(const json::Object& answers, std::string_view key, std::string_view field) {
  return text_of(object_of(answer_of(answers, key), "content"), field);
}
std::size_t roots_of(const json::Object& answers, std::string_view key) {
  const auto* list = answer_of(answers, key).if_contains("roots");
  return list && list->is_array() ? list->get_array().size() : 0;
}

json::Object embedded(std::string_view uri, std::string_view type, std::string_view text) {
  return {{"type", "resource"},
          {"resource", json::Object{{"uri", uri}, {"mimeType", type}, {"text", text}}}};
}
json::Object media(std::string_view kind, std::string_view data, std::string_view type) {
  return {{"type", kind}, {"data", data}, {"mimeType", type}};
}
Answer content(json::Array blocks) { return json::Object{{"content", std::move(blocks)}}; }

/// What a form brought, in the words of the suite.
Answer told_form(Call& call, const Question& question, std::string_view intro) {
  const auto answers = call.ask({question});
  if (!answers) return call.pending();
  const json::Object& answer = answer_of(*answers, question.key);
  return Answer::tool_text(fmt::format("{}: action={}, content={}", intro,
                                       text_of(answer, "action"),
                                       json::dump(object_of(answer, "content"))));
}

Answer needs(std::string_view capability) {
  return RpcError{
      code::missing_capability,
      fmt::format("this tool needs a client with the capability '{}'", capability),
      json::Object{{"requiredCapabilities", json::Object{{capability, json::Object()}}}}};
}

json::Object user_message(json::Object block) {
  return {{"role", "user"}, {"content", std::move(block)}};
}

class Fixture final : public ConformanceOffer {
 public:
  Fixture() {
    add_content_tools();
    add_telling_tools();
    add_asking_tools();
    add_round_tools();
    add_other_tools();
    add_prompts();
  }
  void set_server(Server& server) override { server_ = &server; }

  Info info() const override {
    return {.name = "slipway-conformance",
            .title = "Slipway conformance fixture",
            .version = "1",
            .description = {},
            .instructions = {},
            .has_prompts = true,
            .has_resources = true,
            .has_completions = true,
            .has_logging = true,
            .tells_changes = true,
            .is_public = true,
            .fresh = std::chrono::minutes(5)};
  }

  Result<Page> list(Call&, ListKind kind, const std::string& cursor) override {
    if (!cursor.empty()) return fail(Code::invalid_argument, "cursor '{}' is unknown", cursor);
    if (kind == ListKind::tools) return Page{.items = tools_, .next_cursor = {}};
    if (kind == ListKind::prompts) return Page{.items = prompts_, .next_cursor = {}};
    static const json::Value resources = parsed(R"([
      {"uri": "test://static-text", "name": "static-text", "title": "Static Text Resource",
       "description": "A static text resource for testing", "mimeType": "text/plain"},
      {"uri": "test://static-binary", "name": "static-binary", "title": "Static Binary Resource",
       "description": "A static binary resource (image) for testing", "mimeType": "image/png"},
      {"uri": "test://watched-resource", "name": "watched-resource", "title": "Watched Resource",
       "description": "A resource that clients can watch", "mimeType": "text/plain"}])");
    static const json::Value templates = parsed(R"([
      {"uriTemplate": "test://template/{id}/data", "name": "template",
       "title": "Resource Template", "mimeType": "application/json",
       "description": "A resource template with parameter substitution"}])");
    return Page{.items = (kind == ListKind::resources ? resources : templates).get_array(),
                .next_cursor = {}};
  }

  json::Value input_schema(Call&, const std::string& tool) override {
    for (const json::Value& item : tools_)
      if (text_of(item.get_object(), "name") == tool) return item.get_object().at("inputSchema");
    return {};
  }

  Answer call_tool(Call& call, const std::string& name, const json::Object& arguments) override {
    const auto found = run_.find(name);
    return found == run_.end() ? unknown_thing(call, "tool", name) : found->second(call, arguments);
  }
  Answer get_prompt(Call& call, const std::string& name, const json::Object& arguments) override {
    const auto found = prompt_.find(name);
    return found == prompt_.end() ? unknown_thing(call, "prompt", name)
                                  : found->second(call, arguments);
  }

  Answer read_resource(Call& call, const std::string& uri) override {
    json::Object item{{"uri", uri}, {"mimeType", "text/plain"}};
    constexpr std::string_view before = "test://template/", after = "/data";
    if (uri == "test://static-text") {
      item["text"] = "This is the content of the static text resource.";
    } else if (uri == "test://watched-resource") {
      item["text"] = "Watched resource content";
    } else if (uri == "test://static-binary") {
      item["mimeType"] = "image/png";
      item["blob"] = conformance_png;
    } else if (uri.starts_with(before) && uri.ends_with(after) &&
               uri.size() > before.size() + after.size()) {
      const std::string id = uri.substr(before.size(), uri.size() - before.size() - after.size());
      item["mimeType"] = "application/json";
      item["text"] = json::dump(json::Object{
          {"id", id}, {"templateTest", true}, {"data", fmt::format("Data for ID: {}", id)}});
    } else {
      return unknown_thing(call, "resource", uri);
    }
    return json::Object{{"contents", json::Array{std::move(item)}}};
  }

 private:
  void add(std::string_view name, std::string_view description, Run run,
           std::string_view schema = no_arguments) {
    tools_.push_back(json::Object{
        {"name", name}, {"description", description}, {"inputSchema", parsed(schema)}});
    run_.emplace(name, std::move(run));
  }

  void add_content_tools() {
    add("test_simple_text", "Tests simple text content response", [](Call&, const auto&) {
      return Answer::tool_text("This is a simple text response for testing.");
    });
    add("test_image_content", "Tests image content response",
        [](Call&, const auto&) { return content({media("image", conformance_png, "image/png")}); });
    add("test_audio_content", "Tests audio content response",
        [](Call&, const auto&) { return content({media("audio", conformance_wav, "audio/wav")}); });
    add("test_embedded_resource", "Tests embedded resource content response",
        [](Call&, const auto&) {
          return content({embedded("test://embedded-resource", "text/plain",
                                   "This is an embedded resource content.")});
        });
    add("test_multiple_content_types", "Tests response with text, image and resource",
        [](Call&, const auto&) {
          return content({text_content("Multiple content types test:"),
                          media("image", conformance_png, "image/png"),
                          embedded("test://mixed-content-resource", "application/json",
                                   R"({"test":"data","value":123})")});
        });
    add("test_error_handling", "Tests error response handling", [](Call&, const auto&) {
      return Answer::tool_error("This tool intentionally returns an error for testing");
    });
  }

  static void rest() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

  void add_telling_tools() {
    add("test_tool_with_logging", "Tests log messages during execution",
        [](Call& call, const auto&) {
          call.log("info", "", "Tool execution started");
          rest();
          call.log("info", "", "Tool processing data");
          rest();
          call.log("info", "", "Tool execution completed");
          return Answer::tool_text("Tool with logging executed successfully");
        });
    add("test_logging_tool", "Logs if the request allows it", [](Call& call, const auto&) {
      call.log("info", "fixture", "Diagnostic trace logging activated");
      return Answer::tool_text("Logging evaluated");
    });
    add("test_tool_with_progress", "Tests progress notifications", [](Call& call, const auto&) {
      for (const int done : {0, 50, 100}) {
        call.progress(done, 100, fmt::format("Completed step {} of 100", done));
        if (done < 100) rest();
      }
      return Answer::tool_text("Progress told");
    });
    add("test_streaming_elicitation", "Streams progress before its result",
        [](Call& call, const auto&) {
          call.progress(50, 100, "");
          return Answer::tool_text("Streaming complete");
        });
    add("test_reconnection", "Ends the stream in the middle; the client comes back for the result",
        [](Call& call, const auto&) {
          call.pause_stream(std::chrono::milliseconds(500));
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
          return Answer::tool_text(
              "Reconnection test completed successfully. If you received this, the client "
              "properly reconnected after stream closure.");
        });
  }

  void add_asking_tools() {
    add(
        "test_sampling", "Tests server-initiated sampling",
        [](Call& call, const json::Object& arguments) {
          const auto answers = call.ask({sample("prompt", text_of(arguments, "prompt"), 100)});
          if (!answers) return call.pending();
          return Answer::tool_text(
              fmt::format("LLM response: {}", field_of(*answers, "prompt", "text")));
        },
        R"({"type": "object", "properties": {"prompt": {"type": "string",
            "description": "The prompt to send to the LLM"}}, "required": ["prompt"]})");
    add(
        "test_elicitation", "Tests server-initiated elicitation",
        [](Call& call, const json::Object& arguments) {
          return told_form(call,
                           {.key = "form",
                            .method = "elicitation/create",
                            .params = {{"message", text_of(arguments, "message")},
                                       {"requestedSchema", parsed(form_of_user)}}},
                           "User response");
        },
        R"({"type": "object", "properties": {"message": {"type": "string",
            "description": "The message to show the user"}}, "required": ["message"]})");
    add_form("test_elicitation_sep1034_defaults", "Tests elicitation with default values",
             "Please review and update the form fields with defaults", form_with_defaults);
    add_form("test_elicitation_sep1330_enums", "Tests elicitation with choices",
             "Please select options from the enum fields", form_with_choices);
  }

  void add_form(std::string_view name, std::string_view description, std::string_view message,
                std::string_view schema) {
    add(name, description, [message, schema](Call& call, const auto&) {
      return told_form(call,
                       {.key = "form",
                        .method = "elicitation/create",
                        .params = {{"message", message}, {"requestedSchema", parsed(schema)}}},
                       "Elicitation completed");
    });
  }

  void add_round_tools() {
    const std::string tool = "test_input_required_result_";
    add(tool + "elicitation", "Asks for a name", [](Call& call, const auto&) {
      const auto got = call.ask({form("user_name", "What is your name?", "name")});
      if (!got) return call.pending();
      return Answer::tool_text(fmt::format("Hello, {}!", field_of(*got, "user_name", "name")));
    });
    add(tool + "sampling", "Asks the client's model", [](Call& call, const auto&) {
      const auto got =
          call.ask({sample("capital_question", "What is the capital of France?", 100)});
      if (!got) return call.pending();
      return Answer::tool_text(
          fmt::format("Sampling result: {}", field_of(*got, "capital_question", "text")));
    });
    add(tool + "list_roots", "Asks for roots", [](Call& call, const auto&) {
      const auto got = call.ask({roots("client_roots")});
      if (!got) return call.pending();
      return Answer::tool_text(fmt::format("Found {} root(s)", roots_of(*got, "client_roots")));
    });
    for (const auto& [name, told] :
         {std::pair(tool + "request_state", "state-ok: requestState validated"),
          std::pair(tool + "tampered_state", "integrity-ok: state verified")})
      add(name, "Asks with a state that must come back unchanged",
          [told = std::string(told)](Call& call, const auto&) {
            if (!call.ask({form("confirm", "Please confirm", "ok", "boolean")}))
              return call.pending();
            return Answer::tool_text(told);
          });
    add(tool + "multiple_inputs", "Asks three things at once", [](Call& call, const auto&) {
      const auto got =
          call.ask({form("user_name", "What is your name?", "name"),
                    sample("greeting", "Generate a greeting", 50), roots("client_roots")});
      if (!got) return call.pending();
      return Answer::tool_text(
          fmt::format("Name: {}; Greeting: {}; Roots: {}", field_of(*got, "user_name", "name"),
                      field_of(*got, "greeting", "text"), roots_of(*got, "client_roots")));
    });
    add(tool + "multi_round", "Asks twice, one after the other", [](Call& call, const auto&) {
      const auto name = call.ask({form("step1", "Step 1: What is your name?", "name")});
      if (!name) return call.pending();
      const auto color = call.ask({form("step2", "Step 2: What is your favorite color?", "color")});
      if (!color) return call.pending();
      return Answer::tool_text(fmt::format("Multi-round complete for {} who likes {}",
                                           field_of(*name, "step1", "name"),
                                           field_of(*color, "step2", "color")));
    });
    add(tool + "capabilities", "Asks only what the client can", [](Call& call, const auto&) {
      std::vector<Question> questions;
      if (call.client_can("elicitation"))
        questions.push_back(form("elicit_input", "Elicitation input", "value"));
      if (call.client_can("sampling"))
        questions.push_back(sample("sample_input", "Sample request", 50));
      if (!call.ask(questions)) return call.pending();
      return Answer::tool_text(fmt::format("capabilities-ok: {} answers", questions.size()));
    });
  }

  void add_other_tools() {
    add("test_missing_capability", "Needs a client that samples", [](Call& call, const auto&) {
      return call.client_can("sampling") ? Answer::tool_text("Success") : needs("sampling");
    });
    add("test_trigger_tool_change", "Tells that the list of tools changed",
        [this](Call&, const auto&) {
          server_->tell_changed(ListKind::tools);
          return Answer::tool_text("Mutation triggered");
        });
    add("test_trigger_prompt_change", "Tells that the list of prompts changed",
        [this](Call&, const auto&) {
          server_->tell_changed(ListKind::prompts);
          return Answer::tool_text("Mutation triggered");
        });
    add(
        "json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features",
        [](Call&, const json::Object& arguments) {
          return Answer::tool_text(
              fmt::format("JSON Schema 2020-12 tool called with: {}", json::dump(arguments)));
        },
        schema_2020_12);
    add(
        "test_custom_header", "Tool with an argument that travels in a header too",
        [](Call&, const json::Object& arguments) {
          return Answer::tool_text(fmt::format("Region: {}", text_of(arguments, "region")));
        },
        R"({"type": "object", "properties": {"region": {"type": "string",
            "x-mcp-header": "Region"}, "limit": {"type": "integer"}}, "required": ["region"]})");
  }

  void add_prompt(json::Object declared, Run run) {
    prompt_.emplace(text_of(declared, "name"), std::move(run));
    prompts_.push_back(std::move(declared));
  }
  static json::Array arguments(std::initializer_list<std::pair<const char*, const char*>> list) {
    json::Array array;
    for (const auto& [name, description] : list)
      array.push_back(
          json::Object{{"name", name}, {"description", description}, {"required", true}});
    return array;
  }

  void add_prompts() {
    add_prompt({{"name", "test_simple_prompt"},
                {"title", "Simple Test Prompt"},
                {"description", "A simple prompt without arguments"}},
               [](Call&, const auto&) {
                 return json::Object{{"messages", json::Array{user_message(text_content(
                                                      "This is a simple prompt for testing."))}}};
               });
    add_prompt(
        {{"name", "test_prompt_with_arguments"},
         {"description", "A prompt with required arguments"},
         {"arguments",
          arguments({{"arg1", "First test argument"}, {"arg2", "Second test argument"}})}},
        [](Call&, const json::Object& given) {
          return json::Object{{"messages", json::Array{user_message(text_content(fmt::format(
                                               "Prompt with arguments: arg1='{}', arg2='{}'",
                                               text_of(given, "arg1"), text_of(given, "arg2"))))}}};
        });
    add_prompt(
        {{"name", "test_prompt_with_embedded_resource"},
         {"description", "A prompt that includes an embedded resource"},
         {"arguments", arguments({{"resourceUri", "URI of the resource to embed"}})}},
        [](Call&, const json::Object& given) {
          return json::Object{
              {"messages",
               json::Array{
                   user_message(embedded(text_of(given, "resourceUri"), "text/plain",
                                         "Embedded resource content for testing.")),
                   user_message(text_content("Please process the embedded resource above."))}}};
        });
    add_prompt({{"name", "test_prompt_with_image"},
                {"description", "A prompt that includes image content"}},
               [](Call&, const auto&) {
                 return json::Object{
                     {"messages",
                      json::Array{user_message(media("image", conformance_png, "image/png")),
                                  user_message(text_content("Please analyze the image above."))}}};
               });
    add_prompt(
        {{"name", "test_input_required_result_prompt"},
         {"description", "A prompt that asks for its context"}},
        [](Call& call, const auto&) -> Answer {
          const auto got =
              call.ask({form("user_context", "What context should the prompt use?", "context")});
          if (!got) return call.pending();
          return json::Object{
              {"messages",
               json::Array{user_message(text_content(fmt::format(
                   "Prompt with context: {}", field_of(*got, "user_context", "context"))))}}};
        });
  }

  Server* server_ = nullptr;
  json::Array tools_, prompts_;
  std::map<std::string, Run, std::less<>> run_, prompt_;
};

}  // namespace

std::unique_ptr<ConformanceOffer> ConformanceOffer::make() { return std::make_unique<Fixture>(); }

Result<void> serve_conformance(const Context& context, int port,
                               const std::function<void(const std::string&)>& on_ready) {
  const auto offer = ConformanceOffer::make();
  const auto server = Server::make({.offer = *offer});
  offer->set_server(*server);
  Pool workers({.threads = 4, .queue_max = 256});
  const auto edge = TRY(
      http::Server::start({.port = port}, [&server, &workers](const http::ExchangePtr& exchange) {
        const http::Request& request = exchange->request();
        if (request.path != "/mcp") return exchange->reply({.status = 404});
        if (const auto local = check_local(request); !local)
          return exchange->reply({.status = 403, .headers = {}, .body = local.error().message()});
        if (!workers.try_submit([&server, exchange] { server->answer(exchange, {}); }))
          exchange->reply({.status = 503});
      }));
  on_ready(edge->url() + "/mcp");
  while (context.check()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  server->end_listening();
  edge->drain(std::chrono::milliseconds(200));
  return {};
}

}  // namespace slipway::mcp
