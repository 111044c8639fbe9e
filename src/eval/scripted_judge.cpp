#include "eval/scripted_judge.hpp"

#include <algorithm>

#include "eval/detail/replies.hpp"
#include "eval/detail/reply_file.hpp"

namespace slipway::eval {

namespace {

Error missing(const Golden& golden, const Question& question, std::size_t place) {
  return fail(Code::not_found, "case '{}', {}: there is no scripted reply {} to step '{}'",
              golden.id, question.metric, place, question.step);
}

Result<std::vector<TokenLogprob>> read_logprobs(const json::Value& value) {
  struct Reading {
    static Result<double> logprob(const json::Value* value) {
      if (!value) return fail(Code::invalid_argument, "logprob: is required");
      return json::from<double>(*value);
    }
  };
  if (!value.is_array()) return fail(Code::invalid_argument, "expected a list of tokens");
  std::vector<TokenLogprob> tokens;
  for (const json::Value& item : value.get_array()) {
    if (!item.is_object()) return fail(Code::invalid_argument, "expected a list of tokens");
    TokenLogprob token{.token = reply_text(item.get_object(), "token"), .top = {}};
    const json::Value* top = item.get_object().if_contains("top_logprobs");
    if (top && top->is_array())
      for (const json::Value& choice : top->get_array()) {
        if (!choice.is_object()) return fail(Code::invalid_argument, "expected tokens");
        const json::Object& object = choice.get_object();
        const auto logprob = TRY(Reading::logprob(object.if_contains("logprob")));
        token.top.push_back({.token = reply_text(object, "token"), .logprob = logprob});
      }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

Result<JudgeReply> reply_at(const json::Object& replies, const Golden& golden,
                            const Question& question, std::size_t place) {
  const json::Value* list = replies.if_contains(question.step);
  if (!list || !list->is_array() || place >= list->get_array().size())
    return missing(golden, question, place);
  const json::Value& text = list->get_array()[place];
  JudgeReply reply;
  reply.text = text.is_string() ? std::string(text.get_string()) : json::dump(text);
  if (!question.wants_logprobs) return reply;
  const json::Value* logprobs = replies.if_contains("logprobs");
  if (logprobs && logprobs->is_array() && place < logprobs->get_array().size() &&
      !logprobs->get_array()[place].is_null())
    reply.logprobs = TRY(
        read_logprobs(logprobs->get_array()[place])
            .within(fmt::format("case '{}', {}, logprobs[{}]", golden.id, question.metric, place)));
  return reply;
}

bool cites(const json::Object& entry, std::vector<int> citations) {
  const json::Value* list = entry.if_contains("citations");
  if (!list || !list->is_array()) return false;
  std::vector<int> written;
  for (const json::Value& number : list->get_array())
    if (const auto value = reply_number(number)) written.push_back(static_cast<int>(*value));
  std::sort(written.begin(), written.end());
  std::sort(citations.begin(), citations.end());
  return written == citations;
}

Result<bool> entailed(const json::Value* reply) {
  if (!reply) return fail(Code::invalid_argument, "reply: is required");
  const std::string text =
      reply->is_string() ? std::string(reply->get_string()) : json::dump(*reply);
  const bool is_word = text.find_first_of(" \n{") == std::string::npos;
  if (const auto flag = verdict_flag(*reply); flag && is_word) return *flag;
  const json::Object object = TRY(parse_reply(text));
  for (const std::string_view key : {"entailed", "verdict", "entailment"})
    if (const json::Value* value = object.if_contains(key))
      if (const auto flag = verdict_flag(*value)) return *flag;
  return fail(Code::invalid_argument, "the reply's 'entailed' is not 0 or 1: '{}'", text);
}

/// What both forms do with the replies of a case.
class ScriptedJudge : public Judge {
 public:
  bool reads_values() const override { return false; }

  Result<JudgeReply> ask(const Context&, const Golden& golden, const Question& question,
                         int attempt) override {
    const auto replies = TRY(replies_of(golden, question.metric));
    if (!replies) return missing(golden, question, question.index);
    return reply_at(*replies, golden, question, question.index + static_cast<std::size_t>(attempt));
  }

  Result<bool> entails(const Context&, const Golden& golden, const Question& question,
                       std::size_t sentence, const std::vector<int>& citations) override {
    const auto replies = TRY(replies_of(golden, question.metric));
    const json::Value* entries = replies ? replies->if_contains("entailment") : nullptr;
    std::optional<Error> unreadable;
    if (entries && entries->is_array())
      for (const json::Value& entry : entries->get_array()) {
        if (!entry.is_object() || !cites(entry.get_object(), citations)) continue;
        const json::Value* number = entry.get_object().if_contains("sentence");
        const auto place = number ? reply_number(*number) : std::nullopt;
        if (place != static_cast<double>(sentence)) continue;
        auto answer = entailed(entry.get_object().if_contains("reply"));
        if (answer) return answer;
        if (unreadable) break;
        unreadable = std::move(answer.error());
      }
    const std::string where =
        fmt::format("case '{}', {}, step 'entailment', sentence {}, citations [{}]", golden.id,
                    question.metric, sentence, fmt::join(citations, ", "));
    if (unreadable) return std::move(*unreadable).within(where);
    return fail(Code::not_found, "{}: there is no scripted reply", where);
  }

  Result<std::vector<double>> embed(const Context&, const Golden& golden, std::string_view metric,
                                    std::string_view text) override {
    const auto replies = TRY(replies_of(golden, metric));
    const json::Value* embeddings = replies ? replies->if_contains("embeddings") : nullptr;
    const json::Value* vector = embeddings && embeddings->is_object()
                                    ? embeddings->get_object().if_contains(text)
                                    : nullptr;
    if (!vector)
      return fail(Code::not_found, "case '{}', {}: there is no scripted embedding of '{}'",
                  golden.id, metric, text);
    return json::from<std::vector<double>>(*vector).within(
        fmt::format("case '{}', {}, embeddings", golden.id, metric));
  }

 protected:
  /// Null: there are none.
  virtual Result<std::shared_ptr<const json::Object>> replies_of(const Golden& golden,
                                                                 std::string_view metric) = 0;
};

class OneScript : public ScriptedJudge {
 public:
  explicit OneScript(std::shared_ptr<const json::Object> replies) : replies_(std::move(replies)) {}
  std::string identity() const override { return "scripted"; }

 protected:
  Result<std::shared_ptr<const json::Object>> replies_of(const Golden&, std::string_view) override {
    return replies_;
  }

 private:
  const std::shared_ptr<const json::Object> replies_;
};

/// Of one request after another.
class CurrentScript : public ScriptedJudge {
 public:
  explicit CurrentScript(const json::Object* const* replies) : replies_(replies) {}
  std::string identity() const override { return "scripted"; }

 protected:
  Result<std::shared_ptr<const json::Object>> replies_of(const Golden&, std::string_view) override {
    return std::shared_ptr<const json::Object>(std::shared_ptr<const json::Object>(), *replies_);
  }

 private:
  const json::Object* const* const replies_;
};

class FileScript : public ScriptedJudge {
 public:
  explicit FileScript(ReplyFile file) : file_(std::move(file)) {}
  std::string identity() const override { return "scripted:" + file_.hash(); }

 protected:
  Result<std::shared_ptr<const json::Object>> replies_of(const Golden& golden,
                                                         std::string_view metric) override {
    return file_.find(golden.id, metric);
  }

 private:
  ReplyFile file_;
};

}  // namespace

Result<std::unique_ptr<Judge>> open_scripted_judge(const std::filesystem::path& file) {
  return std::unique_ptr<Judge>(std::make_unique<FileScript>(TRY(ReplyFile::open(file))));
}

std::unique_ptr<Judge> scripted_judge(json::Object replies) {
  return scripted_judge(std::make_shared<const json::Object>(std::move(replies)));
}

std::unique_ptr<Judge> scripted_judge(std::shared_ptr<const json::Object> replies) {
  return std::make_unique<OneScript>(std::move(replies));
}

std::unique_ptr<Judge> scripted_judge(const json::Object* const* replies) {
  return std::make_unique<CurrentScript>(replies);
}

}  // namespace slipway::eval
