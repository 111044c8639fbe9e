// Reads JSON strings, one a line, and writes the vector of each as a JSON array: the other side of
// compare.py and measure.py.
// Usage: embed_lines FOLDER cls|mean TOKENS_MAX THREADS [--measure] < lines
// --measure: no vectors, but {"texts", "seconds", "open_seconds", "peak_kib"} for all in one call.
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "core/json.hpp"
#include "models/detail/onnx_embedder.hpp"

namespace {

using slipway::Result;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Result<void> run(int argc, char** argv) {
  const auto start = Clock::now();
  slipway::models::detail::OnnxEmbedderOptions options;
  options.name = "peer";
  options.folder = argv[1];
  options.pooling = std::string(argv[2]) == "cls" ? slipway::models::Pooling::cls
                                                  : slipway::models::Pooling::mean;
  options.tokens_max = std::strtoul(argv[3], nullptr, 10);
  options.threads = std::strtoul(argv[4], nullptr, 10);
  const auto embedder = TRY(slipway::models::detail::open_onnx_embedder(options));
  const double open_seconds = seconds_since(start);

  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);)
    texts.push_back(TRY(slipway::json::from<std::string>(TRY(slipway::json::parse(line)))));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto embed_start = Clock::now();
  const auto vectors =
      TRY(embedder->embed(slipway::Context(), views, slipway::models::TextRole::document));
  const double seconds = seconds_since(embed_start);
  if (argc < 6) {
    for (const auto& vector : vectors)
      std::cout << slipway::json::dump(slipway::json::to(vector)) << '\n';
    return {};
  }
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << slipway::json::dump(slipway::json::Object{{"texts", texts.size()},
                                                         {"seconds", seconds},
                                                         {"open_seconds", open_seconds},
                                                         {"peak_kib", usage.ru_maxrss}})
            << '\n';
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: embed_lines FOLDER cls|mean TOKENS_MAX THREADS [--measure] < lines\n";
    return 2;
  }
  const auto done = run(argc, argv);
  if (!done) std::cerr << done.error().message() << '\n';
  return done ? 0 : 1;
}
