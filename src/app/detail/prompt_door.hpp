// Calls that name a prompt where they would write messages:
//   {"model": "...", "prompt": {"id": "greeting@production", "variables": {"name": "Ann"}}}
// at the chat completions of OpenAI's dialect. Such a call is filled in before the gateway sees it;
// all others go by untouched.
#pragma once

#include <memory>
#include <string>

#include "http/message.hpp"
#include "prompts/prompts.hpp"

namespace slipway::app::detail {

/// Looks for the word alone where it is not one: no body is parsed twice.
bool names_prompt(const http::Request& request);

struct FilledCall {
  std::unique_ptr<http::Request> request;  ///< Without the member `prompt`, with its messages.
  std::string prompt;                      ///< "greeting@3", also its header x-slipway-prompt.
};
/// The prompt's messages stand before those of the body; its model and parameters are taken where
/// the body names none. Everything else stays the bytes it was. Reads the database.
/// Fails: not_found, invalid_argument (a variable, the member's form), unsupported.
Result<FilledCall> fill_prompt(const Context& context, prompts::Prompts& prompts,
                               const http::Request& request);

/// In the words of that dialect.
http::Response prompt_refusal(const Error& error);

}  // namespace slipway::app::detail
