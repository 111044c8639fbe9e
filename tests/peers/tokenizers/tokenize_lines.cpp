// Reads JSON strings, one a line, and writes the ids of each as a JSON array; of a line [first,
// second, tokens_max] the ids and then the types of the pair. The other side of compare.py.
// Usage: tokenize_lines TOKENIZER.JSON < lines
#include <iostream>

#include "core/files.hpp"
#include "core/json.hpp"
#include "models/detail/wordpiece.hpp"

namespace {

slipway::Result<void> run(const char* path) {
  using slipway::models::detail::WordPiece;
  const auto tokenizer = TRY(WordPiece::parse(TRY(slipway::read_file(path))));
  std::string out;
  for (std::string line; std::getline(std::cin, line);) {
    const auto value = TRY(slipway::json::parse(line));
    if (value.is_array()) {
      const auto& pair = value.get_array();
      const auto both = tokenizer.encode_pair(pair.at(0).as_string(), pair.at(1).as_string(),
                                              pair.at(2).to_number<std::size_t>());
      std::vector<slipway::models::detail::TokenId> row = both.ids;
      row.insert(row.end(), both.types.begin(), both.types.end());
      std::cout << slipway::json::dump(slipway::json::to(row)) << '\n';
      continue;
    }
    const auto text = TRY(slipway::json::from<std::string>(value));
    const auto ids = tokenizer.encode(text, 1u << 30);
    if (tokenizer.count(text) + tokenizer.special_tokens() != ids.size())
      return slipway::fail(slipway::Code::internal, "count differs from encode for {}", line);
    out = slipway::json::dump(slipway::json::to(ids));
    std::cout << out << '\n';
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: tokenize_lines TOKENIZER.JSON < lines\n";
    return 2;
  }
  const auto done = run(argv[1]);
  if (!done) std::cerr << done.error().message() << '\n';
  return done ? 0 : 1;
}
