// What a model is asked when it judges: one file per metric, mode and step, compiled in, with a
// version and a hash; a folder may bring others in their place.
//
//   version: 1
//   ask: |
//     Split the answer into claims. ...
//     {{output}}
//   form: '{"claims": ["..."]}'        what a reply looks like
//   schema: {"type": "object", ...}    JSON Schema of a reply
//   optional: [evaluation_steps]       variables that a question may leave out
//
// "system" is what every question begins with. Variables stand between marks that only this
// question has, so that nothing in them can be taken for an instruction.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace slipway::eval {

struct JudgePrompt {
  std::string name;  ///< "faithfulness.native.claims"
  int version = 1;
  std::string hash;   ///< "sha256:..." of the file.
  std::string bytes;  ///< The file.
  std::string ask, form;
  json::Object schema;                 ///< Empty: any.
  std::vector<std::string> variables;  ///< In the order in which they first appear.
  std::vector<std::string> optional;
  bool is_overridden = false;  ///< From the folder, not our own.
};

/// A question ready to be sent.
struct FilledPrompt {
  std::string system, user;
  json::Object schema;
  std::string name, hash;
  int version = 1;
};

/// Immutable; safe to use from many threads.
class JudgePrompts {
 public:
  /// Files NAME.yaml of `folder` go before our own; empty: only these. Fails: not_found (the
  /// folder), invalid_argument (a file of a name that no question has, with the nearest; a member
  /// or variable that there is not; a file beyond 64 KB).
  static Result<JudgePrompts> open(const std::filesystem::path& folder = {});
  /// What stands in one file. Fails: invalid_argument, with line or member.
  static Result<JudgePrompt> parse(std::string name, std::string bytes);

  const std::vector<JudgePrompt>& all() const { return prompts_; }  ///< By name.
  /// Fails: not_found, with the nearest name.
  Result<const JudgePrompt*> find(std::string_view name) const;
  /// Of all files: another word anywhere, another hash.
  const std::string& hash() const { return hash_; }
  /// Values without a variable are left out: a prompt need not show all that is known. Fails:
  /// not_found, invalid_argument (a variable without a value).
  Result<FilledPrompt> fill(std::string_view name, const json::Object& values) const;

 private:
  std::vector<JudgePrompt> prompts_;
  std::string hash_;
};

}  // namespace slipway::eval
