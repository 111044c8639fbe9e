#include "models/embedder.hpp"

namespace slipway::models {

Result<Vector> Embedder::embed_one(const Context& context, std::string_view text, TextRole role,
                                   Usage* usage) {
  auto vectors = TRY(embed(context, {text}, role, usage));
  if (vectors.size() != 1)
    return fail(Code::internal, "embedder '{}' gave {} vectors for one text", name(),
                vectors.size());
  return std::move(vectors.front());
}

}  // namespace slipway::models
