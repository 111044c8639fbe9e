// Tasks that bring in data: passages, results of code, what was kept of an earlier run.
#include "agents/detail/task_run.hpp"
#include "core/files.hpp"

namespace slipway::agents::detail {

namespace {

std::string hash_of(const Value& args) {
  constexpr std::size_t prefix = 7, digits = 32;  // "sha256:"
  return sha256(dump_canonical(args)).substr(prefix, digits);
}

/// A kept value with its sources, which JSON does not know, and the thread with which it goes:
/// [value, sources, thread].
Value with_sources(const Value& value, const std::string& thread) {
  return Value::list({value, taint_names(value.taint()), thread});
}

std::optional<Value> from_sources(const Value& kept) {
  if (!kept.is_list() || kept.items().size() < 2) return std::nullopt;
  Value value = kept.items()[0];
  value.set_taint(read_taint(kept.items()[1]));
  return value;
}

}  // namespace

/// What a run of the same graph gave for the same key not long ago; failures are not kept.
TaskRun::Ran TaskRun::cached_body(const Inputs& inputs) {
  constexpr std::uint32_t number = 0xFFFFFFFF;  // Of no call that is made.
  Value named;
  if (node_.cache_key) {
    auto key = node_.cache_key->text(inputs);
    if (!key) return std::move(key.failure());
    named = *std::move(key);
  } else {
    const Value state = state_value(*scope_.agent, scope_.state);
    named = dump_canonical(state) + dump_canonical(task_.item);
    named.add_taint(state.taint() | task_.item.taint());
  }
  const std::string key = hash_of(Value::list({scope_.graph->hash, path(), named}));
  if (const CallRecord* known = find_call(number))
    return tainted_throughout(known->result, known->result.taint());
  std::optional<Value> found;
  if (const Recorded* recorded = options().recorded) {
    if (recorded->calls.contains(fmt::format("{}|{}", task_key(scope_, task_), number))) {
      Ran ran = *replay_call(number, key, "cache");
      if (ran.ok()) ran.value() = tainted_throughout(ran.value(), ran.value().taint());
      return ran;
    }
  } else if (options().services.find_cached) {
    if (const auto kept = options().services.find_cached(key)) found = from_sources(*kept);
  }
  if (found) {
    found = tainted_throughout(*std::move(found), found->taint() | named.taint());
    put_call({.number = number,
              .tool = "cache",
              .key = effect_key(number),
              .args_hash = key,
              .state = CallState::done,
              .attempt = task_.attempts,
              .result = *found});
    return *std::move(found);
  }
  Ran ran = body(inputs);
  if (ran.ok() && options().recorded == nullptr && options().services.keep_cached)
    options().services.keep_cached(key, with_sources(ran.value(), options().thread),
                                   *node_.cache_ttl);
  return ran;
}

template <typename Make>
TaskRun::Ran TaskRun::keep_call(const char* what, const Value& args, const Make& make) {
  constexpr std::uint32_t number = 0;
  const CallRecord* known = find_call(number);
  if (known != nullptr && known->tool == what && known->state == CallState::done)
    return known->result;
  const std::string hash = hash_of(args);
  if (auto replayed = replay_call(number, hash, what)) return *std::move(replayed);
  auto made = make();
  if (!made) return std::move(made.failure());
  made->add_taint(args.taint() | sources_of(*scope_.agent, node_));
  put_call({.number = number,
            .tool = what,
            .key = effect_key(number),
            .args_hash = hash,
            .state = CallState::done,
            .attempt = task_.attempts,
            .args = args,
            .result = *made});
  return *std::move(made);
}

TaskRun::Ran TaskRun::run_rag(const RagBody& body, const Inputs& inputs) {
  Value asked = Value::map();
  auto collection = body.collection.text(inputs);
  if (!collection) return std::move(collection.failure());
  auto question = body.question.text(inputs);
  if (!question) return std::move(question.failure());
  asked.put("collection", *std::move(collection));
  asked.put("question", *std::move(question));
  if (body.filter) {
    auto filter = body.filter->evaluate(inputs);
    if (!filter) return std::move(filter.failure());
    asked.put("filter", *std::move(filter));
  }
  constexpr std::uint32_t number = 0;
  const ToolSpec spec{.name = "rag", .kind = "rag", .effect = Effect::pure};
  const CallRecord* known = find_call(number);
  if (known != nullptr && known->tool == spec.name && known->state == CallState::done)
    return known->result;
  if (auto replayed = replay_call(number, hash_of(asked), spec.name)) return *std::move(replayed);
  if (!options().services.rag)
    return Failure{"unsupported", "there are no collections here; run it where they are"};
  return call_out(spec, *question_tool(options().services.rag, body), asked, number);
}

TaskRun::Ran TaskRun::run_code(const CodeBody& body, const Inputs& inputs) {
  Value args = Value::map();
  for (const Assignment& assignment : body.args) {
    auto value = assignment.value.evaluate(inputs);
    if (!value) return std::move(value.failure());
    args.put(assignment.name, *std::move(value));
  }
  return keep_call("code", args, [&]() -> Outcome<Value> {
    if (!options().services.code)
      return Failure{"refused", "code is not run here: there is no sandbox"};
    return options().services.code(context_, body, args);
  });
}

}  // namespace slipway::agents::detail
