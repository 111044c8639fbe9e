// Porter's stemmer as NLTK 3.10 has it (mode NLTK_EXTENSIONS), which rouge-score uses.
#pragma once

#include <string>
#include <string_view>

namespace slipway::eval {

/// The stem of a word of a-z and 0-9 in lower case. Time grows with its length.
std::string porter_stem(std::string_view word);

}  // namespace slipway::eval
