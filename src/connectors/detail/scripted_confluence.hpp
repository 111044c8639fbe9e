// A Confluence server for tests, as far as we use one: Cloud with cursors, Data Center with start
// and limit, both with their caps, their relative links and their ways to fail.
#pragma once

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>

#include "connectors/detail/url.hpp"
#include "core/guarded.hpp"
#include "core/json.hpp"
#include "http/loopback_server.hpp"

namespace slipway::connectors::detail {

class ScriptedConfluence {
 public:
  using Request = http::LoopbackServer::Request;
  using Connection = http::LoopbackServer::Connection;
  enum class Kind { cloud, data_center };

  struct Page {
    std::string title;
    std::string body = "<p>Text.</p>";
    std::string space = "DOC";
    int version = 1;
    std::vector<std::string> labels = {};
    std::vector<std::string> ancestors = {};
    std::string type = "page";
    std::string status = "current";
    int refused = 0;  ///< Status of its own address; searches still find it.
  };
  struct File {
    std::string page;
    std::string title;
    std::string bytes;
    std::string media_type = "text/plain";
    int version = 1;
    std::string status = "current";
  };
  /// What is on the server. Ids are ordered by number.
  struct State {
    std::map<int, Page> pages;
    std::map<int, File> files;     ///< Their ids begin with "att".
    std::set<int> unindexed;       ///< Pages that searches do not find.
    int results_max = 0;           ///< Of one answer, below the real caps; 0: the real caps.
    std::string authorization;     ///< The header that is asked for; empty: everybody may.
    bool answers_anybody = false;  ///< Data Center: who is not known sees what is public: nothing.
    bool closes_space_listing = false;
    bool gives_links = true;         ///< To the next page; else Data Center only counts.
    bool knows_containers = true;    ///< In queries.
    bool closes_plain_page = false;  ///< Cloud, one day: 410.
    /// Called before each page of results; may change the state.
    std::function<void(State&, int results_page)> between;
    int results_pages = 0;
  };

  explicit ScriptedConfluence(Kind kind)
      : kind_(kind),
        prefix_(kind == Kind::cloud ? "/wiki" : "/confluence"),
        server_([this](const Request& request, Connection& connection) {
          if (intercept && intercept(request, connection)) return;
          answer(request, connection);
        }) {}

  /// "http://127.0.0.1:PORT/wiki".
  std::string base() const { return server_.url(prefix_); }
  std::string source(const std::string& query) const { return "confluence:" + base() + query; }
  template <typename Change>
  void change(const Change& change) {
    state_.with(change);
  }
  std::vector<Request> requests() const { return server_.requests(); }
  void answer(const Request& request, Connection& connection) {
    const auto [status, body, headers] =
        state_.with([&](State& state) { return route(state, request); });
    connection.reply(status, body, headers);
  }

  /// Set it before the first request: true when it has answered.
  std::function<bool(const Request&, Connection&)> intercept;

 private:
  struct Answer {
    int status = 200;
    std::string body;
    std::string headers = "Content-Type: application/json\r\n";
  };
  using Parameters = std::map<std::string, std::string>;

  static Answer refuse(int status, const std::string& message) {
    return {status, json::dump(json::Object{{"statusCode", status}, {"message", message}})};
  }

  Answer route(State& state, const Request& request) {
    const bool is_known =
        state.authorization.empty() || (request.headers.contains("authorization") &&
                                        request.headers.at("authorization") == state.authorization);
    if (!is_known && !state.answers_anybody)
      return refuse(401, "Basic auth with password is wrong");
    const std::size_t question = std::min(request.target.find('?'), request.target.size());
    std::string path = request.target.substr(0, question);
    const Parameters parameters = parse(request.target.substr(question));
    if (!path.starts_with(prefix_)) return {404, "<html><title>Oops</title></html>"};
    path.erase(0, prefix_.size());
    Answer answer = route(state, path, parameters, is_known);
    if (!state.authorization.empty() && kind_ == Kind::data_center)
      answer.headers += is_known ? "X-AUSERNAME: ann\r\n" : "X-AUSERNAME: anonymous\r\n";
    return answer;
  }

  Answer route(State& state, const std::string& path, const Parameters& parameters, bool is_known) {
    constexpr std::string_view content = "/rest/api/content";
    if (path == "/rest/api/content/search") return list(state, path, parameters, is_known);
    if (path == content && kind_ == Kind::cloud)
      return refuse(410, "This deprecated endpoint has been removed.");
    if (path == content && state.closes_space_listing) return refuse(403, "");
    if (path == content) return list(state, path, parameters, is_known);
    if (path.ends_with("/child/attachment")) return list(state, path, parameters, is_known);
    if (path.starts_with("/rest/api/content/")) return one(state, path.substr(18), parameters);
    if (path.starts_with("/download/attachments/")) return file(state, path.substr(22));
    return refuse(404, "no such address");
  }

