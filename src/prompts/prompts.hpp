// Prompts with versions: commits that never change, tags that move, traffic that is shared.
//
// A reference names one commit: "greeting" (what its traffic says, else its tag "production", else
// the latest), "greeting@staging", "greeting@3", "greeting@1a2b3c4d" (a hash, eight digits at
// least), "greeting@latest".
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/guarded.hpp"
#include "prompts/template.hpp"
#include "store/database.hpp"

namespace slipway::prompts {

/// What a repository holds: prompts, and directories of files of agents and skills.
enum class Kind { prompt, agent, skill };
BOOST_DESCRIBE_ENUM(Kind, prompt, agent, skill)

/// How a commit's body is written.
enum class Form { native, manifest, directory };
BOOST_DESCRIBE_ENUM(Form, native, manifest, directory)

/// A share of the calls that name a prompt without a version.
struct Share {
  std::string reference;  ///< A tag, a version, a hash.
  double share = 0;       ///< Above 0; of the sum of all.
};
BOOST_DESCRIBE_STRUCT(Share, (), (reference, share))

struct Prompt {
  std::string id, name;
  Kind kind = Kind::prompt;
  std::string description, readme;
  std::vector<std::string> labels;  ///< What LangSmith calls tags of a repository.
  bool is_public = false, is_archived = false, is_liked = false;
  std::vector<Share> traffic;  ///< Empty: not shared.
  std::int64_t likes = 0, downloads = 0, commits = 0;
  std::string last_hash;  ///< Empty: nothing was committed.
  Clock::Time created{}, updated{};
};

struct PromptChange {
  std::optional<std::string> description, readme;
  std::optional<std::vector<std::string>> labels;
  std::optional<bool> is_public, is_archived;
};

struct Commit {
  std::string id;    ///< A UUID.
  std::string hash;  ///< 64 hex digits: of its content and its parent's hash.
  std::string parent_hash;
  int version = 0;  ///< 1, 2, 3 ... of its prompt.
  std::string description;
  Form form = Form::native;
  json::Object body;  ///< As `form` says: a template, a manifest, {"files": {...}}.
  std::vector<std::string> tags;
  Clock::Time created{};
  std::int64_t downloads = 0;
};
/// Fails: invalid_argument, unsupported (as `template_of_manifest`; a directory).
Result<Template> template_of(const Commit& commit);

struct NewCommit {
  Form form = Form::native;
  json::Object body;
  std::string description;
  std::string parent_hash;  ///< Not empty: must be the latest.
};

struct PromptQuery {
  std::optional<std::string> text;  ///< Within name or description.
  std::optional<bool> is_public, is_archived;
  std::optional<Kind> kind;
  std::string sort = "updated_at";  ///< created_at, updated_at, name, num_likes, num_downloads
  bool is_descending = true;
  int limit = 100, offset = 0;
};
struct PromptPage {
  std::vector<Prompt> items;
  std::int64_t total = 0;
};

/// A prompt that is ready for a call.
struct Rendered {
  std::string name, hash;
  int version = 0;
  json::Array messages;
  std::string model;        ///< May be empty.
  json::Object parameters;  ///< May be empty.
};

/// The commit that a reference names.
struct Chosen {
  std::string name, hash;
  int version = 0;
  Template written;
};

/// The tables `prompts`, `prompt_commits` and `prompt_tags`.
std::vector<store::Migration> migrations();

/// Safe to use from many threads.
class Prompts {
 public:
  /// All must outlive it.
  explicit Prompts(store::Database& database, const Clock& clock = system_clock(),
                   Random& random = system_random())
      : database_(database), clock_(clock), random_(random) {}

  /// Fails: invalid_argument (a name is 1 to 128 letters, digits, '-', '_', '.', and begins with a
  /// letter or digit), conflict (it is there).
  Result<Prompt> create(const Context& context, Prompt prompt);
  Result<Prompt> get(const Context& context, const std::string& name);  ///< Or not_found.
  Result<Prompt> change(const Context& context, const std::string& name,
                        const PromptChange& change);
  Result<void> remove(const Context& context, const std::string& name);  ///< Or not_found.
  Result<PromptPage> list(const Context& context, const PromptQuery& query);
  /// Gives how many like it.
  Result<std::int64_t> like(const Context& context, const std::string& name, bool is_liked);
  /// Each reference must be there; shares are above 0, 20 at most. Empty: no more sharing.
  Result<void> share_traffic(const Context& context, const std::string& name,
                             std::vector<Share> traffic);

  /// Fails: conflict (nothing has changed; the parent is not the latest), invalid_argument (the
  /// body), not_found. At most 10,000 commits of a prompt, of 4 MiB each.
  Result<Commit> commit(const Context& context, const std::string& name, NewCommit commit);
  /// By "latest", a tag, a version, a hash or its beginning, a commit's id. Fails: not_found.
  Result<Commit> find(const Context& context, const std::string& name,
                      const std::string& reference);
  /// Youngest first.
  Result<std::vector<Commit>> commits(const Context& context, const std::string& name, int limit,
                                      int offset);
  Result<void> count_download(const Context& context, const std::string& commit_id);
  /// Moves it if it is there. Fails: invalid_argument (no name for a tag: a version, "latest").
  Result<void> tag(const Context& context, const std::string& name, const std::string& tag,
                   const std::string& reference);
  /// At which version each tag stands.
  Result<std::map<std::string, int>> tags(const Context& context, const std::string& name);
  Result<void> untag(const Context& context, const std::string& name, const std::string& tag);

  /// "greeting@staging" with its variables. `sticky` (a user, a session) gets the same share of
  /// the traffic each time; empty: by chance. Fails: not_found, invalid_argument, unsupported.
  Result<Rendered> render(const Context& context, const std::string& reference,
                          const json::Object& variables, const std::string& sticky);
  /// The same without its variables. Fails: not_found, unsupported.
  Result<Chosen> choose(const Context& context, const std::string& reference,
                        const std::string& sticky);

 private:
  Result<std::string> share_of(const Context& context, const Prompt& prompt,
                               const std::string& sticky);

  store::Database& database_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace slipway::prompts
