// What a trace is made of, and the pieces in which clients send it.
//
// One span is a run, a trace is the tree of the runs with one trace id. Clients tell a run in
// pieces, in any order and more than once: `RunPatch`. Times are nanoseconds since 1970 in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace slipway::trace {

using Nanoseconds = std::int64_t;

enum class Kind {
  llm,
  embedding,
  retriever,
  reranker,
  tool,
  agent,
  chain,
  prompt,
  parser,
  guardrail,
  evaluator,
  span
};
BOOST_DESCRIBE_ENUM(Kind, llm, embedding, retriever, reranker, tool, agent, chain, prompt, parser,
                    guardrail, evaluator, span)

enum class Status { ok, error, pending };  ///< pending: no end has been told yet.
BOOST_DESCRIBE_ENUM(Status, ok, error, pending)

/// Whether `input_tokens` counts the cached ones and `output_tokens` the reasoning, as sent.
enum class Convention { inclusive, exclusive };
BOOST_DESCRIBE_ENUM(Convention, inclusive, exclusive)

enum class UsageSource { provider, client, estimated };
BOOST_DESCRIBE_ENUM(UsageSource, provider, client, estimated)

/// Tokens as a client counted them, before `inclusive_usage`. Absent: it did not say.
struct SentUsage {
  std::optional<std::int64_t> input, output, total;
  std::optional<std::int64_t> cache_read;
  std::optional<std::int64_t> cache_write;     ///< Of any lifetime, where it is not told apart.
  std::optional<std::int64_t> cache_write_5m;  ///< Told apart by Anthropic and LangChain.
  std::optional<std::int64_t> cache_write_1h;
  std::optional<std::int64_t> reasoning, input_audio, output_audio;
  std::optional<std::int64_t> search_units;  ///< What a reranker counts instead of tokens.
  Convention convention = Convention::inclusive;
  UsageSource source = UsageSource::client;
  bool is_empty() const {
    return !input && !output && !total && !cache_read && !cache_write && !cache_write_5m &&
           !cache_write_1h && !reasoning && !input_audio && !output_audio && !search_units;
  }
};

/// Always inclusive: input counts cache reads and writes and audio, output counts reasoning and
/// audio, cache writes count the one hour part. What was not told is 0.
struct Usage {
  std::int64_t input_tokens = 0, output_tokens = 0, total_tokens = 0;
  std::int64_t cache_read_tokens = 0, cache_write_tokens = 0, cache_write_1h_tokens = 0;
  std::int64_t reasoning_tokens = 0, input_audio_tokens = 0, output_audio_tokens = 0;
  std::int64_t search_units = 0;                  ///< For the price; not in the API's `usage`.
  Convention convention = Convention::inclusive;  ///< As it was sent.
  UsageSource source = UsageSource::client;
  bool operator==(const Usage&) const = default;
};
BOOST_DESCRIBE_STRUCT(Usage, (),
                      (input_tokens, output_tokens, total_tokens, cache_read_tokens,
                       cache_write_tokens, cache_write_1h_tokens, reasoning_tokens,
                       input_audio_tokens, output_audio_tokens, convention, source))

/// The tag of a run whose parts exceeded their whole, so that they cannot have been inclusive.
inline constexpr std::string_view corrected_usage_tag = "usage:corrected";

struct InclusiveUsage {
  Usage usage;
  bool is_corrected = false;  ///< Said to be inclusive, and cannot be.
};
/// What is exclusive is added up: cache reads, writes and audio to input, reasoning and audio to
/// output. (Anthropic's output counts its thinking already: leave `reasoning` absent there.) The
/// same where inclusive parts exceed their whole, for that side alone: `is_corrected`. A whole that
/// was not told is what `total` leaves, or the sum of its parts; where both are told, the total is
/// their sum. Negative and absurd counts (above 10^12) are as if nobody had told them.
InclusiveUsage inclusive_usage(const SentUsage& sent);

/// What a client itself says that a call cost, in dollars.
struct SentCost {
  std::optional<double> input, output, total;
  bool operator==(const SentCost&) const = default;
};

/// JSON exactly as it came, or bare text.
struct Payload {
  std::string bytes;
  bool is_text = false;
};

struct Event {
  std::string name;
  Nanoseconds time = 0;
  json::Object attributes;
};

/// What one message says of one run. What is absent says nothing: it never erases what an earlier
/// or later message says. Of two messages that say the same field the one that came last wins;
/// tags, events, metadata and attributes are joined.
struct RunPatch {
  std::string id;        ///< As the client gave it.
  std::string trace_id;  ///< Empty: that of the parent, or its own id when there is none.
  std::optional<std::string> parent_id;
  std::optional<std::string> project, name, error, session_id, user_id, provider;
  std::optional<std::string> model;          ///< That answered, else that was asked for.
  std::optional<std::string> request_model;  ///< That was asked for, if another one answered.
  std::optional<std::string> service_tier;   ///< batch, flex, priority
  std::optional<std::string> dotted_order;   ///< LangSmith's place in the tree.
  std::optional<std::string> reference_example_id;
  std::optional<Kind> kind;
  std::optional<Status> status;
  std::optional<Nanoseconds> start, end, first_token;
  std::optional<Payload> inputs, outputs;
  std::vector<Event> events;
  std::vector<std::string> tags;
  json::Object metadata;    ///< The client's own.
  json::Object attributes;  ///< Of OTLP: as received, dotted keys flat.
  json::Object extra;  ///< Of LangSmith: what has no place above ("runtime", "serialized" ...).
  SentUsage usage;
  SentCost cost;
};

}  // namespace slipway::trace
