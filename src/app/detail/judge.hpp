// A model that judges runs: a prompt is filled in, the gateway is asked, a score is read from its
// reply.
#pragma once

#include "gateway/gateway.hpp"
#include "prompts/prompts.hpp"
#include "trace/evaluators.hpp"

namespace slipway::app::detail {

/// One chat completion in OpenAI's words, within this program. Waits. Its run goes to `project`.
/// Fails: unavailable (whatever the gateway refuses, with its words), deadline_exceeded, cancelled.
Result<json::Value> call_chat(const Context& context, gateway::Gateway& gateway,
                              const json::Object& body, std::string_view project);

/// {"score": 0.5, "comment": "..."} anywhere in the reply; else its first number; else yes and no
/// as its first word. Fails: invalid_argument (nothing of that).
Result<trace::Judgement> read_judgement(std::string_view reply);

/// `gateway` and what `prompts` stand on must outlive it.
trace::Judge make_judge(gateway::Gateway& gateway, std::shared_ptr<prompts::Prompts> prompts);

}  // namespace slipway::app::detail
