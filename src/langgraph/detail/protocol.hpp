// Version 3 of the streaming protocol of LangGraph's clients: typed events of a thread, run after
// run, in channels. Source: langchain-protocol 0.0.20 and what langgraph-api 0.16.7 says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "langgraph/detail/translator.hpp"

namespace slipway::langgraph::detail {

using NameSpace = std::vector<std::string>;

/// One event, without its number.
struct Told {
  std::string method;
  NameSpace space;
  Value data;
  std::int64_t time_ms = 0;
  /// `seq` is its number along the thread.
  Value json(const std::string& id, std::int64_t seq) const;
};

/// What a client wants to be told.
struct Channels {
  std::set<std::string> names;    ///< "values", "custom:progress" ...
  std::vector<NameSpace> spaces;  ///< Empty: all.
  std::optional<int> depth;       ///< Below those.
  std::int64_t since = 0;         ///< The last number that it has.
  bool wants(const Told& told) const;
};
/// Fails: invalid_argument naming the member.
Result<Channels> read_channels(const Value& body);

/// For one run, whose events come in their order; not thread safe.
class Protocol {
 public:
  /// `modes` and `has_subgraphs` are its own.
  explicit Protocol(Translator::Options options);
  /// What clients are told of it, in order. Fails: as `Translator::frames`.
  Result<std::vector<Told>> tell(const agents::Event& event);

 private:
  struct Message {
    std::string id, text;
    NameSpace space;
    std::int64_t blocks = 0;
    bool has_text = false;
  };
  void put(std::string method, NameSpace space, Value data);
  void frame(const Frame& frame, const agents::Event& event);

  // Messages: begun, told in pieces of their blocks, finished.
  void said(const NameSpace& space, const Value& message, const agents::Event& event);
  void say(Message& message, const Value& piece);
  void start(Message& message, const Value& whole);
  void finish(Message& message, const agents::Event& event);
  void content(const Message& message, const char* event, std::int64_t index, Value extra);

  void tool(const Value& data);
  void lifecycle(const std::string& scope, const char* event, const Value& error = {});
  void ended(const Value& data);
  NameSpace space_of(const std::string& scope) const;

  const agents::AgentPtr agent_;
  Translator translator_;
  std::vector<Told> out_;
  std::int64_t time_ms_ = 0;
  std::map<std::string, Message> open_;      ///< By id.
  std::set<std::string> tools_;              ///< Calls that have begun.
  std::map<std::string, NameSpace> scopes_;  ///< Sub-agents under way.
};

}  // namespace slipway::langgraph::detail
