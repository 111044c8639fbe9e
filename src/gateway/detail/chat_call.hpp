// A conversation on its way: relayed as it is, or understood and told in other words.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/detail/call.hpp"
#include "gateway/detail/stream_watch.hpp"

namespace slipway::gateway::detail {

class ConversationCall final : public Call {
 public:
  ConversationCall(Engine& engine, http::ExchangePtr exchange, ChatCall call);

 protected:
  void start() override;
  std::optional<Failure> prepare(const Deployment& deployment,
                                 http::ClientRequest& request) override;
  bool is_streamed() const override { return is_stream_; }
  std::optional<Failure> take_piece(std::string_view piece) override;
  void take_answer(Try& attempt) override;
  void ask_local(const DeploymentPtr& deployment) override;
  std::string asked() const override;
  void guess_usage() override;
  std::int64_t input_tokens() const override { return estimate_tokens(body_); }
  void tell_failure(const dialects::WireError& error, http::Headers headers) override;

 private:
  // The request.
  bool look_at_body();
  void look_at_length(std::string_view key, std::string_view value);
  std::string sticky_user() const;
  /// Decodes the body once. Fails: invalid_argument.
  Result<void> understand();
  void check_guards();
  std::string relayed_body(const Deployment& deployment) const;
  std::string limited(std::string body, const Deployment& deployment) const;
  std::optional<Failure> translated_body(const Deployment& deployment, std::string& body);
  void forward_headers(http::ClientRequest& request) const;
  void look_into_cache();
  void look_for_near(const SemanticCacheConfig& config);
  Result<models::Vector> embed_question(const SemanticCacheConfig& config);
  void found_near(const SemanticCacheConfig& config, models::Vector question);
  void serve_cached(const ReplyPtr& reply, CacheResult result);
  void set_cache_keys(const CacheConfig& config);

  // The answer.
  void begin_stream();
  void send(std::string bytes);
  void end_stream();
  std::optional<Failure> take_events(std::vector<dialects::ChatEvent> events);
  void pass_event(dialects::ChatEvent event);
  void take_relayed(Try& attempt);
  void take_reply(dialects::ChatReply reply);
  void check_reply(dialects::ChatReply reply);
  void deliver(const dialects::ChatReply& reply);
  void remember(dialects::ChatReply reply);
  void compare_with_cached(const ReplyPtr& reply);
  Failure refused_output(const std::string& reason) const;
  void guess_missing_usage(std::size_t output_bytes);
  /// Of a streamed answer, until now.
  std::int64_t received_tokens() const;
  Result<dialects::ChatReply> converse(const DeploymentPtr& deployment, const Context& context);
  bool take_local_event(const dialects::ChatEvent& event, const Context& context);

  const dialects::Codec& codec_;
  const std::string& body_;  ///< Of the exchange's request.
  std::string user_;
  bool is_stream_ = false;
  std::size_t model_begin_ = 0, model_end_ = 0;
  std::optional<dialects::ChatRequest> request_;
  bool is_altered_ = false;  ///< A guardrail changed the request: the body is no longer it.
  GuardList output_guards_;
  bool holds_output_ = false;  ///< It is told when it is whole.

  const CacheConfig* cache_ = nullptr;
  std::string cache_key_, near_key_, near_text_;
  models::Vector near_question_;
  ReplyPtr shadow_;  ///< A hit that is compared instead of served.

  // Of the present try.
  const dialects::Codec* wire_ = nullptr;  ///< What the deployment speaks.
  bool is_relayed_ = false;
  std::optional<StreamWatch> watch_;
  std::unique_ptr<dialects::StreamDecoder> decoder_;
  std::unique_ptr<dialects::StreamEncoder> encoder_;
  std::optional<OutputMask> mask_;
  std::optional<budgets::Refusal> pipeline_refusal_;  ///< Of what a pipeline asked.
  std::optional<ReplyAssembler> assembler_;
  std::size_t answer_bytes_ = 0;
  std::int64_t written_pieces_ = 0;  ///< Of a translated answer,
  std::size_t written_bytes_ = 0;    ///< and what they say.
  bool has_usage_ = false;
};

}  // namespace slipway::gateway::detail
