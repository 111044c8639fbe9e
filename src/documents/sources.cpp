// One walk for folders and globs. Folders wait in a queue instead of on the call stack, so depth
// costs nothing; those reached through a symbolic link wait behind all others, so a file that can
// be reached both ways is known by its plain path. Each folder (device and inode) is read once per
// source: that makes loops harmless, and also trees of links that would multiply.
#include "documents/sources.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <set>

#include "core/fault.hpp"
#include "core/unicode.hpp"
#include "documents/detail/endings.hpp"
#include "documents/detail/patterns.hpp"

namespace slipway::documents {

namespace {

namespace fs = std::filesystem;
using detail::Pattern;

Code code_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR: return Code::not_found;
    case EACCES:
    case EPERM: return Code::forbidden;
    case ELOOP:
    case ENAMETOOLONG: return Code::invalid_argument;
    default: return Code::unavailable;
  }
}

/// What a person can read and JSON can hold: file names are bytes, not always UTF-8.
std::string displayable(std::string_view bytes) {
  if (unicode::is_valid_utf8(bytes)) return std::string(bytes);
  std::string text;
  for (std::size_t at = 0; at < bytes.size();) {
    const unicode::Decoded one = unicode::decode(bytes, at);
    unicode::append(text, one.code_point);
    at += one.bytes;
  }
  return text;
}

std::string_view special_kind(mode_t mode) {
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "not a file";
}

std::string folder_uri(const fs::path& path) {
  std::string uri = file_uri(path);
  if (!uri.ends_with('/')) uri += '/';
  return uri;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      bytes += text[at];
      continue;
    }
    int value = 0;
    for (int i = 0; i < 2; ++i) {
      const char digit = ++at < text.size() ? text[at] : '\0';
      if (!std::isxdigit(static_cast<unsigned char>(digit))) return std::nullopt;
      value = value * 16 + (digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10);
    }
    if (value == 0) return std::nullopt;  // No file name holds it.
    bytes += static_cast<char>(value);
  }
  return bytes;
}

/// "docs/**/*.md" is the folder "docs" and the pattern "/**/*.md".
struct Glob {
  fs::path folder;
  std::string pattern;
};

Glob split_glob(std::string_view source) {
  std::size_t wildcard = source.find_first_of("*?[");
  const std::size_t slash = source.rfind('/', wildcard);
  if (slash == std::string_view::npos) return {".", fmt::format("/{}", source)};
  return {slash == 0 ? "/" : source.substr(0, slash), std::string(source.substr(slash))};
}

class Finder {
 public:
  Finder(const Context& context, const SourceOptions& options)
      : context_(context), options_(options) {}

  Result<SourceList> run(const std::vector<std::string>& sources) {
    for (const std::string& text : options_.include)
      include_.push_back(TRY(Pattern::compile(text).within("include")));
    for (const std::string& text : options_.exclude)
      exclude_.push_back(TRY(Pattern::compile(text).within("exclude")));
    for (const std::string& source : sources) TRY(add_source(source));
    finish(list_);
    return std::move(list_);
  }

 private:
  struct Identity {
    dev_t device;
    ino_t inode;
    auto operator<=>(const Identity&) const = default;
  };
  struct Folder {
    fs::path path;         ///< Canonical.
    std::string relative;  ///< "" or "a/b/", for display and patterns.
    Identity identity;
    std::shared_ptr<const Folder> parent;  ///< As walked, which symbolic links make differ.
  };
  struct Walk {
    std::optional<Pattern> glob;
    bool any_ending = false;    ///< The glob itself says which files.
    bool shows_hidden = false;  ///< The glob names hidden files.
    std::deque<std::shared_ptr<const Folder>> waiting;
    std::set<Identity> seen;
  };

  void failed(std::string uri, Error error) {
    list_.failures.push_back({std::move(uri), std::move(error)});
  }

