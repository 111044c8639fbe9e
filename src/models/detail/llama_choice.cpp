// Order: biases, penalties, top_k, top_p, min_p, temperature, draw (or the
// greatest); a grammar is asked about the winner only.
//
// Checking every token of the vocabulary against a grammar costs more than the
// model's own step when the model is small. A greedy choice needs only the
// winner checked; when the grammar refuses it, all are checked and the result
// is the same as if that had been done at once. A drawn token that the grammar
// refuses is taken out and the rest is drawn from again: that is a draw from
// the (truncated) distribution under the condition that the grammar allows it.
// When all of it is refused, or many in a row, the whole vocabulary is checked
// and truncated after that.
#include "models/detail/llama_choice.hpp"

#include <llama.h>

#include <algorithm>
#include <cmath>

#include "core/unicode.hpp"
#include "models/detail/reply_text.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t grammar_bytes_max = 1024u << 10;
constexpr int grammar_depth_max = 100;   // llama.cpp's parser recurses once per parenthesis.
constexpr int repeat_tokens = 64;        // How far back the repeat penalty looks, as in llama.cpp.
constexpr int penalty_tokens = 1 << 15;  // The others look at all of a reply.
constexpr int refused_draws_max = 16;

/// Seeds have 64 bits, samplers 32; and one value means "random" to llama.cpp.
std::uint32_t fold(std::uint64_t seed) {
  const auto folded = static_cast<std::uint32_t>(seed ^ (seed >> 32));
  return folded == LLAMA_DEFAULT_SEED ? 0x5EED : folded;
}

/// Everything before the draw.
LlamaOwner<llama_sampler> make_shape(const llama_vocab* vocabulary, const Sampling& sampling) {
  llama_sampler_chain_params parameters = llama_sampler_chain_default_params();
  parameters.no_perf = true;
  LlamaOwner<llama_sampler> chain(llama_sampler_chain_init(parameters));
  const auto add = [&](llama_sampler* sampler) { llama_sampler_chain_add(chain.get(), sampler); };
  const std::int32_t tokens = llama_vocab_n_tokens(vocabulary);
  if (!sampling.biases.empty()) {
    std::vector<llama_logit_bias> biases;
    for (const auto& [token, bias] : sampling.biases) biases.push_back({token, bias});
    add(llama_sampler_init_logit_bias(tokens, static_cast<std::int32_t>(biases.size()),
                                      biases.data()));
  }
  if (sampling.repeat_penalty != 1)
    add(llama_sampler_init_penalties(tokens, repeat_tokens,
                                     static_cast<float>(sampling.repeat_penalty), 0, 0));
  if (sampling.frequency_penalty != 0 || sampling.presence_penalty != 0)
    add(llama_sampler_init_penalties(tokens, penalty_tokens, 1,
                                     static_cast<float>(sampling.frequency_penalty),
                                     static_cast<float>(sampling.presence_penalty)));
  if (sampling.temperature == 0) return chain;
  if (sampling.top_k > 0) add(llama_sampler_init_top_k(sampling.top_k));
  if (sampling.top_p < 1) add(llama_sampler_init_top_p(static_cast<float>(sampling.top_p), 1));
  if (sampling.min_p > 0) add(llama_sampler_init_min_p(static_cast<float>(sampling.min_p), 1));
  add(llama_sampler_init_temp(static_cast<float>(sampling.temperature)));
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
                                               const std::optional<std::string>& grammar) {
  LlamaOwner<llama_sampler> sampler;
  if (!grammar) return sampler;
  TRY(check_grammar(*grammar));
  const LlamaErrors errors;
  try {
    sampler.reset(llama_sampler_init_grammar(vocabulary, grammar->c_str(), "root"));
  } catch (const std::exception& error) {
    return fail(Code::invalid_argument, "the grammar is not GBNF: {}", error.what());
  }
  if (!sampler)
    return fail(Code::invalid_argument, "the grammar is not GBNF: {}",
                errors.text("it has no rule 'root'"));
  return sampler;
}

