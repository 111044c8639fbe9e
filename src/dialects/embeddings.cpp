#include "dialects/embeddings.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/base64.hpp"
#include "dialects/detail/fields.hpp"
#include "dialects/detail/shared.hpp"

namespace slipway::dialects {

using namespace detail;

namespace {

constexpr std::size_t inputs_max = 2048;

EmbeddingInput text_input(std::string text, std::string path) {
  EmbeddingInput input;
  input.parts.push_back(text_part(std::move(text)));
  input.parts.back().path = std::move(path);
  return input;
}

bool is_tokens(const json::Value& value) {
  return value.is_array() && !value.get_array().empty() && value.get_array()[0].is_number();
}

EmbeddingInput token_input(const json::Array& tokens, const std::string& path, Fields& in) {
  EmbeddingInput input;
  for (const json::Value& token : tokens) {
    if (!token.is_int64() || token.get_int64() < 0) {
      in.refuse(expected(at(path, input.tokens.size()), "a token id", token));
      break;
    }
    input.tokens.push_back(token.get_int64());
  }
  return input;
}

void read_openai_input(Fields& in, EmbeddingRequest& request) {
  const json::Value* input = in.find("input");
  if (input == nullptr) return in.refuse(fail(Code::invalid_argument, "input: is missing"));
  if (input->is_string()) {
    request.inputs.push_back(text_input(std::string(input->get_string()), "input"));
    return;
  }
  if (is_tokens(*input)) {
    request.inputs.push_back(token_input(input->get_array(), "input", in));
    return;
  }
  if (!input->is_array())
    return in.wrong("input", "a string, or an array of strings or tokens", *input);
  for (const json::Value& item : input->get_array()) {
    const std::string path = at("input", request.inputs.size());
    if (item.is_string()) {
      request.inputs.push_back(text_input(std::string(item.get_string()), path));
    } else if (is_tokens(item)) {
      request.inputs.push_back(token_input(item.get_array(), path, in));
    } else {
      return in.refuse(expected(path, "a string or an array of tokens", item));
    }
  }
}

Result<EmbeddingRequest> decode_openai(const json::Value& body) {
  EmbeddingRequest request;
  request.from = EmbeddingDialect::openai;
  Fields in(body, "");
  request.model = in.required_text("model");
  read_openai_input(in, request);
  request.dimensions = in.whole("dimensions", {1});
  const std::string format = in.text("encoding_format");
  if (!format.empty() && format != "float" && format != "base64")
    in.wrong("encoding_format", "float or base64", json::Value(format));
  request.formats = {format == "base64" ? EmbeddingFormat::base64 : EmbeddingFormat::floats};
  request.user = in.text("user");
  TRY(in.status());
  request.extra = in.rest();
  return request;
}

EmbeddingInput image_input(std::string url, std::string path) {
  EmbeddingInput input;
  Part part;
  part.kind = PartKind::image;
  part.path = std::move(path);
  if (!split_data_uri(url, part.media_type, part.data)) part.url = std::move(url);
  input.parts.push_back(std::move(part));
  return input;
}

void read_mixed(Fields& in, EmbeddingRequest& request) {
  const json::Array* inputs = in.array("inputs");
  if (inputs == nullptr) return;
  for (const json::Value& item : *inputs) {
    Fields fields(item, at("inputs", request.inputs.size()));
    EmbeddingInput input;
    if (const json::Array* content = fields.array("content")) {
      for (const json::Value& piece : *content) {
        Fields part(piece, at(fields.path("content"), input.parts.size()));
        const std::string type = part.required_text("type");
        if (type == "text") {
          input.parts.push_back(text_part(part.required_text("text")));
          input.parts.back().path = part.path();
        } else if (const json::Object* image = part.object("image_url")) {
          EmbeddingInput one = image_input(text_of(*image, "url"), part.path());
          input.parts.push_back(std::move(one.parts.front()));
        } else if (part.ok()) {
          part.refuse(fail(Code::invalid_argument, "{}: is missing", part.path("image_url")));
        }
        if (auto status = part.status(); !status) return in.refuse(status.error());
      }
    }
    if (input.parts.empty())
      fields.refuse(fail(Code::invalid_argument, "{}: is missing", fields.path("content")));
    if (auto status = fields.status(); !status) return in.refuse(status.error());
    request.inputs.push_back(std::move(input));
  }
}

constexpr std::array<std::pair<std::string_view, EmbeddingFormat>, 6> formats = {{
    {"float", EmbeddingFormat::floats},
    {"base64", EmbeddingFormat::base64},
    {"int8", EmbeddingFormat::int8},
    {"uint8", EmbeddingFormat::uint8},
    {"binary", EmbeddingFormat::binary},
    {"ubinary", EmbeddingFormat::ubinary},
}};

std::string_view word_of(EmbeddingFormat format) {
  for (const auto& [word, value] : formats)
    if (value == format) return word;
  return "float";
}

void read_formats(Fields& in, EmbeddingRequest& request) {
  std::size_t i = 0;
  for (const std::string& word : in.texts("embedding_types")) {
    const auto found = std::find_if(formats.begin(), formats.end(),
                                    [&](const auto& format) { return format.first == word; });
    if (found == formats.end())
      return in.refuse(expected(at("embedding_types", i),
                                "float, base64, int8, uint8, binary or ubinary",
                                json::Value(word)));
    request.formats.push_back(found->second);
    ++i;
  }
  if (request.formats.empty()) request.formats = {EmbeddingFormat::floats};
}

Result<EmbeddingRequest> decode_cohere(const json::Value& body) {
  EmbeddingRequest request;
  request.from = EmbeddingDialect::cohere;
  Fields in(body, "");
  request.model = in.required_text("model");
  request.purpose = in.text("input_type");
  for (std::string& text : in.texts("texts"))
    request.inputs.push_back(text_input(std::move(text), at("texts", request.inputs.size())));
  for (std::string& image : in.texts("images"))
    request.inputs.push_back(image_input(std::move(image), at("images", request.inputs.size())));
  read_mixed(in, request);
  request.dimensions = in.whole("output_dimension", {1});
  read_formats(in, request);
  request.truncate = in.text("truncate");
  std::transform(request.truncate.begin(), request.truncate.end(), request.truncate.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!request.truncate.empty() && request.truncate != "none" && request.truncate != "start" &&
      request.truncate != "end")
    in.wrong("truncate", "NONE, START or END", json::Value(request.truncate));
  if (in.ok() && request.inputs.empty())
    in.refuse(fail(Code::invalid_argument, "texts: is missing; send texts, images or inputs"));
  TRY(in.status());
  request.extra = in.rest();
  return request;
}

std::string bytes_of(const std::vector<float>& vector) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(vector.size() * sizeof(float), '\0');
  if (!vector.empty()) std::memcpy(bytes.data(), vector.data(), bytes.size());
  return bytes;
}

int step_of(float value) {
  constexpr float steps = 127;
  return static_cast<int>(std::lround(std::clamp(value, -1.0f, 1.0f) * steps));
}

json::Value write_vector(const std::vector<float>& vector, EmbeddingFormat format) {
  if (format == EmbeddingFormat::base64) return json::Value(base64(bytes_of(vector)));
  json::Array out;
  const bool is_packed = format == EmbeddingFormat::binary || format == EmbeddingFormat::ubinary;
  if (is_packed) {
    for (std::size_t i = 0; i < vector.size(); i += 8) {
      int byte = 0;
      for (std::size_t bit = 0; bit < 8; ++bit)
        byte = byte * 2 + (i + bit < vector.size() && vector[i + bit] > 0 ? 1 : 0);
      out.push_back(format == EmbeddingFormat::binary ? byte - 128 : byte);
    }
    return out;
  }
  out.reserve(vector.size());
  for (const float value : vector) {
    if (format == EmbeddingFormat::int8)
      out.push_back(step_of(value));
    else if (format == EmbeddingFormat::uint8)
      out.push_back(step_of(value) + 128);
    else
      out.push_back(std::isfinite(value) ? static_cast<double>(value) : 0.0);
  }
  return out;
}

json::Value write_cohere_reply(const EmbeddingRequest& request, const EmbeddingReply& reply) {
  json::Object embeddings;
  for (const EmbeddingFormat format : request.formats) {
    const std::string_view word = word_of(format);
    if (const json::Value* own = reply.by_format.if_contains(word)) {
      embeddings[word] = *own;
      continue;
    }
    json::Array vectors;
    for (const std::vector<float>& vector : reply.vectors)
      vectors.push_back(write_vector(vector, format));
    embeddings[word] = std::move(vectors);
  }
  json::Array texts;
  for (const EmbeddingInput& input : request.inputs)
    if (input.parts.size() == 1 && input.parts[0].kind == PartKind::text)
      texts.push_back(json::Value(input.parts[0].text));
  json::Object units = {{"input_tokens", reply.input_tokens}};
  if (reply.images > 0) units["images"] = reply.images;
  return {{"id", reply.id.empty() ? new_id("") : reply.id},
          {"response_type", "embeddings_by_type"},
          {"embeddings", std::move(embeddings)},
          {"texts", std::move(texts)},
          {"meta", {{"api_version", {{"version", "2"}}}, {"billed_units", std::move(units)}}}};
}

json::Value write_openai_reply(const EmbeddingRequest& request, const EmbeddingReply& reply) {
  const EmbeddingFormat format =
      request.formats.empty() ? EmbeddingFormat::floats : request.formats.front();
  json::Array data;
  for (std::size_t i = 0; i < reply.vectors.size(); ++i)
    data.push_back(json::Object{{"object", "embedding"},
                                {"index", i},
                                {"embedding", write_vector(reply.vectors[i], format)}});
  return {{"object", "list"},
          {"data", std::move(data)},
          {"model", reply.model.empty() ? request.model : reply.model},
          {"usage", {{"prompt_tokens", reply.input_tokens}, {"total_tokens", reply.input_tokens}}}};
}

std::string joined(const EmbeddingInput& input, std::string_view target,
                   std::vector<Unsupported>& unsupported) {
  std::string text;
  for (const Part& part : input.parts) {
    if (part.kind == PartKind::text)
      text += part.text;
    else
      unsupported.push_back({part.path, fmt::format("{} embeds text only", target)});
  }
  return text;
}

void add_extra(const EmbeddingRequest& request, EmbeddingDialect target, json::Object& out,
               std::vector<Unsupported>& unsupported) {
  for (const auto& [key, value] : request.extra) {
    if (request.from == target)
      out[key] = value;
    else
      unsupported.push_back({std::string(key), "only its own dialect knows it"});
  }
}

json::Value write_openai_request(const EmbeddingRequest& request,
                                 std::vector<Unsupported>& unsupported) {
  json::Object out = {{"model", request.model}, {"encoding_format", "float"}};
  json::Array inputs;
  for (const EmbeddingInput& input : request.inputs) {
    if (!input.tokens.empty())
      inputs.push_back(json::Array(input.tokens.begin(), input.tokens.end()));
    else
      inputs.push_back(json::Value(joined(input, "OpenAI's API", unsupported)));
  }
  out["input"] = std::move(inputs);
  put(out, "dimensions", request.dimensions);
  put(out, "user", request.user);
  if (request.truncate == "start" || request.truncate == "end")
    unsupported.push_back({"truncate", "OpenAI's API refuses texts that are too long"});
  add_extra(request, EmbeddingDialect::openai, out, unsupported);
  return out;
}

json::Value write_mixed(const EmbeddingInput& input) {
  json::Array content;
  for (const Part& part : input.parts) {
    if (part.kind == PartKind::text) {
      content.push_back(json::Object{{"type", "text"}, {"text", part.text}});
    } else {
      const std::string url = part.data.empty() ? part.url : data_uri(part, "image/png");
      content.push_back(json::Object{{"type", "image_url"}, {"image_url", {{"url", url}}}});
    }
  }
  return {{"content", std::move(content)}};
}

json::Value write_cohere_request(const EmbeddingRequest& request,
                                 std::vector<Unsupported>& unsupported) {
  // Cohere demands one; what is put into an index is the usual case.
  json::Object out = {
      {"model", request.model},
      {"input_type", request.purpose.empty() ? "search_document" : request.purpose}};
  json::Array texts, mixed, types;
  const bool all_texts =
      std::all_of(request.inputs.begin(), request.inputs.end(), [](const EmbeddingInput& input) {
        return input.parts.size() == 1 && input.parts[0].kind == PartKind::text;
      });
  for (const EmbeddingInput& input : request.inputs) {
    if (!input.tokens.empty())
      unsupported.push_back({"input", "Cohere's API takes texts, not tokens"});
    else if (all_texts)
      texts.push_back(json::Value(input.parts[0].text));
    else
      mixed.push_back(write_mixed(input));
  }
  if (!texts.empty()) out["texts"] = std::move(texts);
  if (!mixed.empty()) out["inputs"] = std::move(mixed);
  const bool is_same = request.from == EmbeddingDialect::cohere;
  for (const EmbeddingFormat format : request.formats)
    if (is_same) types.push_back(json::Value(word_of(format)));
  if (types.empty()) types.push_back("float");  // Other forms are made of it.
  out["embedding_types"] = std::move(types);
  put(out, "output_dimension", request.dimensions);
  if (!request.truncate.empty()) {
    std::string word = request.truncate;
    for (char& c : word) c = static_cast<char>(c - 32);
    out["truncate"] = word;
  }
  if (!request.user.empty()) unsupported.push_back({"user", "Cohere's API has no such parameter"});
  add_extra(request, EmbeddingDialect::cohere, out, unsupported);
  return out;
}

Error not_it(std::string_view what) {
  return fail(Code::unavailable, "the reply is not one of an embeddings API: {}", what);
}

Result<std::vector<float>> read_vector(const json::Value& value) {
  const json::Array* numbers = value.if_array();
  if (numbers == nullptr) return not_it("an embedding is no array");
  std::vector<float> vector;
  vector.reserve(numbers->size());
  for (const json::Value& number : *numbers) {
    if (!number.is_number()) return not_it("an embedding holds what is no number");
    const auto narrow = static_cast<float>(number.to_number<double>());
    if (!std::isfinite(narrow)) return not_it("an embedding holds a number that is too large");
    vector.push_back(narrow);
  }
  return vector;
}

Result<EmbeddingReply> read_openai_reply(const json::Object& object) {
  EmbeddingReply reply;
  reply.model = text_of(object, "model");
  const json::Array* data = array_of(object, "data");
  if (data == nullptr) return not_it("data is missing");
  reply.vectors.resize(data->size());
  for (const json::Value& item : *data) {
    if (!item.is_object()) return not_it("data holds what is no object");
    const json::Value* embedding = item.get_object().if_contains("embedding");
    const json::Value* place = item.get_object().if_contains("index");
    const bool is_placed = place != nullptr && place->is_int64() && place->get_int64() >= 0;
    const auto index = is_placed ? static_cast<std::size_t>(place->get_int64()) : data->size();
    if (embedding == nullptr || index >= reply.vectors.size() || !reply.vectors[index].empty())
      return not_it("data does not hold one embedding for each index");
    reply.vectors[index] = TRY(read_vector(*embedding));
  }
  if (const json::Object* usage = object_of(object, "usage"))
    reply.input_tokens = whole_of(*usage, "prompt_tokens");
  return reply;
}

Result<EmbeddingReply> read_cohere_reply(const json::Object& object) {
  EmbeddingReply reply;
  reply.id = text_of(object, "id");
  const json::Object* embeddings = object_of(object, "embeddings");
  if (embeddings == nullptr) return not_it("embeddings is missing");
  reply.by_format = *embeddings;
  if (const json::Array* floats = array_of(*embeddings, "float"))
    for (const json::Value& vector : *floats) reply.vectors.push_back(TRY(read_vector(vector)));
  if (const json::Object* meta = object_of(object, "meta"))
    if (const json::Object* units = object_of(*meta, "billed_units")) {
      reply.input_tokens = whole_of(*units, "input_tokens");
      reply.images = whole_of(*units, "images");
    }
  return reply;
}

}  // namespace

