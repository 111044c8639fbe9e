// The embedded page: its files, its own paths, and the session of a browser.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/router.hpp"
#include "ui/door.hpp"

namespace slipway::ui {

struct Options {
  std::shared_ptr<Door> door;
  /// Who sends this request (`access::Gate::who`).
  std::function<Result<access::Caller>(const http::Request&)> who;
  std::string version;  ///< Of the program, shown on the page.
};

/// GET / and the page's own paths (all the same file; the page reads its address), /assets/...,
/// and /ui/session: GET who is signed in, POST {"key"} signs in, DELETE signs out. All of it is for
/// everyone: nothing of it shows data.
void mount(http::Router& router, Options options);

/// Whether `mount` answers this path, so that nobody asks for a key in front of it.
bool is_public(std::string_view path);

}  // namespace slipway::ui
