#include "agents/declared.hpp"

#include <algorithm>
#include <filesystem>

#include "core/files.hpp"
#include "core/yaml.hpp"

namespace slipway::agents {

namespace {

constexpr std::size_t name_bytes_max = 64;
constexpr std::uint64_t text_bytes_max = 1u << 20;

Result<void> check_entry(const std::string& name, const json::Value& entry) {
  if (entry.is_string() && !entry.get_string().empty()) return {};
  if (!entry.is_object())
    return fail(Code::invalid_argument,
                "{}: a file is expected, or the agent itself (nodes, edges ...), got {}", name,
                json::dump(entry));
  const json::Object& object = entry.get_object();
  if (const json::Value* file = object.if_contains("file")) {
    if (!file->is_string() || file->get_string().empty())
      return fail(Code::invalid_argument, "{}.file: a path is expected, got {}", name,
                  json::dump(*file));
    for (const auto& item : object)
      if (item.key() != "file")
        return fail(Code::invalid_argument, "{}.{}: the file says all of the agent; move it there",
                    name, std::string_view(item.key()));
    return {};
  }
  const json::Value* own = object.if_contains("name");
  if (own == nullptr || *own == boost::json::string(name)) return {};
  return fail(Code::invalid_argument, "{}.name: {} is not what the entry is called; leave it out",
              name, json::dump(*own));
}

std::size_t indentation(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool is_blank(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t\r");
  return begin == std::string_view::npos || line[begin] == '#';
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

/// What stands below the key at `line`, moved to the left margin.
std::string block_below(const std::vector<std::string_view>& lines, int line) {
  const std::size_t key = static_cast<std::size_t>(line) - 1;
  if (line < 1 || key >= lines.size()) return {};
  std::size_t end = key + 1, last = end, margin = std::string_view::npos;
  for (; end < lines.size(); ++end) {
    if (is_blank(lines[end])) continue;
    if (indentation(lines[end]) <= indentation(lines[key])) break;
    margin = std::min(margin, indentation(lines[end]));
    last = end + 1;
  }
  std::string text;
  for (std::size_t i = key + 1; i < last; ++i) {
    text += lines[i].substr(std::min(margin, indentation(lines[i])));
    text += '\n';
  }
  return text;
}

/// As it is written, if that can be cut out (flow style and anchors cannot); else as JSON, which is
/// YAML.
DeclaredAgent inline_agent(const std::string& name, const json::Value& entry,
                           const std::vector<std::string_view>& lines, int line) {
  const bool is_named = entry.get_object().contains("name");
  std::string text = block_below(lines, line);
  if (const auto again = yaml::parse(text); again && again->value == entry)
    return {.name = name,
            .file = {},
            .text = is_named ? std::move(text) : fmt::format("name: \"{}\"\n{}", name, text),
            .first_line = is_named ? line + 1 : line};
  json::Object whole = entry.get_object();
  whole["name"] = name;
  return {.name = name, .file = {}, .text = json::dump(whole), .first_line = line};
}

/// Of an agent that was read from the middle of a file.
void move_lines(const DeclaredAgent& agent, std::vector<Problem>& problems) {
  if (agent.text.empty()) return;
  const int last_line = agent.first_line + static_cast<int>(lines_of(agent.text).size()) - 1;
  for (Problem& problem : problems)
    if (problem.file == agent.file)
      problem.line =
          std::clamp(problem.line + agent.first_line - 1, agent.first_line, std::max(last_line, 1));
}

}  // namespace

Result<void> check_agent_name(std::string_view name) {
  const bool is_good = !name.empty() && name.size() <= name_bytes_max &&
                       std::all_of(name.begin(), name.end(), [](unsigned char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
                       });
  if (is_good) return {};
  return fail(Code::invalid_argument, "'{}' is no name of an agent: 1 to {} of a-z A-Z 0-9 _ - .",
              name, name_bytes_max);
}

Result<void> check_declared(const std::map<std::string, json::Value>& agents) {
  for (const auto& [name, entry] : agents) {
    TRY(check_agent_name(name).within(name));
    TRY(check_entry(name, entry));
  }
  return {};
}

std::vector<DeclaredAgent> declared_agents(const std::map<std::string, json::Value>& agents,
                                           const DeclaredPlace& place) {
  const std::vector<std::string_view> lines = lines_of(place.text);
  const auto folder = std::filesystem::path(place.file).parent_path();
  std::vector<DeclaredAgent> declared;
  for (const auto& [name, entry] : agents) {
    const json::Value* file = entry.is_object() ? entry.get_object().if_contains("file") : &entry;
    if (file != nullptr) {
      const std::filesystem::path path(std::string(file->get_string()));
      declared.push_back(
          {.name = name, .file = (folder / path).lexically_normal().string(), .text = {}});
      continue;
    }
    const auto line = place.lines.find("$.agents." + name);
    declared.push_back(
        inline_agent(name, entry, lines, line == place.lines.end() ? 1 : line->second));
    declared.back().file = place.file;
  }
  return declared;
}

Result<std::map<std::string, std::string>> texts_of_declared(
    const std::vector<DeclaredAgent>& agents) {
  std::map<std::string, std::string> texts;
  for (const DeclaredAgent& agent : agents) {
    TRY(check_agent_name(agent.name).within("agents"));
    std::string text = agent.text;
    if (text.empty())
      text =
          TRY(read_file(agent.file, text_bytes_max).within(fmt::format("agents.{}", agent.name)));
    if (!texts.emplace(agent.name, std::move(text)).second)
      return fail(Code::invalid_argument, "agents.{}: is declared twice", agent.name);
  }
  return texts;
}

LoadedAgent load_declared_agent(const DeclaredAgent& agent, const LoadOptions& options) {
  if (agent.text.empty()) return load_agent_file(agent.file, options);
  LoadedAgent loaded = load_agent(agent.file, agent.text, options);
  move_lines(agent, loaded.problems);
  return loaded;
}

Result<std::map<std::string, LoadedDeclaration>> load_declared(
    const std::vector<DeclaredAgent>& agents, LoadOptions options) {
  auto texts = TRY(texts_of_declared(agents));
  std::map<std::string, std::string> folders;
  for (const DeclaredAgent& agent : agents)
    folders[agent.name] = std::filesystem::path(agent.file).parent_path().string();
  options.find_agent = [&texts, others = std::move(options.find_agent)](
                           const std::string& name) -> Result<std::string> {
    if (const auto found = texts.find(name); found != texts.end()) return found->second;
    if (others) return others(name);
    return fail(Code::not_found, "there is no agent '{}'", name);
  };
  options.folder_of_agent = [&folders](const std::string& name) {
    const auto found = folders.find(name);
    return found == folders.end() ? std::string() : found->second;
  };
  std::map<std::string, LoadedDeclaration> made;
  std::string faults;
  for (const DeclaredAgent& agent : agents) {
    LoadedDeclaration& one = made[agent.name];
    one.text = texts.at(agent.name);
    one.loaded = load_agent(agent.file, one.text, options);
    move_lines(agent, one.loaded.problems);
    // Sub-agents of the configuration are told of on their own.
    std::erase_if(one.loaded.problems, [&](const Problem& problem) {
      const std::string name = std::filesystem::path(problem.file).filename().string();
      return name.starts_with("agent:") && texts.contains(name.substr(6));
    });
    if (!one.loaded.ok())
      faults += fmt::format("{}{}", faults.empty() ? "" : "\n",
                            one.loaded.error().within("agents." + agent.name).message());
  }
  if (!faults.empty()) return fail(Code::invalid_argument, "{}", faults);
  return made;
}

}  // namespace slipway::agents
