// Prompts and commits as rows.
#pragma once

#include "prompts/prompts.hpp"

namespace slipway::prompts::detail {

/// "SELECT ... FROM prompts p"
extern const std::string_view select_prompts;
Result<Prompt> prompt_at(const store::Statement& row);
Result<std::optional<Prompt>> find_prompt(store::Connection& connection, const std::string& name);
Result<void> write_prompt(store::Connection& connection, const Prompt& prompt);

/// By "latest", a tag, a version, an id, a hash or its first eight digits and more.
Result<std::optional<Commit>> find_commit(store::Connection& connection,
                                          const std::string& prompt_id,
                                          const std::string& reference);
Result<std::vector<Commit>> list_commits(store::Connection& connection,
                                         const std::string& prompt_id, int limit, int offset);
Result<void> write_commit(store::Connection& connection, const std::string& prompt_id,
                          const Commit& commit);

}  // namespace slipway::prompts::detail