  Result<void> add_source(const std::string& source) {
    TRY(context_.check());
    const std::string lower = unicode::to_lower(source);
    if (lower.starts_with("http://") || lower.starts_with("https://")) {
      failed(source, fail(Code::unsupported,
                          "URLs are not supported yet; download the page and ingest the file"));
      return {};
    }
    if (lower.starts_with("confluence:")) {
      failed(source,
             fail(Code::unsupported,
                  "connectors are not supported yet; export the pages and ingest the files"));
      return {};
    }
    if (!lower.starts_with("file://")) return add_path(source);
    const auto path = file_of_uri(source);
    if (!path) {
      failed(source, fail(Code::invalid_argument,
                          "'{}' is not a file of this machine; write file:///absolute/path with "
                          "percent-encoding, or a plain path",
                          displayable(source)));
      return {};
    }
    return add_path(*path);
  }

  Result<void> add_path(const std::string& source) {
    if (source.empty() || source.find('\0') != std::string::npos) {
      failed(displayable(source), fail(Code::invalid_argument,
                                       "a source is empty; name a file, a "
                                       "folder or a glob"));
      return {};
    }
    struct stat info {};
    if (::stat(source.c_str(), &info) != 0) {
      const int number = errno;
      if (code_of(number) == Code::not_found && detail::has_wildcard(source))
        return add_glob(source);
      failed(uri_as_given(source), missing(source, number));
      return {};
    }
    if (S_ISDIR(info.st_mode)) {
      Walk walk;
      if (!start(walk, source, true)) return {};
      return finish_walk(walk);
    }
    return add_named_file(source, info);
  }

  static std::string uri_as_given(const std::string& source) {
    std::error_code error;
    const fs::path absolute = fs::absolute(source, error);
    return error ? displayable(source) : file_uri(absolute.lexically_normal());
  }

  static Error missing(const std::string& source, int number) {
    const std::string shown = displayable(source);
    struct stat info {};
    if (number == ELOOP)
      return fail(Code::invalid_argument, "{}: its symbolic links lead in a circle", shown);
    if (code_of(number) == Code::not_found) {
      if (::lstat(source.c_str(), &info) == 0)
        return fail(Code::not_found, "{} is a symbolic link to something that does not exist",
                    shown);
      return fail(Code::not_found,
                  "{} does not exist; check the spelling and the folder you are in", shown);
    }
    return fail(code_of(number), "cannot look at {}: {}", shown, std::strerror(number));
  }

  Result<void> add_named_file(const std::string& source, const struct stat& info) {
    std::error_code error;
    const fs::path canonical = fs::canonical(source, error);
    if (error) {
      failed(uri_as_given(source), missing(source, error.value()));
      return {};
    }
    if (!S_ISREG(info.st_mode)) {
      failed(file_uri(canonical),
             fail(Code::invalid_argument, "{} is {}; only files and folders can be ingested",
                  displayable(source), special_kind(info.st_mode)));
      return {};
    }
    // As it was written, unless that would lead out of the folder one is in.
    fs::path display = fs::path(source).lexically_normal();
    if (display.is_absolute() || display.begin()->string() == "..") display = display.filename();
    if (is_excluded(display.string()) || !is_included(display.string())) return {};
    list_.roots.push_back(file_uri(canonical));
    return add_file(canonical, display.string(), info);
  }