  static Parameters parse(std::string_view query) {
    Parameters parameters;
    if (query.starts_with('?')) query.remove_prefix(1);
    while (!query.empty()) {
      const std::string_view one = query.substr(0, query.find('&'));
      query.remove_prefix(std::min(one.size() + 1, query.size()));
      const std::size_t equals = std::min(one.find('='), one.size());
      parameters[std::string(one.substr(0, equals))] =
          decode_component(one.substr(std::min(equals + 1, one.size())));
    }
    return parameters;
  }

  static std::string at(const Parameters& parameters, const std::string& key) {
    const auto found = parameters.find(key);
    return found == parameters.end() ? std::string() : found->second;
  }

  Answer one(const State& state, const std::string& id, const Parameters& parameters) {
    const bool is_file = id.starts_with("att");
    const int number = std::atoi(id.c_str() + (is_file ? 3 : 0));
    const std::string expand = at(parameters, "expand");
    if (is_file) {
      const auto found = state.files.find(number);
      if (found == state.files.end() || found->second.status != "current")
        return refuse(404, "No content found with id: " + id);
      return {200, json::dump(file_json(number, found->second))};
    }
    if (state.closes_plain_page) return refuse(410, "This deprecated endpoint has been removed.");
    const auto found = state.pages.find(number);
    if (found == state.pages.end() || found->second.status == "trashed")
      return refuse(404, "No content found with id: ContentId{id=" + id + "}");
    if (found->second.refused != 0) return refuse(found->second.refused, "not permitted");
    json::Object page = page_json(number, found->second, expand);
    page["_links"].get_object()["base"] = "https://docs.example" + prefix_;
    return {200, json::dump(page)};
  }

  Answer file(const State& state, const std::string& path) {
    for (const auto& [number, file] : state.files)
      if (path == file.page + "/" + encode_component(file.title))
        return {200, file.bytes, "Content-Type: " + file.media_type + "\r\n"};
    return {404, "<html><title>Page Not Found</title></html>", "Content-Type: text/html\r\n"};
  }

  Answer list(State& state, const std::string& path, const Parameters& parameters, bool is_known) {
    if (state.between) state.between(state, state.results_pages);
    ++state.results_pages;
    const bool is_search = path.ends_with("search");
    std::string cql = at(parameters, "cql");
    if (path.ends_with("attachment"))
      cql = "container = " + path.substr(18, path.find('/', 18) - 18);
    else if (!is_search)
      cql = "space = \"" + at(parameters, "spaceKey") + "\" and type = " + at(parameters, "type");
    else if (!state.knows_containers && cql.find("container") != std::string::npos)
      return refuse(400, "Could not parse cql : " + cql);
    std::vector<std::pair<bool, int>> matches;  // Whether a file, and its number.
    bool is_understood = true;
    if (is_known) {
      for (const auto& [number, page] : state.pages)
        if (page.status == "current" && !(is_search && state.unindexed.contains(number)) &&
            matches_cql(cql, number, page, is_understood))
          matches.emplace_back(false, number);
      for (const auto& [number, file] : state.files)
        if (file.status == "current" && matches_cql(cql, number, file, is_understood))
          matches.emplace_back(true, number);
    }
    if (!is_understood) return refuse(400, "Could not parse cql : " + cql);
    return page_of(state, path, parameters, matches);
  }

  Answer page_of(const State& state, const std::string& path, const Parameters& parameters,
                 const std::vector<std::pair<bool, int>>& matches) {
    const std::string expand = at(parameters, "expand");
    const std::size_t cap = expand.find("body") != std::string::npos ? 50
                            : expand.empty()                         ? 1000
                                                                     : 200;
    std::size_t limit = std::min<std::size_t>(std::atoi(at(parameters, "limit").c_str()), cap);
    if (state.results_max > 0) limit = std::min<std::size_t>(limit, state.results_max);
    std::size_t start = 0;
    if (kind_ == Kind::cloud) {
      const int last = std::atoi(at(parameters, "cursor").c_str());
      while (start < matches.size() && matches[start].second <= last) ++start;
    } else {
      start = static_cast<std::size_t>(std::atoi(at(parameters, "start").c_str()));
    }
    json::Array results;
    std::size_t end = start;
    for (; end < matches.size() && results.size() < limit; ++end) {
      const int number = matches[end].second;
      if (matches[end].first)
        results.push_back(file_json(number, state.files.at(number)));
      else
        results.push_back(page_json(number, state.pages.at(number), expand));
    }
    json::Object links{{"base", "https://docs.example" + prefix_}, {"context", prefix_}};
    if (end < matches.size() && state.gives_links) {
      Parameters next = parameters;
      if (kind_ == Kind::cloud)
        next["cursor"] = std::to_string(matches[end - 1].second);
      else
        next["start"] = std::to_string(end);
      links["next"] = path + "?" + query_of(next);
    }
    json::Object answer{{"results", results}, {"limit", limit}, {"size", results.size()}};
    answer["_links"] = links;
    if (kind_ == Kind::data_center) {
      answer["start"] = start;
      answer["totalSize"] = matches.size();
    }
    return {200, json::dump(answer)};
  }

