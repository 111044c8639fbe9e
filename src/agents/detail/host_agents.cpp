// Agents by name: those of the configuration, and those that callers put.
#include <algorithm>

#include "agents/detail/own_host.hpp"
#include "agents/detail/tool_agent.hpp"
#include "core/files.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::size_t text_bytes_max = 1u << 20;
constexpr std::size_t agents_max = 10'000;

/// Nobody who puts an agent reads the server's disk by it.
Result<std::string> refuse_file(const std::string& path) {
  return fail(
      Code::not_found,
      "{}: an agent that is put has no files beside it; put the other agent too and name it", path);
}

}  // namespace

/// `texts`: agents by name that count before those that were put.
LoadOptions OwnHost::load_options(const std::map<std::string, std::string>& texts) {
  LoadOptions options = options_.load_options ? options_.load_options() : LoadOptions();
  options.find_agent = [this, texts](const std::string& name) -> Result<std::string> {
    if (const auto found = texts.find(name); found != texts.end()) return found->second;
    return TRY(store_->agent(name)).source;
  };
  // Asked with the lock of agents held.
  options.folder_of_agent = [this](const std::string& name) {
    const auto found = declared_.find(name);
    return found == declared_.end()
               ? std::string()
               : std::filesystem::path(found->second.info.file).parent_path().string();
  };
  return options;
}

Result<void> OwnHost::declare_agents(std::vector<DeclaredAgent> agents) {
  std::map<std::string, Declared> made;
  auto loaded = TRY(load_declared(agents, load_options({})));
  for (const DeclaredAgent& agent : agents) {
    LoadedDeclaration& one = loaded.at(agent.name);
    made[agent.name] = {.info = {.name = agent.name,
                                 .description = one.loaded.agent->description,
                                 .hash = one.loaded.agent->hash,
                                 .source = std::move(one.text),
                                 .file = agent.file,
                                 .created_ms = now_ms(),
                                 .updated_ms = now_ms()},
                        .agent = one.loaded.agent};
  }
  std::unique_lock lock(agents_mutex_);
  for (auto& [name, agent] : made)
    if (const auto before = declared_.find(name); before != declared_.end()) {
      const bool is_same = before->second.info.hash == agent.info.hash;
      agent.info.created_ms = before->second.info.created_ms;
      agent.info.version = before->second.info.version + (is_same ? 0 : 1);
      if (is_same) agent.info.updated_ms = before->second.info.updated_ms;
    }
  declared_ = std::move(made);
  names_.with([&](Names& names) {
    names.declared.clear();
    for (const auto& [name, agent] : declared_) names.declared.insert(name);
  });
  loaded_.clear();
  const bool recovers = std::exchange(waits_, false);
  lock.unlock();
  return recovers ? recover() : Result<void>();
}

Result<AgentInfo> OwnHost::put_agent(const std::string& name, const std::string& yaml) {
  TRY(check_agent_name(name));
  if (yaml.size() > text_bytes_max)
    return fail(Code::invalid_argument, "agent '{}' has {} bytes; at most {} are taken", name,
                yaml.size(), text_bytes_max);
  const std::lock_guard lock(agents_mutex_);
  if (declared_.contains(name))
    return fail(
        Code::conflict,
        "agent '{}' is declared in the configuration; change it there, or take another name", name);
  std::map<std::string, std::string> texts;
  for (const auto& [other, agent] : declared_) texts[other] = agent.info.source;
  texts[name] = yaml;
  LoadOptions options = load_options(texts);
  options.read_file = refuse_file;
  const LoadedAgent loaded = load_agent(name, yaml, options);
  if (!loaded.ok()) return loaded.error();
  TRY(check_reach(*loaded.agent, options_.reach()).within(name));
  AgentInfo info{.name = name,
                 .description = loaded.agent->description,
                 .hash = loaded.agent->hash,
                 .source = yaml,
                 .created_ms = now_ms(),
                 .updated_ms = now_ms()};
  if (const auto before = store_->agent(name)) {
    info.created_ms = before->created_ms;
    info.version = before->version + (before->source == yaml ? 0 : 1);
    if (before->source == yaml) info.updated_ms = before->updated_ms;
  } else if (TRY(store_->agents()).size() >= agents_max) {
    return fail(Code::unavailable, "there are {} agents already; remove some", agents_max);
  }
  TRY(store_->put_agent(info));
  names_.with([&](Names& names) { names.put.insert(name); });
  loaded_.clear();  // Others may name it.
  loaded_[name] = {.info = info, .agent = loaded.agent};
  return info;
}