  Result<void> add_glob(const std::string& source) {
    Glob glob = split_glob(source);
    auto pattern = Pattern::compile(glob.pattern);
    if (!pattern) {
      failed(displayable(source), std::move(pattern.error()));
      return {};
    }
    const std::string last = glob.pattern.substr(glob.pattern.rfind('/') + 1);
    Walk walk{.glob = *std::move(pattern),
              .any_ending = last.find_first_not_of('*') != std::string::npos,
              .shows_hidden = glob.pattern.find("/.") != std::string::npos};
    const std::size_t before = list_.files.size() + list_.failures.size();
    struct stat info {};
    if (::stat(glob.folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
      failed(displayable(source), fail(Code::not_found, "{} does not exist: there is no folder {}",
                                       displayable(source), displayable(glob.folder.string())));
      return {};
    }
    // Which documents a glob covered once cannot be told from uris, so it covers nothing for
    // --sync.
    if (start(walk, glob.folder, false)) TRY(finish_walk(walk));
    if (list_.files.size() + list_.failures.size() == before)
      failed(displayable(source),
             fail(Code::not_found, "{} does not exist: no file matches", displayable(source)));
    return {};
  }

  /// Puts the first folder of a walk in its queue.
  bool start(Walk& walk, const fs::path& folder, bool is_root) {
    std::error_code error;
    const fs::path canonical = fs::canonical(folder, error);
    struct stat info {};
    if (error || ::stat(canonical.c_str(), &info) != 0) {
      failed(uri_as_given(folder.string()),
             missing(folder.string(), error ? error.value() : errno));
      return false;
    }
    walk.waiting.push_back(
        std::make_shared<Folder>(Folder{canonical, "", {info.st_dev, info.st_ino}, nullptr}));
    if (is_root) list_.roots.push_back(folder_uri(canonical));
    is_root_walk_ = is_root;
    return true;
  }

  Result<void> finish_walk(Walk& walk) {
    while (!walk.waiting.empty()) {
      TRY(context_.check());
      const auto folder = walk.waiting.front();
      walk.waiting.pop_front();
      if (walk.seen.insert(folder->identity).second) TRY(read_folder(walk, folder));
    }
    return {};
  }

  Result<void> read_folder(Walk& walk, const std::shared_ptr<const Folder>& folder) {
    const auto names = list_folder(folder->path);
    if (!names) {
      failed(folder_uri(folder->path), std::move(names.error()));
      // A source that cannot be read at all covers nothing.
      if (folder->parent == nullptr && is_root_walk_) list_.roots.pop_back();
      return {};
    }
    std::vector<std::shared_ptr<const Folder>> plain;
    for (const std::string& name : *names) {
      if (name.starts_with('.') && !walk.shows_hidden) continue;
      if (auto below = TRY(visit(walk, folder, name))) plain.push_back(std::move(below));
    }
    walk.waiting.insert(walk.waiting.begin(), plain.begin(), plain.end());
    return {};
  }

  /// Sorted, so that a run is like the one before.
  static Result<std::vector<std::string>> list_folder(const fs::path& path) {
    TRY(fault_point(FaultKind::file, "list folder"));
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
    const auto wrong = [&] {
      return fail(code_of(errno), "cannot read the folder {}: {}", displayable(path.string()),
                  std::strerror(errno));
    };
    if (folder == nullptr) return wrong();
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(folder.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    if (errno != 0) return wrong();
    std::sort(names.begin(), names.end());
    return names;
  }

  /// Takes a file, or returns a folder to read next; a linked folder goes to the end of the queue.
  Result<std::shared_ptr<const Folder>> visit(Walk& walk,
                                              const std::shared_ptr<const Folder>& folder,
                                              const std::string& name) {
    std::shared_ptr<const Folder> none;
    fs::path path = folder->path / name;
    const std::string relative = folder->relative + name;
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
      if (errno != ENOENT) failed(file_uri(path), missing(path.string(), errno));
      return none;  // Gone since the folder was listed.
    }
    const bool is_link = S_ISLNK(info.st_mode);
    std::error_code error;
    if (is_link && ::stat(path.c_str(), &info) != 0)
      error = std::error_code(errno, std::generic_category());
    const bool is_folder = !error && S_ISDIR(info.st_mode);
    if (is_excluded(is_folder ? relative + "/" : relative)) return none;
    if (!is_folder && !is_wanted(walk, relative, name)) return none;
    if (is_link && !error) path = fs::canonical(path, error);
    if (error) {
      failed(file_uri(path), missing(path.string(), error.value()));
      return none;
    }
    if (is_folder)
      return enter(walk, folder,
                   {std::move(path), relative + "/", {info.st_dev, info.st_ino}, folder}, is_link);
    if (S_ISREG(info.st_mode)) {
      TRY(add_file(path, relative, info));
      return none;
    }
    failed(file_uri(path), fail(Code::invalid_argument, "{} is {}; only files can be ingested",
                                displayable(relative), special_kind(info.st_mode)));
    return none;
  }

  std::shared_ptr<const Folder> enter(Walk& walk, const std::shared_ptr<const Folder>& from,
                                      Folder folder, bool is_link) {
    for (const Folder* above = from.get(); above != nullptr; above = above->parent.get()) {
      if (above->identity != folder.identity) continue;
      failed(folder_uri(from->path / fs::path(folder.relative).parent_path().filename()),
             fail(Code::invalid_argument, "folder loop: {} leads back to {}; remove the link",
                  displayable(folder.relative), displayable(folder.path.string())));
      return nullptr;
    }
    if (walk.glob && !walk.glob->may_match_below(folder.relative)) return nullptr;
    auto shared = std::make_shared<const Folder>(std::move(folder));
    if (!is_link) return shared;
    if (is_root_walk_) list_.roots.push_back(folder_uri(shared->path));
    walk.waiting.push_back(std::move(shared));
    return nullptr;
  }

  bool is_excluded(std::string_view relative) const { return any_matches(exclude_, relative); }
  bool is_included(std::string_view relative) const {
    return include_.empty() || any_matches(include_, relative);
  }
  static bool any_matches(const std::vector<Pattern>& patterns, std::string_view path) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const Pattern& pattern) { return pattern.matches(path); });
  }
  bool is_wanted(const Walk& walk, const std::string& relative, const std::string& name) {
    if (walk.glob && !walk.glob->matches(relative)) return false;
    if (!include_.empty()) return is_included(relative);
    if (walk.any_ending || has_loader(name) || (options_.images && detail::names_image(name)))
      return true;
    ++list_.skipped;
    return false;
  }

  Result<void> add_file(const fs::path& path, std::string_view display, const struct stat& info) {
    if (list_.files.size() >= options_.files_max)
      return fail(Code::invalid_argument,
                  "more than {} files; narrow the sources with include or exclude patterns",
                  options_.files_max);
    if (list_.files.size() % 256 == 0) TRY(context_.check());
    using std::chrono::microseconds;
    const microseconds modified =
        std::chrono::seconds(info.st_mtim.tv_sec) + microseconds(info.st_mtim.tv_nsec / 1000);
    list_.files.push_back({path, file_uri(path), displayable(display),
                           static_cast<std::uint64_t>(info.st_size), Clock::Time(modified)});
    return {};
  }

  static void finish(SourceList& list) {
    // Stable: of two ways to the same file the first one keeps its display path.
    std::stable_sort(list.files.begin(), list.files.end(),
                     [](const SourceFile& a, const SourceFile& b) { return a.uri < b.uri; });
    list.files.erase(
        std::unique(list.files.begin(), list.files.end(),
                    [](const SourceFile& a, const SourceFile& b) { return a.uri == b.uri; }),
        list.files.end());
    std::sort(list.roots.begin(), list.roots.end());
    list.roots.erase(std::unique(list.roots.begin(), list.roots.end()), list.roots.end());
  }

  const Context& context_;
  const SourceOptions& options_;
  std::vector<Pattern> include_;
  std::vector<Pattern> exclude_;
  bool is_root_walk_ = false;
  SourceList list_;
};

}  // namespace

