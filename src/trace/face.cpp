#include "trace/face.hpp"

#include <array>

#include "trace/detail/faces.hpp"
#include "trace/detail/langsmith_filter.hpp"
#include "trace/detail/langsmith_places.hpp"
#include "trace/detail/langsmith_query.hpp"
#include "trace/detail/multipart.hpp"
#include "trace/detail/times.hpp"
#include "trace/detail/v2_wire.hpp"

namespace slipway::trace {

namespace {

constexpr std::string_view platform = "/platform/";
constexpr std::array<std::string_view, 2> prefixes_v2 = {"/api/v2", "/langsmith/api/v2"};

std::string place(std::string_view prefix, const std::string& path) {
  if (path.starts_with(platform) && !prefix.ends_with("/v1"))
    return std::string(prefix) + "/v1" + path;
  return std::string(prefix) + path;
}

}  // namespace

struct LangSmithFace::State {
  detail::Face face;
};

LangSmithFace::LangSmithFace(const Services& services)
    : state_(
          std::make_shared<const State>(State{detail::Face(services, detail::langsmith_refusal)})) {
}

void LangSmithFace::serve(http::Router& router, const std::string& method, const std::string& path,
                          const std::string& role, const Handler& handler) const {
  for (const std::string_view prefix : detail::langsmith_prefixes)
    state_->face.serve(router, method, place(prefix, path), role, handler);
  state_->face.serve(router, method, place("", path), role, handler);
}

void LangSmithFace::take(http::Router& router, const std::string& method, const std::string& path,
                         const Handler& handler) const {
  for (const std::string_view prefix : detail::langsmith_prefixes)
    state_->face.intake(router, method, place(prefix, path), handler);
  state_->face.intake(router, method, place("", path), handler);
}

void LangSmithFace::serve_v2(http::Router& router, const std::string& method,
                             const std::string& path, const std::string& role,
                             const Handler& handler) const {
  for (const std::string_view prefix : prefixes_v2)
    state_->face.serve(router, method, std::string(prefix) + path, role, handler);
}

void FaceRoutes::operator()(const char* method, const std::string& path, const char* role,
                            Serve serve) const {
  const LangSmithFace::Handler handler = [services = services_, serve](
                                             const http::ExchangePtr& exchange,
                                             const http::PathParameters& parameters) {
    return serve(services, exchange, parameters);
  };
  if (version_ == Version::v2)
    face_.serve_v2(router_, method, path, role, handler);
  else
    face_.serve(router_, method, path, role, handler);
}

http::Response json_response(int status, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = std::move(body)};
}

std::string path_value(const http::PathParameters& parameters, std::string_view name) {
  return detail::parameter(parameters, name);
}

std::vector<std::string> query_values(const http::Request& request, std::string_view name) {
  std::vector<std::string> values;
  if (const auto pairs = http::parse_query(request.query))
    for (const auto& [key, value] : *pairs)
      if (key == name) values.push_back(value);
  return values;
}

std::optional<std::string> query_value(const http::Request& request, std::string_view name) {
  auto values = query_values(request, name);
  return values.empty() ? std::nullopt : std::optional(std::move(values.front()));
}

bool is_asked(const http::Request& request, std::string_view name) {
  const auto value = query_value(request, name);
  return value && (http::equals_ignoring_case(*value, "true") || *value == "1");
}

Result<std::size_t> query_number(const http::Request& request, std::string_view name,
                                 std::size_t otherwise) {
  const auto text = query_value(request, name);
  if (!text) return otherwise;
  const auto number = json::parse(*text);
  const auto whole =
      number ? json::from<std::uint32_t>(*number) : Result<std::uint32_t>(number.error());
  if (!whole) return fail(Code::invalid_argument, "{}: '{}' is no whole number", name, *text);
  return *whole;
}

std::string server_url(const http::Request& request) { return detail::base_url(request); }

std::string langsmith_time(Nanoseconds time) { return detail::time_text(time); }

Result<Nanoseconds> read_langsmith_time(std::string_view text) {
  return detail::parse_nanoseconds(detail::with_zone(text));
}

std::string tenant_id() { return detail::tenant_id(); }

Result<Run> find_langsmith_run(const Context& context, TraceStore& store, const std::string& uuid) {
  return detail::find_langsmith_run(context, store, uuid);
}

Result<Page<Run>> query_langsmith_runs(const Context& context, const Services& services,
                                       const json::Value& body) {
  const auto query = TRY(detail::read_langsmith_query(context, body, services));
  return detail::run_langsmith_query(context, services.store, query);
}

Result<std::vector<std::string>> langsmith_run_texts(const Context& context,
                                                     const Services& services,
                                                     const std::vector<Run>& runs) {
  auto places = TRY(detail::Places::make(context, services));
  TRY(places.learn(context, runs));
  std::vector<std::string> texts;
  for (const Run& run : runs)
    texts.push_back(detail::langsmith_run_text(run, TRY(places.of(context, run))));
  return texts;
}

Result<std::vector<std::string>> langsmith_v2_run_texts(const http::ExchangePtr& exchange,
                                                        const Services& services,
                                                        const std::vector<Run>& runs,
                                                        const std::vector<std::string>& selects) {
  return detail::v2_run_texts(exchange->context(), services, runs,
                              TRY(detail::read_selects(selects)), server_url(exchange->request()));
}

Result<std::vector<BodyPart>> read_body_parts(std::string_view content_type,
                                              std::string_view body) {
  constexpr std::size_t parts_max = 100'000;
  auto reader = TRY(detail::MultipartReader::make(content_type, body));
  std::vector<BodyPart> parts;
  detail::FormPart part;
  while (TRY(reader.next(part))) {
    if (parts.size() == parts_max)
      return fail(Code::invalid_argument, "the body has more than {} parts; send less at once",
                  parts_max);
    parts.push_back({std::move(part.name), part.media_type, part.bytes});
  }
  return parts;
}

}  // namespace slipway::trace