/// With the lock held; kept until any agent changes.
Result<const OwnHost::Declared*> OwnHost::tool_agent(const std::string& name) {
  if (const auto found = loaded_.find(name); found != loaded_.end()) return &found->second;
  const auto parts = split_tool_name(name);
  if (!parts) return fail(Code::not_found, "'{}' is no tool of an agent", name);
  const auto declared = declared_.find(parts->first);
  AgentInfo info =
      declared != declared_.end() ? declared->second.info : TRY(store_->agent(parts->first));
  const AgentPtr of = TRY(loaded_with_lock(parts->first));
  info.source = TRY(text_of_tool(*of, info.source, parts->second));
  std::map<std::string, std::string> texts;
  for (const auto& [other, agent] : declared_) texts[other] = agent.info.source;
  LoadOptions options = load_options(texts);
  if (declared == declared_.end()) options.read_file = refuse_file;
  const LoadedAgent loaded = load_agent(of->file, info.source, options);
  if (!loaded.ok()) return loaded.error().within(fmt::format("tool '{}'", name));
  info.name = name;
  info.description = loaded.agent->description;
  info.hash = loaded.agent->hash;
  return &(loaded_[name] = {.info = std::move(info), .agent = loaded.agent});
}

Result<AgentInfo> OwnHost::agent(const std::string& name) {
  if (split_tool_name(name)) {
    const std::lock_guard lock(agents_mutex_);
    return TRY(tool_agent(name))->info;
  }
  {
    const std::lock_guard lock(agents_mutex_);
    if (const auto found = declared_.find(name); found != declared_.end())
      return found->second.info;
  }
  return store_->agent(name);
}

Result<AgentPtr> OwnHost::loaded_agent(const std::string& name) {
  const std::lock_guard lock(agents_mutex_);
  if (split_tool_name(name)) return TRY(tool_agent(name))->agent;
  return loaded_with_lock(name);
}

Result<AgentPtr> OwnHost::loaded_with_lock(const std::string& name) {
  if (const auto found = declared_.find(name); found != declared_.end()) return found->second.agent;
  if (const auto found = loaded_.find(name); found != loaded_.end()) return found->second.agent;
  AgentInfo info = TRY(store_->agent(name));
  std::map<std::string, std::string> texts;
  for (const auto& [other, agent] : declared_) texts[other] = agent.info.source;
  LoadOptions options = load_options(texts);
  options.read_file = refuse_file;
  const LoadedAgent loaded = load_agent(name, info.source, options);
  if (!loaded.ok()) return loaded.error().within(fmt::format("agent '{}'", name));
  // The configuration may be another one since it was put.
  TRY(check_reach(*loaded.agent, options_.reach()).within(fmt::format("agent '{}'", name)));
  loaded_[name] = {.info = std::move(info), .agent = loaded.agent};
  return loaded.agent;
}

Result<std::vector<AgentInfo>> OwnHost::agents() {
  std::vector<AgentInfo> list = TRY(store_->agents());
  const std::lock_guard lock(agents_mutex_);
  std::erase_if(list, [&](const AgentInfo& info) { return declared_.contains(info.name); });
  for (const auto& [name, agent] : declared_) list.push_back(agent.info);
  std::sort(list.begin(), list.end(),
            [](const AgentInfo& a, const AgentInfo& b) { return a.name < b.name; });
  return list;
}

std::vector<std::string> OwnHost::agent_names() const {
  return names_.with([](const Names& names) {
    std::set<std::string> all = names.declared;
    all.insert(names.put.begin(), names.put.end());
    return std::vector<std::string>(all.begin(), all.end());
  });
}

Result<void> OwnHost::remove_agent(const std::string& name) {
  const std::lock_guard lock(agents_mutex_);
  if (declared_.contains(name))
    return fail(Code::conflict, "agent '{}' is declared in the configuration; remove it there",
                name);
  TRY(store_->remove_agent(name));
  names_.with([&](Names& names) { names.put.erase(name); });
  loaded_.clear();
  return {};
}

}  // namespace slipway::agents::detail
