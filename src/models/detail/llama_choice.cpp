// Order: grammar, repeat penalty, top_k, top_p, temperature, draw (or the greatest).
//
// Checking every token of the vocabulary against a grammar costs more than the model's own step
// when the model is small. A greedy choice needs only the winner checked; when the grammar refuses
// it, all are checked and the result is the same as if that had been done at once. A drawn choice
// has no such short way: dropping the refused draws afterwards would bend the distribution.
#include "models/detail/llama_choice.hpp"

#include <llama.h>

#include <cmath>

namespace slipway::models::detail {

namespace {

constexpr std::size_t grammar_bytes_max = 256u << 10;
constexpr int grammar_depth_max = 100;  // llama.cpp's parser recurses once per parenthesis.
constexpr int repeat_tokens = 64;       // How far back the repeat penalty looks, as in llama.cpp.

/// Seeds have 64 bits, samplers 32; and one value means "random" to llama.cpp.
std::uint32_t fold(std::uint64_t seed) {
  const auto folded = static_cast<std::uint32_t>(seed ^ (seed >> 32));
  return folded == LLAMA_DEFAULT_SEED ? 0x5EED : folded;
}

LlamaOwner<llama_sampler> make_chain(const llama_vocab* vocabulary, const ChatRequest& request) {
  llama_sampler_chain_params parameters = llama_sampler_chain_default_params();
  parameters.no_perf = true;
  LlamaOwner<llama_sampler> chain(llama_sampler_chain_init(parameters));
  const auto add = [&](llama_sampler* sampler) { llama_sampler_chain_add(chain.get(), sampler); };
  if (request.repeat_penalty != 1)
    add(llama_sampler_init_penalties(llama_vocab_n_tokens(vocabulary), repeat_tokens,
                                     static_cast<float>(request.repeat_penalty), 0, 0));
  if (request.temperature == 0) {
    add(llama_sampler_init_greedy());
    return chain;
  }
  if (request.top_k > 0) add(llama_sampler_init_top_k(request.top_k));
  if (request.top_p < 1) add(llama_sampler_init_top_p(static_cast<float>(request.top_p), 1));
  add(llama_sampler_init_temp(static_cast<float>(request.temperature)));
  add(llama_sampler_init_dist(fold(request.seed)));
  return chain;
}

Result<void> check_grammar(std::string_view grammar) {
  if (grammar.empty() || grammar.find('\0') != std::string_view::npos)
    return fail(Code::invalid_argument, "the grammar is empty or holds a zero byte");
  if (grammar.size() > grammar_bytes_max)
    return fail(Code::invalid_argument, "the grammar has {} bytes, more than {}", grammar.size(),
                grammar_bytes_max);
  int depth = 0;
  for (const char c : grammar) {
    if (c == '(' && ++depth > grammar_depth_max)
      return fail(Code::invalid_argument, "the grammar has more than {} open parentheses",
                  grammar_depth_max);
    if (c == ')') --depth;
  }
  return {};
}

Result<LlamaOwner<llama_sampler>> make_grammar(const llama_vocab* vocabulary,
                                               const ChatRequest& request) {
  LlamaOwner<llama_sampler> sampler;
  if (!request.grammar) return sampler;
  TRY(check_grammar(*request.grammar));
  const LlamaErrors errors;
  try {
    sampler.reset(llama_sampler_init_grammar(vocabulary, request.grammar->c_str(), "root"));
  } catch (const std::exception& error) {
    return fail(Code::invalid_argument, "the grammar is not GBNF: {}", error.what());
  }
  if (!sampler)
    return fail(Code::invalid_argument, "the grammar is not GBNF: {}",
                errors.text("it has no rule 'root'"));
  return sampler;
}

class Choice final : public LlamaChoice {
 public:
  Choice(std::int32_t tokens, LlamaOwner<llama_sampler> chain, LlamaOwner<llama_sampler> grammar,
         bool is_greedy)
      : chain_(std::move(chain)),
        grammar_(std::move(grammar)),
        is_greedy_(is_greedy),
        candidates_(static_cast<std::size_t>(tokens)) {}

  Result<Token> next(llama_context* context) override {
    const float* logits = llama_get_logits_ith(context, -1);
    SLIPWAY_ASSERT(logits != nullptr);
    try {
      return choose(logits);
    } catch (const std::exception& error) {
      return fail(Code::invalid_argument, "the grammar cannot be followed: {}", error.what());
    }
  }

 private:
  Result<Token> choose(const float* logits) {
    llama_token_data chosen{};
    if (!grammar_) {
      chosen = pick(logits, nullptr);
    } else if (!is_greedy_ || !allows(chosen = pick(logits, nullptr))) {
      chosen = pick(logits, grammar_.get());
    }
    if (!(chosen.logit > -INFINITY))
      return fail(Code::invalid_argument,
                  "the grammar allows nothing that the model can say at this place");
    if (grammar_) llama_sampler_accept(grammar_.get(), chosen.id);
    llama_sampler_accept(chain_.get(), chosen.id);
    return chosen.id;
  }

  llama_token_data pick(const float* logits, llama_sampler* grammar) {
    for (std::size_t i = 0; i < candidates_.size(); ++i)
      candidates_[i] = {static_cast<Token>(i), logits[i], 0};
    llama_token_data_array all{candidates_.data(), candidates_.size(), -1, false};
    if (grammar != nullptr) llama_sampler_apply(grammar, &all);
    llama_sampler_apply(chain_.get(), &all);
    SLIPWAY_ASSERT(all.selected >= 0 && all.selected < static_cast<std::int64_t>(all.size));
    return all.data[all.selected];
  }

  bool allows(llama_token_data candidate) {
    llama_token_data_array one{&candidate, 1, -1, false};
    llama_sampler_apply(grammar_.get(), &one);
    return candidate.logit > -INFINITY;
  }

  LlamaOwner<llama_sampler> chain_;
  LlamaOwner<llama_sampler> grammar_;
  bool is_greedy_;
  std::vector<llama_token_data> candidates_;
};

}  // namespace

Result<std::unique_ptr<LlamaChoice>> LlamaChoice::open(const llama_vocab* vocabulary,
                                                       const ChatRequest& request) {
  auto grammar = TRY(make_grammar(vocabulary, request));
  return std::unique_ptr<LlamaChoice>(
      std::make_unique<Choice>(llama_vocab_n_tokens(vocabulary), make_chain(vocabulary, request),
                               std::move(grammar), request.temperature == 0));
}

}  // namespace slipway::models::detail
