#include "store/detail/sql_words.hpp"

#include "store/sql_syntax.hpp"

#include <algorithm>
#include <vector>

#include "core/ascii.hpp"

namespace slipway::store::detail {

namespace {

constexpr std::string_view beginnings[] = {"select", "with", "values", "table", "explain", "show"};

// What reads files, speaks to other servers, changes sessions, or runs SQL out of a text.
constexpr std::string_view denied[] = {"pg_stat_file",
                                       "set_config",
                                       "pg_terminate_backend",
                                       "pg_cancel_backend",
                                       "pg_reload_conf",
                                       "pg_rotate_logfile",
                                       "pg_promote",
                                       "pg_switch_wal",
                                       "pg_notify",
                                       "pg_export_snapshot",
                                       "query_to_xml",
                                       "query_to_xmlschema",
                                       "query_to_xml_and_xmlschema",
                                       "cursor_to_xml",
                                       "cursor_to_xmlschema",
                                       "ts_stat",
                                       "ts_rewrite",
                                       "connectby",
                                       "pg_hba_file_rules",
                                       "pg_config",
                                       "pg_start_backup",
                                       "pg_stop_backup",
                                       "pg_backup_start",
                                       "pg_backup_stop",
                                       "pg_current_logfile",
                                       "nextval",
                                       "setval",
                                       "pg_wal_replay_pause",
                                       "pg_import_system_collations"};
constexpr std::string_view denied_beginnings[] = {
    "pg_read_",        "pg_ls_",       "pg_file_",         "lo_",
    "dblink",          "pg_logical_",  "pg_create_",       "pg_drop_",
    "pg_replication_", "crosstab",     "table_to_xml",     "schema_to_xml",
    "database_to_xml", "pg_advisory_", "pg_try_advisory_", "pg_stat_reset",
    "pg_copy_",        "pg_sync_",     "pg_execute_",      "adminpack"};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

/// Reads over what is no code: texts, comments. Words come out in lower case, quoted ones too.
class Words {
 public:
  explicit Words(std::string_view sql) : sql_(sql) {}

  Result<std::vector<std::string>> read() {
    while (at_ < sql_.size()) {
      const char c = sql_[at_];
      if (rest().starts_with("--")) {
        at_ = std::min(sql_.find('\n', at_), sql_.size());
      } else if (rest().starts_with("/*")) {
        TRY(skip_comment());
      } else if (c == '\'') {
        TRY(skip_text());
      } else if (c == '"') {
        TRY(read_quoted());
      } else if (c == '$' && is_dollar_quote()) {
        TRY(skip_dollar_quote());
      } else if (is_word(c)) {
        TRY(read_word());
      } else {
        ++at_;
      }
    }
    return std::move(words_);
  }

 private:
  std::string_view rest() const { return sql_.substr(at_); }
  static Error open(std::string_view what) {
    return fail(Code::invalid_argument, "the statement has {} without an end", what);
  }

  Result<void> skip_comment() {
    int depth = 0;
    for (; at_ < sql_.size(); ++at_) {
      if (rest().starts_with("/*"))
        ++depth, ++at_;
      else if (rest().starts_with("*/"))
        --depth, ++at_;
      if (depth == 0) {
        ++at_;
        return {};
      }
    }
    return open("a comment");
  }
  /// Of E'...' a backslash keeps the next character; in others it is one itself.
  Result<void> skip_text() {
    const bool has_escapes = at_ > 0 && (sql_[at_ - 1] == 'e' || sql_[at_ - 1] == 'E');
    for (++at_; at_ < sql_.size(); ++at_) {
      if (has_escapes && sql_[at_] == '\\') {
        ++at_;
      } else if (sql_[at_] == '\'') {
        if (!(at_ + 1 < sql_.size() && sql_[at_ + 1] == '\'')) {
          ++at_;
          return {};
        }
        ++at_;
      }
    }
    return open("a text");
  }
  Result<void> read_quoted() {
    std::string word;
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] != '"') {
        word += sql_[at_];
      } else if (at_ + 1 < sql_.size() && sql_[at_ + 1] == '"') {
        ++at_;
      } else {
        ++at_;
        words_.push_back(ascii::lower(word));
        return {};
      }
    }
    return open("a name");
  }
  bool is_dollar_quote() const {
    std::size_t end = at_ + 1;
    if (end < sql_.size() && sql_[end] >= '0' && sql_[end] <= '9') return false;  // $1
    while (end < sql_.size() && is_word(sql_[end]) && sql_[end] != '$') ++end;
    return end < sql_.size() && sql_[end] == '$';
  }
  Result<void> skip_dollar_quote() {
    const std::size_t end = sql_.find('$', at_ + 1);
    const std::string_view tag = sql_.substr(at_, end - at_ + 1);
    const std::size_t close = sql_.find(tag, end + 1);
    if (close == std::string_view::npos) return open("a text");
    at_ = close + tag.size();
    return {};
  }
  Result<void> read_word() {
    const std::size_t begin = at_;
    while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
    std::string word = ascii::lower(sql_.substr(begin, at_ - begin));
    // U&"\0070g_..." could spell anything.
    if (word == "u" && rest().starts_with("&\""))
      return fail(Code::forbidden, "names with escapes (U&\"...\") are not allowed");
    words_.push_back(std::move(word));
    return {};
  }

  const std::string_view sql_;
  std::size_t at_ = 0;
  std::vector<std::string> words_;
};

}  // namespace

std::string hexadecimal(std::string_view bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

Result<void> check_postgres_statement(std::string_view sql) {
  if (sql.find('\0') != std::string_view::npos)
    return fail(Code::invalid_argument, "the statement has a zero byte in it");
  const std::vector<std::string> words = TRY(Words(sql).read());
  if (words.empty()) return fail(Code::invalid_argument, "there is no statement");
  if (std::find(std::begin(beginnings), std::end(beginnings), words[0]) == std::end(beginnings))
    return fail(Code::forbidden, "only statements that read are allowed: {}, not {}",
                fmt::join(beginnings, ", "), words[0].substr(0, 40));
  for (const std::string& word : words) {
    bool is_denied = std::find(std::begin(denied), std::end(denied), word) != std::end(denied);
    for (const std::string_view beginning : denied_beginnings)
      is_denied = is_denied || word.starts_with(beginning);
    if (is_denied) return fail(Code::forbidden, "'{}' is not allowed here", word.substr(0, 80));
  }
  return {};
}

}  // namespace slipway::store::detail

namespace slipway::store {

Result<void> check_postgres_statement(std::string_view sql) {
  return detail::check_postgres_statement(sql);
}

}  // namespace slipway::store
