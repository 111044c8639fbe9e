// Words and attributes of runs as numbers: what the text index knows of a run.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "trace/query.hpp"

namespace slipway::trace::detail {

/// 48 bits of a hash: two different words of one segment have the same one once in a million
/// segments.
using Term = std::uint64_t;
using Terms = std::vector<Term>;

/// Where words begin and end: a character of Chinese, Japanese or Korean is one word, else letters,
/// numbers and marks that touch are. `sink` gets each in lower case.
void split_words(std::string_view text, const std::function<void(std::string_view)>& sink);

Term word_term(std::string_view word);
/// The words of a text, in order.
void add_words(std::string_view text, Terms& out);
/// The texts of a payload: the strings and numbers of JSON, without the names of members.
void for_each_text(std::string_view bytes, bool is_text,
                   const std::function<void(std::string_view)>& sink);

/// Of a field that a filter may name: "metadata.customer" with a string, a number or a boolean.
/// Absent: such a value is not in the index.
std::optional<Term> attribute_term(std::string_view field, const json::Value& value);
/// Those of all members; `prefix` is "metadata." or "attributes.".
void add_attributes(std::string_view prefix, const json::Object& object, Terms& out);
/// The strings and numbers of metadata, as words.
void add_words_of(const json::Value& value, Terms& out);
void sort_terms(Terms& terms);

/// Whether a text has all words of `phrase` one after the other.
bool has_phrase(const Terms& words, const Terms& phrase);
Terms phrase_terms(const std::vector<std::string>& phrase);

}  // namespace slipway::trace::detail
