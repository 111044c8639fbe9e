// A collection as a chat model: whoever speaks to chat models can ask documents.
#pragma once

#include <memory>
#include <string>

#include "models/chat_model.hpp"
#include "rag/library.hpp"

namespace slipway::rag {

/// What pays for one question; given back when it goes without `settle`.
class QuestionPayment {
 public:
  virtual ~QuestionPayment() = default;
  /// Dollars that the answer may cost; nothing: no limit.
  virtual std::optional<double> limit_usd() const = 0;
  /// Fails: rate_limited (it was not answered for want of money).
  virtual Result<void> settle(const Answer& answer) = 0;
};
/// Asked before each question. Fails: rate_limited (there is no money for it), unavailable.
using PayForQuestion = std::function<Result<std::unique_ptr<QuestionPayment>>(
    const Context&, Library&, const AskRequest&)>;

/// Chat model "rag/<collection>": the last message of the user is the question, the reply is the
/// checked answer with its marks, citations are annotations (`source` is the whole citation), and a
/// refusal is an ordinary reply. Sentences are streamed once they are checked. Earlier messages are
/// not read: each question stands alone. A temperature and the like are taken and change nothing,
/// since the collection's own settings write the answer; tools, schemas, probabilities and several
/// choices are `unsupported`. `library` must outlive it. Runs of what it is asked are below
/// `origin`. An empty `pay`: questions cost nothing that anybody keeps.
std::shared_ptr<models::ChatModel> make_pipeline(Library& library, const std::string& collection,
                                                 std::optional<trace::Origin> origin = {},
                                                 PayForQuestion pay = {});

inline constexpr std::string_view pipeline_prefix = "rag/";

}  // namespace slipway::rag