std::string piece_of(const llama_vocab* vocabulary, Token token) {
  std::string bytes(64, '\0');
  std::int32_t size = llama_token_to_piece(vocabulary, token, bytes.data(),
                                           static_cast<std::int32_t>(bytes.size()), 0, false);
  if (size < 0) {
    bytes.resize(static_cast<std::size_t>(-size));
    size = llama_token_to_piece(vocabulary, token, bytes.data(), -size, 0, false);
  }
  bytes.resize(static_cast<std::size_t>(std::max(size, 0)));
  return bytes;
}

/// What is left of `bytes` after its whole code points: nothing, or the
/// beginning of one. Nothing at all when it is not UTF-8.
std::optional<std::string> rest_of(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto decoded = unicode::decode(bytes, 0);
    if (!decoded.valid) {
      if (!is_begun_code_point(bytes)) return std::nullopt;
      return std::string(bytes);
    }
    bytes.remove_prefix(decoded.bytes);
  }
  return std::string();
}

class Choice final : public LlamaChoice {
 public:
  Choice(const TokenTable& tokens, const Sampling& sampling, LlamaOwner<llama_sampler> grammar)
      : tokens_(tokens),
        shape_(make_shape(tokens.vocabulary(), sampling)),
        draw_(sampling.temperature == 0 ? llama_sampler_init_greedy()
                                        : llama_sampler_init_dist(fold(sampling.seed))),
        grammar_(std::move(grammar)),
        sayable_(sampling.sayable),
        candidates_(tokens.size()) {}

  Result<Token> next(const float* logits) override {
    try {
      return choose(logits);
    } catch (const std::exception& error) {
      return fail(Code::invalid_argument, "the grammar cannot be followed: {}", error.what());
    }
  }

 private:
  Result<Token> choose(const float* logits) {
    llama_token_data_array all = fill(logits);
    llama_sampler_apply(shape_.get(), &all);
    llama_token_data chosen = pick(all);
    if (grammar_) {
      for (int i = 0; !allows(chosen); ++i) {
        const bool is_left = draw_again(all, chosen, i);
        if (!is_left) {
          all = fill(logits);
          refuse(all);
          llama_sampler_apply(shape_.get(), &all);
        }
        chosen = pick(all);
        if (!is_left) break;
      }
    }
    if (!(chosen.logit > -INFINITY))
      return fail(Code::invalid_argument,
                  "the grammar allows nothing that the model can say at this place");
    if (grammar_) {
      llama_sampler_accept(grammar_.get(), chosen.id);
      pending_ = rest_of(pending_ + tokens_.bytes(chosen.id)).value_or("");
    }
    llama_sampler_accept(shape_.get(), chosen.id);
    llama_sampler_accept(draw_.get(), chosen.id);
    return chosen.id;
  }

  llama_token_data_array fill(const float* logits) {
    for (std::size_t i = 0; i < candidates_.size(); ++i)
      candidates_[i] = {static_cast<Token>(i), logits[i], 0};
    return {candidates_.data(), candidates_.size(), -1, false};
  }

  llama_token_data pick(llama_token_data_array& all) {
    llama_sampler_apply(draw_.get(), &all);
    SLIPWAY_ASSERT(all.selected >= 0 && all.selected < static_cast<std::int64_t>(all.size));
    return all.data[all.selected];
  }

  /// Takes the refused one out. False: not worth it.
  bool draw_again(llama_token_data_array& all, const llama_token_data& refused, int draws) const {
    if (llama_sampler_name(draw_.get()) == std::string_view("greedy")) return false;
    if (draws >= refused_draws_max || all.size < 2) return false;
    auto* end = all.data + all.size;
    auto* at = std::find_if(all.data, end, [&](const auto& one) { return one.id == refused.id; });
    std::move(at + 1, end, at);  // Their order, if they have one, stays.
    --all.size;
    all.selected = -1;
    return true;
  }

  bool allows(llama_token_data candidate) const {
    if (!is_sayable(candidate.id)) return false;
    llama_token_data_array one{&candidate, 1, -1, false};
    llama_sampler_apply(grammar_.get(), &one);
    return candidate.logit > -INFINITY;
  }

