// The codecs behind `dialects/codec.hpp`. None has state.
#pragma once

#include "dialects/codec.hpp"

namespace slipway::dialects::detail {

#define SLIPWAY_CODEC(NAME, DIALECT)                                                             \
  class NAME final : public Codec {                                                              \
   public:                                                                                       \
    Dialect dialect() const override { return Dialect::DIALECT; }                                \
    Result<ChatRequest> decode_request(const json::Value& body) const override;                  \
    json::Value encode_reply(const ChatRequest& request, const ChatReply& reply) const override; \
    std::unique_ptr<StreamEncoder> stream_encoder(const ChatRequest& request) const override;    \
    json::Value encode_error(const WireError& error) const override;                             \
    json::Value encode_request(const ChatRequest& request,                                       \
                               std::vector<Unsupported>& unsupported) const override;            \
    Result<ChatReply> decode_reply(const json::Value& body) const override;                      \
    std::unique_ptr<StreamDecoder> stream_decoder() const override;                              \
    WireError decode_error(int status, std::string_view body) const override;                    \
  };

SLIPWAY_CODEC(OpenAiCodec, openai)
SLIPWAY_CODEC(ResponsesCodec, openai_responses)
SLIPWAY_CODEC(CompletionsCodec, openai_completions)
SLIPWAY_CODEC(AnthropicCodec, anthropic)
SLIPWAY_CODEC(CohereCodec, cohere)

#undef SLIPWAY_CODEC

}  // namespace slipway::dialects::detail
