// Datasets over HTTP: our own routes under /api/datasets, and those of LangSmith's clients.
#pragma once

#include "datasets/datasets.hpp"
#include "http/api.hpp"
#include "trace/mount.hpp"

namespace slipway::datasets {

/// What the routes stand on. All of it must outlive them.
struct Services {
  Datasets& datasets;
  trace::Services traces;  ///< Experiments are projects, and runs become examples.
};

/// GET and POST /api/datasets and what is below them.
void mount(http::Api& api, const Services& services);
/// Datasets, examples, experiments, comparisons and shared datasets of the LangSmith API, wherever
/// that is. After `trace::mount_langsmith`.
void mount_langsmith(http::Router& router, const Services& services);

}  // namespace slipway::datasets