  /// The end of the reply is the grammar's to allow.
  bool is_sayable(Token token) const {
    if (llama_vocab_is_eog(tokens_.vocabulary(), token)) return true;
    if (pending_.empty() && std::find(sayable_.begin(), sayable_.end(), token) != sayable_.end())
      return true;
    return tokens_.is_sayable(token, pending_);
  }

  void refuse(llama_token_data_array& all) const {
    llama_sampler_apply(grammar_.get(), &all);
    for (std::size_t i = 0; i < all.size; ++i)
      if (all.data[i].logit > -INFINITY && !is_sayable(all.data[i].id))
        all.data[i].logit = -INFINITY;
  }

  const TokenTable& tokens_;
  LlamaOwner<llama_sampler> shape_;
  LlamaOwner<llama_sampler> draw_;
  LlamaOwner<llama_sampler> grammar_;
  const std::vector<Token> sayable_;
  std::string pending_;  ///< The beginning of a code point, at most 3 bytes.
  std::vector<llama_token_data> candidates_;
};

}  // namespace

Sampling sampling_of(const ChatRequest& request) {
  Sampling sampling;
  sampling.temperature = request.temperature;
  sampling.top_p = request.top_p;
  sampling.top_k = request.top_k;
  sampling.repeat_penalty = request.repeat_penalty;
  sampling.seed = request.seed;
  sampling.grammar = request.grammar;
  return sampling;
}

TokenTable::TokenTable(const llama_vocab* vocabulary) : vocabulary_(vocabulary) {
  const std::int32_t count = llama_vocab_n_tokens(vocabulary);
  bytes_.reserve(static_cast<std::size_t>(count));
  kinds_.reserve(static_cast<std::size_t>(count));
  for (Token token = 0; token < count; ++token) {
    bytes_.push_back(piece_of(vocabulary, token));
    const std::string& bytes = bytes_.back();
    const bool is_hidden = bytes.empty() || llama_vocab_is_control(vocabulary, token);
    kinds_.push_back(is_hidden                       ? Kind::hidden
                     : unicode::is_valid_utf8(bytes) ? Kind::whole
                                                     : Kind::part);
  }
}

bool TokenTable::is_sayable(Token token, const std::string& pending) const {
  const Kind kind = kinds_[static_cast<std::size_t>(token)];
  if (kind == Kind::hidden) return false;
  if (pending.empty() && kind == Kind::whole) return true;
  return rest_of(pending + bytes(token)).has_value();
}

Result<std::unique_ptr<LlamaChoice>> LlamaChoice::open(const TokenTable& tokens,
                                                       const Sampling& sampling) {
  auto grammar = TRY(make_grammar(tokens.vocabulary(), sampling.grammar));
  return std::unique_ptr<LlamaChoice>(
      std::make_unique<Choice>(tokens, sampling, std::move(grammar)));
}

dialects::TokenLogprob logprob_of(const TokenTable& tokens, const float* logits, Token chosen,
                                  std::size_t top) {
  const std::size_t count = tokens.size();
  const float greatest = *std::max_element(logits, logits + count);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    sum += std::exp(static_cast<double>(logits[i] - greatest));
  const double norm = static_cast<double>(greatest) + std::log(sum);
  const auto entry = [&](Token token) {
    dialects::TokenLogprob result;
    result.bytes = tokens.bytes(token);
    result.token = shown(result.bytes);
    result.logprob = std::min(0.0, static_cast<double>(logits[token]) - norm);
    return result;
  };
  dialects::TokenLogprob result = entry(chosen);
  std::vector<Token> best(count);
  for (std::size_t i = 0; i < count; ++i) best[i] = static_cast<Token>(i);
  top = std::min(top, count);
  std::partial_sort(
      best.begin(), best.begin() + static_cast<std::ptrdiff_t>(top), best.end(),
      [&](Token a, Token b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  for (std::size_t i = 0; i < top; ++i) result.top.push_back(entry(best[i]));
  return result;
}

}  // namespace slipway::models::detail
