// Reads one JSON object a line: {"schema": ..., "seed": n, "temperature": x, "tokens": n}. Without
// tokens it answers {"grammar": "..."}; with them the model replies, {"text": "...", "whole":
// bool}; a schema that is refused gives {"error": "..."}.
#include <iostream>

#include "models/detail/llama_chat.hpp"
#include "models/detail/schema_grammar.hpp"

namespace {

using namespace slipway;

struct Task {
  json::Value schema;
  std::int64_t seed = 0;
  double temperature = 1;
  std::optional<std::int64_t> tokens;
};
BOOST_DESCRIBE_STRUCT(Task, (), (schema, seed, temperature, tokens))

dialects::ChatRequest request_of(const Task& task) {
  dialects::ChatRequest request;
  request.messages.resize(1);
  request.messages[0].parts.resize(1);
  request.messages[0].parts[0].text = "Answer in JSON.";
  request.max_tokens = task.tokens;
  request.temperature = task.temperature;
  request.seed = task.seed;
  request.response_format.kind = dialects::ResponseKind::json_schema;
  request.response_format.schema = task.schema;
  return request;
}

Result<json::Value> answer(models::ChatModel& model, std::string_view line) {
  const Task task = TRY(json::from<Task>(TRY(json::parse(line))));
  json::Object object;
  if (!task.tokens) {
    object["grammar"] = TRY(models::detail::schema_grammar(task.schema));
    return json::Value(object);
  }
  const auto reply = TRY(model.converse({}, request_of(task)));
  std::string text;
  for (const dialects::Part& part : reply.choices.at(0).parts) text += part.text;
  object["text"] = text;
  object["whole"] = reply.choices[0].finish_reason == dialects::FinishReason::stop;
  return json::Value(object);
}

}  // namespace

int main(int, char** arguments) {
  models::detail::LlamaChatOptions options;
  options.name = "small";
  options.path = std::string(arguments[1]) + "/smollm2-135m-instruct/model.gguf";
  options.threads = 1;
  const auto model = models::detail::open_llama_chat(options);
  if (!model) {
    std::cerr << model.error().message() << "\n";
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    auto answered = answer(**model, line);
    json::Value value =
        answered ? *answered : json::Value(json::Object{{"error", answered.error().message()}});
    std::cout << json::dump(value) << std::endl;
  }
  return 0;
}