  static std::string query_of(const Parameters& parameters) {
    std::string query;
    for (const auto& [key, value] : parameters)
      query += (query.empty() ? "" : "&") + key + "=" + encode_component(value);
    return query;
  }

  static json::Array names(const std::vector<std::string>& list, std::string_view key) {
    json::Array array;
    for (const std::string& name : list) array.push_back(json::Object{{key, name}});
    return array;
  }

  static json::Object page_json(int number, const Page& page, const std::string& expand) {
    const std::string id = std::to_string(number);
    json::Object object{{"id", id}, {"type", page.type}, {"status", page.status}};
    object["title"] = page.title;
    object["_links"] = json::Object{{"webui", "/spaces/" + page.space + "/pages/" + id}};
    if (expand.find("version") != std::string::npos)
      object["version"] = json::Object{{"number", page.version},
                                       {"when", "2024-05-06T07:08:09.123+02:00"},
                                       {"by", json::Object{{"displayName", "Ann"}}}};
    if (expand.find("space") != std::string::npos)
      object["space"] = json::Object{{"key", page.space}, {"name", "Space " + page.space}};
    if (expand.find("ancestors") != std::string::npos)
      object["ancestors"] = names(page.ancestors, "title");
    if (expand.find("labels") != std::string::npos)
      object["metadata"] =
          json::Object{{"labels", json::Object{{"results", names(page.labels, "name")}}}};
    if (expand.find("history") != std::string::npos)
      object["history"] = json::Object{{"createdDate", "2020-01-02T03:04:05.000Z"},
                                       {"createdBy", json::Object{{"displayName", "Bob"}}}};
    if (expand.find("body.storage") != std::string::npos)
      object["body"] = json::Object{{"storage", json::Object{{"value", page.body}}}};
    return object;
  }

  static json::Object file_json(int number, const File& file) {
    return {
        {"id", "att" + std::to_string(number)},
        {"type", "attachment"},
        {"status", file.status},
        {"title", file.title},
        {"version", json::Object{{"number", file.version}, {"when", "2024-05-06T07:08:09.123Z"}}},
        {"container", json::Object{{"id", file.page}}},
        {"extensions",
         json::Object{{"mediaType", file.media_type}, {"fileSize", file.bytes.size()}}},
        {"_links",
         json::Object{{"download", "/download/attachments/" + file.page + "/" +
                                       encode_component(file.title) + "?version=1&api=v2"}}}};
  }

  /// Clauses joined by " and "; of each the few forms that we send.
  template <typename Content>
  static bool matches_cql(std::string cql, int number, const Content& content,
                          bool& is_understood) {
    if (const std::size_t order = cql.find(" order by "); order != std::string::npos)
      cql.resize(order);
    bool matches = true;
    while (!cql.empty()) {
      const std::size_t end = std::min(cql.find(" and "), cql.size());
      std::string clause = cql.substr(0, end);
      cql.erase(0, std::min(end + 5, cql.size()));
      if (clause.starts_with('(')) clause = clause.substr(1, clause.size() - 2);
      const std::size_t word = clause.find(' ');
      const std::string field = clause.substr(0, word);
      std::set<std::string> values;
      std::string value;
      for (const char c :
           clause.substr(std::min(clause.find_first_of("=("), clause.size())) + ",") {
        if (c == ',' && !value.empty()) values.insert(std::exchange(value, {}));
        if (std::string_view(" =()\",").find(c) == std::string_view::npos) value += c;
      }
      matches = matches && has(field, values, number, content, is_understood);
    }
    return matches;
  }

  static bool has(const std::string& field, const std::set<std::string>& values, int number,
                  const Page& page, bool& is_understood) {
    if (field == "space") return values.contains(page.space);
    if (field == "type") return values.contains(page.type);
    if (field == "id") return values.contains(std::to_string(number));
    if (field == "container") return false;
    if (field == "label")
      return std::any_of(page.labels.begin(), page.labels.end(),
                         [&](const std::string& label) { return values.contains(label); });
    return is_understood = false;
  }
  static bool has(const std::string& field, const std::set<std::string>& values, int,
                  const File& file, bool& is_understood) {
    if (field == "type") return values.contains("attachment");
    if (field == "container") return values.contains(file.page);
    if (field == "space" || field == "label" || field == "id") return false;
    return is_understood = false;
  }

  const Kind kind_;
  const std::string prefix_;
  Guarded<State> state_;
  http::LoopbackServer server_;
};

}  // namespace slipway::connectors::detail
