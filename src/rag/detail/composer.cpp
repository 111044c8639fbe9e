#include "rag/detail/composer.hpp"

namespace slipway::rag::detail {

int Composer::cite(const Evidence& evidence, std::vector<Citation>& added) {
  const Passage& passage = retrieved_.passages[evidence.passage];
  const auto key = std::pair(passage.item.document_id, evidence.span.start);
  if (const auto known = numbers_.find(key); known != numbers_.end()) return known->second;
  Citation citation;
  citation.number = static_cast<int>(citations_.size()) + 1;
  citation.chunk_id = passage.item.chunk_id;
  citation.document_id = passage.item.document_id;
  citation.uri = passage.item.uri;
  citation.path = passage.item.path;
  citation.title = passage.item.title;
  citation.content_hash = passage.item.content_hash;
  citation.text_hash = passage.item.text_hash;
  citation.quote = passage.stored->text.substr(evidence.span.start, evidence.span.size());
  set_place(citation, passage.stored->map, evidence.span);
  citation.score = evidence.score;
  numbers_[key] = citation.number;
  citations_.push_back(citation);
  added.push_back(std::move(citation));
  return static_cast<int>(citations_.size());
}

void Composer::add(std::string text, double support, const std::vector<const Evidence*>& evidence) {
  Sentence sentence;
  sentence.text = std::move(text);
  sentence.support = support;
  std::vector<Citation> added;
  for (const Evidence* one : evidence) sentence.citations.push_back(cite(*one, added));
  sentences_.push_back(sentence);
  if (events_.on_sentence) events_.on_sentence(sentence, added);
}

void Composer::add_unsupported(std::string text) {
  Sentence sentence;
  sentence.text = std::move(text);
  sentence.supported = false;
  sentences_.push_back(sentence);
  if (events_.on_sentence) events_.on_sentence(sentence, {});
}

void Composer::drop(std::string text, std::string why) {
  dropped_.push_back({std::move(text), std::move(why)});
}

bool Composer::has(std::string_view text) const {
  return std::any_of(sentences_.begin(), sentences_.end(),
                     [&](const Sentence& s) { return s.text == text; });
}

void Composer::finish(Answer& answer) {
  answer.sentences = std::move(sentences_);
  answer.citations = std::move(citations_);
  answer.dropped = std::move(dropped_);
  for (const Sentence& sentence : answer.sentences) {
    if (!answer.answer.empty()) answer.answer += ' ';
    answer.answer += with_marks(sentence);
  }
}

std::string with_marks(const Sentence& sentence) {
  std::string marks;
  for (const int number : sentence.citations) marks += fmt::format("[{}]", number);
  if (!sentence.supported) marks = "[unsupported]";
  if (marks.empty()) return sentence.text;
  // The mark stands before the full stop, where readers of papers look for it.
  std::string text = sentence.text;
  std::string stop;
  if (!text.empty() && (text.back() == '.' || text.back() == '!' || text.back() == ':')) {
    stop = text.back() == ':' ? "." : std::string(1, text.back());
    text.pop_back();
  }
  return fmt::format("{} {}{}", text, marks, stop.empty() ? "." : stop);
}

}  // namespace slipway::rag::detail