std::string file_uri(const fs::path& path) {
  constexpr std::string_view unreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string uri = "file://";
  for (const char byte : path.native()) {
    if (unreserved.find(byte) != std::string_view::npos)
      uri += byte;
    else
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(byte));
  }
  return uri;
}

std::optional<fs::path> file_of_uri(std::string_view uri) {
  constexpr std::string_view scheme = "file://", host = "localhost";
  if (unicode::to_lower(uri.substr(0, scheme.size())) != scheme) return std::nullopt;
  std::string_view rest = uri.substr(scheme.size());
  if (rest.starts_with("localhost/")) rest.remove_prefix(host.size());
  if (!rest.starts_with('/')) return std::nullopt;
  const auto path = percent_decode(rest);
  return path ? std::optional<fs::path>(*path) : std::nullopt;
}

bool SourceList::covers(std::string_view uri) const {
  const auto is_at_or_below = [&](std::string_view place) {
    return place.ends_with('/') ? uri.starts_with(place) : uri == place;
  };
  return std::any_of(roots.begin(), roots.end(), is_at_or_below) &&
         std::none_of(failures.begin(), failures.end(),
                      [&](const Failure& failure) { return is_at_or_below(failure.uri); });
}

Result<SourceList> find_sources(const Context& context, const std::vector<std::string>& sources,
                                const SourceOptions& options) {
  return Finder(context, options).run(sources);
}

bool matches_pattern(std::string_view pattern, std::string_view path) {
  const auto compiled = Pattern::compile(pattern);
  return compiled && compiled->matches(path);
}

}  // namespace slipway::documents