Result<EmbeddingRequest> decode_embedding_request(EmbeddingDialect dialect,
                                                  const json::Value& body) {
  auto request = dialect == EmbeddingDialect::openai ? decode_openai(body) : decode_cohere(body);
  if (!request) return request;
  if (request->inputs.empty())
    return fail(Code::invalid_argument, "input: is empty; send at least one text");
  if (request->inputs.size() > inputs_max)
    return fail(Code::invalid_argument, "input: has {} items; at most {} can be sent at once",
                request->inputs.size(), inputs_max);
  return request;
}

json::Value encode_embedding_reply(EmbeddingDialect dialect, const EmbeddingRequest& request,
                                   const EmbeddingReply& reply) {
  return dialect == EmbeddingDialect::openai ? write_openai_reply(request, reply)
                                             : write_cohere_reply(request, reply);
}

json::Value encode_embedding_request(EmbeddingDialect dialect, const EmbeddingRequest& request,
                                     std::vector<Unsupported>& unsupported) {
  return dialect == EmbeddingDialect::openai ? write_openai_request(request, unsupported)
                                             : write_cohere_request(request, unsupported);
}

Result<EmbeddingReply> decode_embedding_reply(EmbeddingDialect dialect, const json::Value& body) {
  const json::Object* object = body.if_object();
  if (object == nullptr) return not_it("it is no object");
  return dialect == EmbeddingDialect::openai ? read_openai_reply(*object)
                                             : read_cohere_reply(*object);
}

}  // namespace slipway::dialects
