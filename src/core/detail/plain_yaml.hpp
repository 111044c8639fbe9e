// The YAML that people write, read some ten times faster than by yaml-cpp, whose scanner tries a
// pattern at every letter: block and flow maps and lists of scalars that end on their line.
//
// It only ever says yes to what yaml-cpp reads in the same way (a test compares the two); anything
// else, faults above all, is left to yaml-cpp.
#pragma once

#include <yaml-cpp/eventhandler.h>

#include <optional>
#include <string_view>

#include "core/yaml.hpp"

namespace slipway::yaml::detail {

/// True: `out` was told the whole document, marks with their lines. False: nothing is known of the
/// text, and what `out` was told is to be forgotten.
bool read_plain(std::string_view text, YAML::EventHandler& out);

/// The two ways of `yaml::parse`: the first gives nothing where the second must be asked.
std::optional<Document> parse_plain(std::string_view text);
Result<Document> parse_any(std::string_view text);

}  // namespace slipway::yaml::detail
