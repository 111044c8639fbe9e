// Calls whose answer is a value, written by the face: embeddings, reranking, counted tokens.
#pragma once

#include "gateway/detail/call.hpp"

namespace slipway::gateway::detail {

template <typename Reply>
class TaskCall : public Call {
 public:
  TaskCall(Engine& engine, http::ExchangePtr exchange, access::Caller caller, Done<Reply> done)
      : Call(engine, std::move(exchange), std::move(caller)), done_(std::move(done)) {}

 protected:
  /// Tells the reply; then `answered`.
  void tell(Reply reply);
  void tell_failure(const dialects::WireError& error, http::Headers headers) override;
  void tell_local(const DeploymentPtr& deployment, Result<Reply> reply);
  /// Candidates of the right task, and the limits; false when the call has ended.
  bool begin(const std::string& model, models::ModelTask task, std::int64_t tokens);

 private:
  Done<Reply> done_;
};

class EmbeddingCall final : public TaskCall<dialects::EmbeddingReply> {
 public:
  EmbeddingCall(Engine& engine, http::ExchangePtr exchange, EmbedCall call,
                Done<dialects::EmbeddingReply> done);

 protected:
  std::int64_t input_tokens() const override;
  void start() override;
  std::optional<Failure> prepare(const Deployment& deployment,
                                 http::ClientRequest& request) override;
  void take_answer(Try& attempt) override;
  void ask_local(const DeploymentPtr& deployment) override;
  std::string asked() const override;

 private:
  /// Refuses what guardrails could not look at.
  bool has_texts_for_guards();
  Result<dialects::EmbeddingReply> embed(const DeploymentPtr& deployment);
  dialects::EmbeddingRequest request_;
};

class RerankingCall final : public TaskCall<dialects::RerankReply> {
 public:
  RerankingCall(Engine& engine, http::ExchangePtr exchange, RerankCall call,
                Done<dialects::RerankReply> done);

 protected:
  std::int64_t input_tokens() const override;
  void start() override;
  std::optional<Failure> prepare(const Deployment& deployment,
                                 http::ClientRequest& request) override;
  void take_answer(Try& attempt) override;
  void ask_local(const DeploymentPtr& deployment) override;
  std::string asked() const override;

 private:
  Result<dialects::RerankReply> rerank(const DeploymentPtr& deployment);
  /// What it read; where nobody says, about how much it charges for.
  void note_usage(const dialects::RerankReply& reply);
  dialects::RerankRequest request_;
};

class CountingCall final : public TaskCall<CountReply> {
 public:
  CountingCall(Engine& engine, http::ExchangePtr exchange, CountCall call, Done<CountReply> done);

 protected:
  bool pays() const override { return false; }
  std::int64_t input_tokens() const override { return 0; }
  void start() override;
  std::optional<Failure> prepare(const Deployment& deployment,
                                 http::ClientRequest& request) override;
  void take_answer(Try& attempt) override;
  void ask_local(const DeploymentPtr& deployment) override;
  std::string asked() const override;

 private:
  Result<CountReply> count(const DeploymentPtr& deployment);
  CountReply guess() const;
  void choose();
  dialects::ChatRequest request_;
};

}  // namespace slipway::gateway::detail
