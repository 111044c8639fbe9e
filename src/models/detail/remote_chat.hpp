// A chat model behind the API of OpenAI, Anthropic or Cohere, wherever it runs.
#pragma once

#include <memory>
#include <string>

#include "models/chat_model.hpp"
#include "models/detail/remote_endpoint.hpp"

namespace slipway::models::detail {

struct RemoteChatOptions {
  RemoteEndpoint::Options endpoint;
  std::string model;               ///< The name on the wire.
  std::size_t context_tokens = 0;  ///< 0: 8192 is assumed; the APIs do not tell.
};

/// Resolves the key; asks nobody yet. Fails: invalid_argument (base_url, api_key), not_found.
Result<std::shared_ptr<ChatModel>> open_remote_chat(RemoteChatOptions options);

/// Tokens of a text whose tokenizer we do not have: four characters each, as a rule of thumb.
std::size_t estimate_tokens(std::string_view text);

}  // namespace slipway::models::detail
