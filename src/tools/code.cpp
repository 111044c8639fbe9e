#include "tools/detail/config.hpp"
#include "tools/detail/python_runner.hpp"

#include "core/files.hpp"

namespace slipway::tools {

namespace detail {

namespace {

/// The model writes the source, or the operator did and the arguments are its variables.
class CodeTool final : public Tool {
 public:
  CodeTool(std::string python, std::string source, JailLimits limits)
      : python_(std::move(python)), source_(std::move(source)), limits_(limits) {}

  ToolResult call(const Context& context, const ToolCall& call) override {
    PythonCode code{.source = source_, .args = call.args, .limits = limits_};
    if (source_.empty()) {
      auto source = text_argument(call, "source");
      if (!source) return ToolResult::failed(source.failure());
      code.source = *std::move(source);
      code.args = Value::map();
      if (const Value* args = call.args.find("args"); args != nullptr && args->is_map())
        code.args = *args;
    }
    return run_python(context, python_, code);
  }
  Value parameters() const override {
    if (!source_.empty()) return Value::map({{"type", "object"}});
    return describe_parameters(
        {{"source", "string", "Python 3; the value of the variable `result` is the reply"},
         {"args", "object", "variables that the code sees", false}});
  }
  std::string description() const override {
    return source_.empty() ? "Runs Python code without network and files, and gives the value of "
                             "its variable `result`."
                           : "";
  }

 private:
  const std::string python_, source_;
  const JailLimits limits_;
};

}  // namespace

MadeTool make_code(const ToolSpec& spec, const std::string& python) {
  const ConfigMap map =
      TRY(ConfigMap::open(spec.config, "code", {"lang", "source", "file", "limits"}));
  if (const std::string lang = TRY(map.text("lang", "python")); lang != "python")
    return fail(Code::invalid_argument, "code.lang: '{}' is not known; python is", lang);
  if (map.has("source") && map.has("file"))
    return fail(Code::invalid_argument, "code: either 'source' or 'file', not both");
  std::string source = TRY(map.text("source"));
  constexpr std::uint64_t bytes_max = 4u << 20;
  if (map.has("file"))
    source = TRY(read_file(std::filesystem::path(spec.folder) / TRY(map.text("file")), bytes_max));
  const JailLimits limits = TRY(read_limits(map.at("limits")));
  return std::shared_ptr<Tool>(std::make_shared<CodeTool>(python, std::move(source), limits));
}

}  // namespace detail

CodeRunner code_runner(std::string python) {
  return [python = std::move(python)](const Context& context, const agents::CodeBody& body,
                                      const agents::Value& args) -> agents::Outcome<agents::Value> {
    detail::PythonCode code{.source = body.source, .args = args};
    code.limits = {.wall = body.wall,
                   .cpu = body.cpu,
                   .memory_bytes_max = static_cast<std::size_t>(body.memory),
                   .output_bytes_max = static_cast<std::size_t>(body.output),
                   .processes_max = body.processes};
    agents::ToolResult result = detail::run_python(context, python, code);
    if (!result.value) return result.failure;
    return *std::move(result.value);
  };
}

}  // namespace slipway::tools
