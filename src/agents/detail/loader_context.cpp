// `context` of a node: what a model sees of a long conversation.
#include "agents/detail/loader.hpp"

namespace slipway::agents::detail {

namespace {

constexpr Fields::Range any_number{1, 1'000'000'000};

}  // namespace

Trim Loader::read_trim(const json::Value& value, const std::string& path) {
  const Fields fields(faults_, value, path, {"tokens", "messages"});
  if (!fields.has("tokens") && !fields.has("messages"))
    faults_.error("missing_key", path,
                  "trim: 'tokens' or 'messages' is needed: how much the model may see");
  return {.tokens = fields.integer("tokens", any_number),
          .messages = fields.integer("messages", any_number)};
}

Summarize Loader::read_summarize(const json::Value& value, const std::string& path) {
  const Fields fields(faults_, value, path,
                      {"tokens", "messages", "keep", "model", "max_tokens", "prompt"});
  if (!fields.has("tokens") && !fields.has("messages"))
    faults_.error("missing_key", path,
                  "summarize: 'tokens' or 'messages' is needed: what is too much");
  Summarize made{.tokens = fields.integer("tokens", any_number),
                 .messages = fields.integer("messages", any_number)};
  constexpr Fields::Range keep_range{1, 100'000};
  made.keep = fields.integer("keep", keep_range).value_or(made.keep);
  if (made.messages && fields.has("keep") && made.keep >= *made.messages)
    faults_.error("bad_value", fields.path_of("keep"),
                  fmt::format("keep: {} of {} messages are kept, so there is nothing to sum up; "
                              "keep less",
                              made.keep, *made.messages));
  if (made.messages) made.keep = std::min(made.keep, std::max<std::int64_t>(1, *made.messages / 2));
  if (fields.has("model")) made.model = find_model(fields.text("model"), fields.path_of("model"));
  constexpr Fields::Range tokens_range{16, 1'000'000};
  made.max_tokens = fields.integer("max_tokens", tokens_range).value_or(made.max_tokens);
  made.prompt = fields.text("prompt");
  return made;
}

std::optional<ContextRule> Loader::read_context(const Fields& fields, const BodyPlace& place,
                                                std::optional<std::size_t> key) {
  const json::Value* value = fields.find("context");
  if (value == nullptr) return std::nullopt;
  const std::string path = fields.path_of("context");
  const Fields inner(faults_, *value, path, {"trim", "summarize"});
  if (!inner.has("trim") && !inner.has("summarize"))
    faults_.error("missing_key", path, "context: 'trim' or 'summarize' is needed");
  ContextRule rule;
  if (const json::Value* trim = inner.find("trim"))
    rule.trim = read_trim(*trim, inner.path_of("trim"));
  const json::Value* summarize = inner.find("summarize");
  if (summarize == nullptr) return rule;
  const std::string below = inner.path_of("summarize");
  rule.summarize = read_summarize(*summarize, below);
  // Its messages have ids, by which it is known later what was summed up.
  const bool is_kept = key && agent_->keys[*key].reduce == Reduce::messages;
  if (fields.has("messages") && !is_kept)
    faults_.error("bad_value", below,
                  "summarize: 'messages' of the node must be a key with reduce: messages; there "
                  "the summary is kept, so that it is paid for once");
  if (is_kept && !place.is_item) {
    rule.summarize->key = key;
    written_.insert(*key);
  }
  return rule;
}

}  // namespace slipway::agents::detail
