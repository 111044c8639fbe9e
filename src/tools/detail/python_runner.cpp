#include "tools/detail/python_runner.hpp"

#include <filesystem>

#include "tools/detail/config.hpp"

namespace slipway::tools::detail {

namespace {

// Standard output is the channel of the result, so what the code prints goes to standard error.
constexpr std::string_view wrapper = R"(
import json, os, sys
task = json.load(sys.stdin)
out = os.dup(1)
os.dup2(2, 1)
names = {'__name__': '__main__', **task['args']}
def fault():
    kind, value, trace = sys.exc_info()
    line = 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == 'code':
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(value, SyntaxError) and value.filename == 'code':
        line = value.lineno
        value = value.msg
    text = str(value)[:2000]
    return {'error': kind.__name__ + (': ' + text if text else ''), 'line': line}
try:
    exec(compile(task['source'], 'code', 'exec'), names)
    if 'result' in names:
        reply = {'result': names['result']}
    else:
        reply = {'error': "the code sets no variable 'result'", 'line': 0}
except SystemExit as end:
    reply = {'result': names['result']} if 'result' in names and not end.code else fault()
except BaseException:
    reply = fault()
def plain(value):
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if hasattr(value, 'tolist'):
        return value.tolist()
    if hasattr(value, 'isoformat'):
        return value.isoformat()
    if hasattr(value, '__float__'):
        return float(value)
    raise TypeError("'result' holds a " + type(value).__name__ + ", which is no JSON")
try:
    text = json.dumps(reply, default=plain, allow_nan=False)
except BaseException:
    text = json.dumps(fault())
data = text.encode()
while data:
    data = data[os.write(out, data):]
os._exit(0)
)";

std::string tail(std::string_view text) {
  constexpr std::size_t bytes_max = 500;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.size() > bytes_max) text.remove_prefix(text.size() - bytes_max);
  return std::string(text);
}

/// The interpreter and its library; no other programs.
std::vector<std::string> python_paths(const std::string& python) {
  std::vector<std::string> paths{
      "/usr/lib",         "/lib", "/lib64", "/usr/lib64", "/usr/share/zoneinfo",
      "/etc/ld.so.cache", python};
  std::error_code ignored;
  const std::filesystem::path real = std::filesystem::canonical(python, ignored);
  if (ignored) return paths;
  paths.push_back(real.string());
  // One that is not the system's brings its library beside it.
  const std::filesystem::path prefix = real.parent_path().parent_path();
  if (prefix != "/usr" && prefix != "/") paths.push_back(prefix.string());
  for (const auto& entry : std::filesystem::directory_iterator("/usr/local/lib", ignored))
    if (entry.path().filename().string().starts_with("python"))
      paths.push_back(entry.path().string());
  return paths;
}

}  // namespace

ToolResult run_python(const Context& context, const std::string& python, const PythonCode& code) {
  Jail jail;
  jail.command = {python, "-I", "-B", "-X", "utf8", "-c", std::string(wrapper)};
  jail.readable = python_paths(python);
  jail.limits = code.limits;
  const Value task = Value::map({{"source", code.source}, {"args", code.args}});
  const auto output = run_jailed(context, jail, dump(task));
  if (!output) {
    JailFailure failed = jail_failure(output.error());
    failed.failure.message = "the code " + failed.failure.message;
    if (failed.failure.kind == "refused")
      failed.failure.message = "code is not run here: " + output.error().message();
    return ToolResult::failed(std::move(failed.failure));
  }
  if (output->exit_code != 0)
    return ToolResult::failed({"tool", fmt::format("the code ended with exit code {}: {}",
                                                   output->exit_code, tail(output->err))});
  const auto reply = agents::parse_json(output->out);
  const Value* const result = reply && reply->is_map() ? reply->find("result") : nullptr;
  if (result != nullptr) return ToolResult::done(*result);
  // The code may have written to the channel itself.
  if (!reply || !reply->is_map() || agents::in_words(reply->at("error")).empty())
    return ToolResult::failed({"tool", "the code ended without a result"});
  const Value& line = reply->at("line");
  return ToolResult::failed({"tool", fmt::format("{}{}", agents::in_words(reply->at("error")),
                                                 line.is_integer() && line.integer() > 0
                                                     ? fmt::format(" (line {})", line.integer())
                                                     : "")});
}

}  // namespace slipway::tools::detail
