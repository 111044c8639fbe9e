#include "trace/exporter.hpp"

#include <algorithm>
#include <charconv>

#include "core/log.hpp"
#include "trace/otlp.hpp"

namespace slipway::trace {

namespace {

constexpr std::size_t batch_runs_max = 512;
constexpr std::size_t remembered_max = 65'536;
constexpr std::chrono::milliseconds request_timeout{30'000};

SentUsage sent_usage(const Usage& usage) {
  const auto some = [](std::int64_t count) {
    return count == 0 ? std::nullopt : std::optional(count);
  };
  SentUsage sent;
  sent.input = usage.input_tokens;
  sent.output = usage.output_tokens;
  sent.total = usage.total_tokens;
  sent.cache_read = some(usage.cache_read_tokens);
  sent.cache_write = some(usage.cache_write_tokens);
  sent.cache_write_1h = some(usage.cache_write_1h_tokens);
  sent.reasoning = some(usage.reasoning_tokens);
  sent.input_audio = some(usage.input_audio_tokens);
  sent.output_audio = some(usage.output_audio_tokens);
  sent.source = usage.source;
  return sent;
}

/// Those that the protocol calls retryable, and what lies between us and the collector.
bool may_try_again(const Result<http::ClientResponse>& reply) {
  if (!reply) return reply.error().code() != Code::cancelled;
  const int status = reply->status;
  return status == 408 || status == 429 || status == 502 || status == 503 || status == 504;
}

std::chrono::milliseconds wish_of(const Result<http::ClientResponse>& reply) {
  if (!reply) return {};
  const auto said = reply->headers.find("retry-after");
  int seconds = 0;
  if (said != reply->headers.end())
    std::from_chars(said->second.data(), said->second.data() + said->second.size(), seconds);
  return std::chrono::seconds(std::max(seconds, 0));
}

}  // namespace

RunPatch patch_of(const Run& run) {
  RunPatch patch;
  patch.id = run.id;
  patch.trace_id = run.trace_id;
  patch.parent_id = run.parent_id;
  patch.project = run.project;
  patch.name = run.name;
  patch.kind = run.kind;
  patch.status = run.status;
  patch.error = run.error;
  patch.start = run.start;
  patch.end = run.end;
  patch.first_token = run.first_token;
  patch.inputs = run.inputs;
  patch.outputs = run.outputs;
  patch.events = run.events;
  patch.tags = run.tags;
  patch.metadata = run.metadata;
  patch.attributes = run.attributes;
  patch.extra = run.extra;
  patch.session_id = run.session_id;
  patch.user_id = run.user_id;
  patch.provider = run.provider;
  patch.model = run.model;
  patch.dotted_order = run.dotted_order;
  patch.reference_example_id = run.reference_example_id;
  if (run.usage) patch.usage = sent_usage(*run.usage);
  if (run.cost) patch.cost.total = run.cost->total.dollars();
  return patch;
}

Exporter::Exporter(Options options)
    : options_(std::move(options)),
      client_(http::Client::make({.timeout = request_timeout, .body_bytes_max = 1u << 20})),
      queue_({.runs_max = options_.runs_max, .patience = options_.patience}),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Exporter::~Exporter() {
  thread_.request_stop();
  thread_.join();
  if (const std::size_t left = queue_.waiting(); left > 0)
    log::warning("{} runs were not sent to {} any more", left,
                 http::redact_url(options_.config.endpoint));
}

void Exporter::offer(const RunPatch& run) {
  if (!queue_.offer(run)) dropped_.fetch_add(1, std::memory_order_relaxed);
}

Exporter::Counters Exporter::counters() const {
  return {exported_.load(), dropped_.load(), queue_.waiting()};
}

void Exporter::work(const std::stop_token& stop) {
  const Context context(stop);
  while (!stop.stop_requested()) {
    const auto due = queue_.take(stop, batch_runs_max);
    const auto runs = read(context, due);
    if (!runs.empty()) send(context, runs);
  }
}

/// As they are stored. One that is not there was refused, or has been deleted.
std::vector<RunPatch> Exporter::read(const Context& context,
                                     const std::vector<detail::EndedRuns::Entry>& entries) {
  std::vector<RunPatch> runs;
  for (const auto& entry : entries) {
    const auto run = options_.store.run(context, entry.run_id, entry.trace_id);
    if (!run) {
      if (run.error().code() != Code::not_found) ++dropped_;
      continue;
    }
    const auto& projects = options_.config.projects;
    const bool is_wanted = projects.empty() || std::find(projects.begin(), projects.end(),
                                                         run->project) != projects.end();
    if (is_wanted && is_new(*run)) runs.push_back(patch_of(*run));
  }
  return runs;
}

bool Exporter::is_new(const Run& run) {
  const std::string key = run.trace_id + "/" + run.id;
  if (!sent_.insert(key).second) return false;
  sent_order_.push_back(key);
  if (sent_order_.size() > remembered_max) {
    sent_.erase(sent_order_.front());
    sent_order_.pop_front();
  }
  return true;
}

void Exporter::send(const Context& context, const std::vector<RunPatch>& runs) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = options_.config.endpoint;
  request.headers = options_.headers;
  request.headers["content-type"] = "application/x-protobuf";
  request.body = encode_otlp_traces(runs, OtlpFormat::protobuf);
  const auto end = std::chrono::steady_clock::now() + options_.give_up;
  for (auto pause = options_.pause_first;; pause = std::min(pause * 2, options_.pause_max)) {
    const auto reply = client_->send(context, request);
    if (reply && reply->status / 100 == 2) {
      exported_ += runs.size();
      return;
    }
    const auto rest = std::max(pause, std::min(wish_of(reply), options_.pause_max));
    if (!may_try_again(reply) || std::chrono::steady_clock::now() + rest > end) {
      dropped_ += runs.size();
      log::warning("{} runs were not exported to {}: {}", runs.size(),
                   http::redact_url(request.url),
                   reply ? fmt::format("status {}", reply->status) : reply.error().message());
      return;
    }
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait_for(lock, context.stop(), rest, [] { return false; });
    if (context.stop().stop_requested()) {
      dropped_ += runs.size();
      return;
    }
  }
}

}  // namespace slipway::trace
