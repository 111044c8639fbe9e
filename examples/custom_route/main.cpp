// A model behind a typed endpoint of one's own. Parsing, validation, errors, /openapi.json and
// /docs come from the two structs; docs/guides/api.md tells more.
#include <iostream>
#include <numeric>

#include "core/sandbox.hpp"
#include "http/api.hpp"
#include "models/catalog.hpp"
using namespace slipway;

struct Texts {
  std::string a, b;
  static constexpr std::string_view required[] = {"a", "b"};
};
BOOST_DESCRIBE_STRUCT(Texts, (), (a, b))
struct Similarity {
  double cosine = 0;
};
BOOST_DESCRIBE_STRUCT(Similarity, (), (cosine))

Result<void> serve(int port) {
  const auto catalog = TRY(models::Catalog::open({}));
  const auto model = TRY(catalog->embedder({}, std::string(models::default_embedder)));
  Pool workers({.threads = 4});
  http::Router router(workers);
  http::Api api(router, {.title = "Similarity"});
  api.post<http::NoParameters, Texts, Similarity>(
      "/api/similarity", {.summary = "How near the meanings of two texts are"},
      [&](const http::Call& call, const auto&, const Texts& texts) -> Result<Similarity> {
        const auto v = TRY(model->embed(call.context(), {texts.a, texts.b}, {}));
        return Similarity{std::inner_product(v[0].begin(), v[0].end(), v[1].begin(), 0.0)};
      });
  api.publish();
  const auto server =
      TRY(http::Server::start({.port = port}, [&](const auto& call) { router.dispatch(call); }));
  std::cout << server->url() << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());  // Until standard input ends.
  return {};
}

int main(int argc, char** argv) {
  run_sandbox_child(argc, argv);
  const auto served = serve(argc > 1 ? std::atoi(argv[1]) : 8700);
  return served ? 0 : (std::cerr << served.error().message() << "\n", 1);
}
