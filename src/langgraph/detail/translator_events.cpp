// Mode "events": a run as LangChain's callbacks tell it, spans within spans.
#include "langgraph/detail/ids.hpp"
#include "langgraph/detail/translator.hpp"

namespace slipway::langgraph::detail {

namespace {

std::string text_in(const Value& value) { return value.is_text() ? value.text() : std::string(); }

std::string span_id(const std::string& run, const std::string& what) {
  return uuid_of_name(fmt::format("slipway:span:{}:{}", run, what));
}

/// "messages" of a call that begins, as clients read them.
Value asked_messages(const Value& detail) {
  Value list = Value::list();
  if (detail.is_list())
    for (const Value& message : detail.items()) list.push(message_out(message));
  return Value::map({{"messages", Value::list({list})}});
}

}  // namespace

Translator::Span Translator::span_of(const Where& where) const {
  Value parents = Value::list({options_.run});
  const std::string space = name_space(where.scope);
  for (std::size_t at = 0; at < space.size();) {
    const std::size_t end = std::min(space.find('|', at), space.size());
    const std::size_t colon = space.rfind(':', end);
    parents.push(span_id(options_.run, space.substr(colon + 1, end - colon - 1)));
    at = end + 1;
  }
  const int step = where.scope.empty() ? number_ + 1 : where.step;
  return {.id = span_id(options_.run, task_id(where)),
          .name = where.node,
          .tags = Value::list({fmt::format("graph:step:{}", step)}),
          .metadata = message_metadata(where),
          .parents = std::move(parents)};
}

Translator::Span Translator::span_of_call(const Value& data, const char* name) const {
  Span span = span_of(where_of(data));
  span.parents.push(span.id);
  span.id = span_id(options_.run, agents::dump(data.at("call")));
  span.name = text_in(data.at(name));
  span.tags = Value::list();
  return span;
}

void Translator::tell_span(const char* event, const Span& span, const Value& data) {
  out_.push_back({"events", Value::map({{"event", event},
                                        {"data", data},
                                        {"name", span.name},
                                        {"tags", span.tags},
                                        {"run_id", span.id},
                                        {"metadata", span.metadata},
                                        {"parent_ids", span.parents}})});
}

void Translator::model_events(const agents::Event& event) {
  const Value& data = event.data;
  Span span = span_of_call(data, "model");
  if (data.at("state") == Value("begun")) models_[span.id] = span.name;
  if (span.name.empty()) span.name = models_[span.id];
  const std::string id = message_id(data);
  if (event.type == "token") {
    tell_span("on_chat_model_stream", span,
              Value::map({{"chunk", ai_chunk(id, text_in(data.at("text")), Value())}}));
  } else if (data.at("state") == Value("begun")) {
    tell_span("on_chat_model_start", span, Value::map({{"input", asked_messages(event.detail)}}));
  } else if (data.at("state") == Value("done")) {
    models_.erase(span.id);
    tell_span(
        "on_chat_model_end", span,
        Value::map({{"output", ai_message(id, text_in(data.at("text")), data.at("tool_calls"))}}));
  }
}

void Translator::tool_events(const Value& data) {
  const Span span = span_of_call(data, "tool");
  const Value input = data.at("args").is_null() ? Value::map() : data.at("args");
  if (begun_calls_.insert(span.id).second)
    tell_span("on_tool_start", span, Value::map({{"input", input}}));
  if (data.at("state") == Value("begun")) return;
  begun_calls_.erase(span.id);
  if (data.at("state") == Value("done"))
    tell_span("on_tool_end", span, Value::map({{"output", data.at("result")}, {"input", input}}));
  else
    tell_span("on_tool_error", span,
              Value::map({{"error", error_json(data.at("error"))}, {"input", input}}));
}

void Translator::events_of(const agents::Event& event) {
  const Value& data = event.data;
  const Span whole{.id = options_.run,
                   .name = options_.agent->name,
                   .tags = Value::list(),
                   .metadata = base_metadata(),
                   .parents = Value::list()};
  if (event.type == "run.started")
    return tell_span("on_chain_start", whole,
                     Value::map({{"input", values_out("", data.at("input"))}}));
  if (event.type == "run.finished") {
    if (data.at("status") == Value("failed")) return;
    if (Value open = interrupts_json(data); !open.items().empty())
      tell_span("on_chain_stream", whole,
                Value::map({{"chunk", Value::map({{"__interrupt__", open}})}}));
    return tell_span("on_chain_end", whole, Value::map({{"output", state_}}));
  }
  if (event.type == "model" || event.type == "token") return model_events(event);
  const Where where = where_of(data);
  const Value input = Value::map({{"input", state_of(where.scope)}});
  if (event.type == "task.started") return tell_span("on_chain_start", span_of(where), input);
  const bool is_item = data.find("result") != nullptr;
  if (event.type == "task.finished" && data.at("status") == Value("done") && !is_item) {
    const Span span = span_of(where);
    const Value writes = values_out(where.scope, data.at("writes"));
    tell_span("on_chain_stream", span, Value::map({{"chunk", writes}}));
    return tell_span("on_chain_end", span,
                     Value::map({{"output", writes}, {"input", input.at("input")}}));
  }
  if (const Value told = emitted(event); !told.is_null()) {
    Span span = span_of(where);
    span.name = text_in(told.at("name")).empty() ? "custom" : text_in(told.at("name"));
    return tell_span("on_custom_event", span, told);
  }
  if (event.type == "tool" && !is_emit(data)) tool_events(data);
}

}  // namespace slipway::langgraph::detail
