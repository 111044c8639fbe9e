#include <algorithm>

#include "trace/detail/routes.hpp"
#include "trace/detail/wire.hpp"

namespace slipway::trace::detail {

namespace {

/// The queries of lists, and how much of them.
struct ExportWish : Selection {
  std::string sort = "-start_time";
  int limit = 1000;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "sort": {"enum": ["-start_time", "start_time", "latency_ms", "-latency_ms", "cost_usd",
                      "-cost_usd", "total_tokens", "-total_tokens"]},
    "limit": {"minimum": 1, "maximum": 100000, "description": "How many lines at most."}}})";
};
BOOST_DESCRIBE_STRUCT(ExportWish, (Selection), (sort, limit))

constexpr std::size_t bytes_max = 64u << 20;  // Of a file, which is made in memory.
constexpr int page_size = 200;

Result<Query> first_page(const http::Call& call, const Services& services, const ExportWish& wish,
                         Listed listed) {
  Query query =
      TRY(resolved(call, services, query_of(static_cast<const Selection&>(wish)), listed));
  query.sort = TRY(parse_sort(wish.sort).within("sort"));
  query.limit = std::min(wish.limit, page_size);
  return query;
}

/// Ends a line that began at `begin`. Payloads stand as they came, also over several lines; within
/// their strings a line's end is always escaped.
void end_line(std::string& out, std::size_t begin) {
  const auto is_end = [](char c) { return c == '\n' || c == '\r'; };
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), is_end, ' ');
  out += '\n';
}

/// Lines as `lines_of` writes them from page after page; it says where the next one begins.
template <typename LinesOf>
Result<http::Bytes> file_of(Query query, int limit, const char* name, LinesOf lines_of) {
  http::Bytes file{.bytes = {}, .media_type = "application/x-ndjson", .file_name = name};
  for (int left = limit; left > 0; left -= query.limit) {
    query.limit = std::min(query.limit, left);
    const std::optional<std::string> next = TRY(lines_of(query, file.bytes));
    if (file.bytes.size() > bytes_max)
      return fail(
          Code::invalid_argument,
          "limit: {} lines are more than the {} MiB that one export may have; ask for fewer, "
          "or for a shorter time with from and to",
          limit, bytes_max >> 20);
    if (!next) break;
    query.cursor = *next;
  }
  return file;
}

}  // namespace

void mount_export(http::Api& api, const Services& services) {
  api.get<ExportWish, http::Bytes>(
      "/api/traces/export",
      {.summary = "Traces as a file: one a line, each a whole tree",
       .description = "JSON lines, each as `GET /api/traces/{trace_id}` gives it.",
       .tag = "traces",
       .role = "read",
       .name = "export_traces"},
      [services](const http::Call& call, const ExportWish& wish) -> Result<http::Bytes> {
        const Query query = TRY(first_page(call, services, wish, Listed::traces));
        const auto lines = [&](const Query& page,
                               std::string& out) -> Result<std::optional<std::string>> {
          const auto list = TRY(services.store.traces(call.context(), page));
          for (const TraceSummary& item : list.items) {
            auto trace = services.store.trace(call.context(), item.id, true);
            if (!trace && trace.error().code() == Code::not_found) continue;  // Gone meanwhile.
            const std::size_t begin = out.size();
            out += trace_text(TRY(std::move(trace)), Payloads::shown);
            end_line(out, begin);
            if (out.size() > bytes_max) break;
          }
          return list.next_cursor;
        };
        return file_of(query, wish.limit, "traces.jsonl", lines);
      });
  api.get<ExportWish, http::Bytes>(
      "/api/runs/export",
      {.summary = "Runs as a file: one a line",
       .description = "JSON lines, each as `GET /api/runs` lists it.",
       .tag = "traces",
       .role = "read",
       .name = "export_runs"},
      [services](const http::Call& call, const ExportWish& wish) -> Result<http::Bytes> {
        const Query query = TRY(first_page(call, services, wish, Listed::runs));
        const auto lines = [&](const Query& page,
                               std::string& out) -> Result<std::optional<std::string>> {
          const auto list = TRY(services.store.runs(call.context(), page));
          for (const Run& run : list.items) {
            const std::size_t begin = out.size();
            append_run(out, run, Payloads::shown);
            end_line(out, begin);
          }
          return list.next_cursor;
        };
        return file_of(query, wish.limit, "runs.jsonl", lines);
      });
}

}  // namespace slipway::trace::detail
