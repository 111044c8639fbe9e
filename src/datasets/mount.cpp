#include "datasets/mount.hpp"

#include "datasets/detail/routes.hpp"

namespace slipway::datasets {

void mount(http::Api& api, const Services& services) {
  api.add_tag("datasets", "Examples with expected outputs, in versions, to measure against.");
  detail::mount_native(api, services);
  detail::mount_native_examples(api, services);
}

void mount_langsmith(http::Router& router, const Services& services) {
  const detail::Routes routes(router, services);
  detail::mount_datasets(routes);
  detail::mount_versions(routes);
  detail::mount_examples(routes);
  detail::mount_example_bodies(routes);
  detail::mount_experiments(routes);
  detail::mount_shared(routes);
}

}  // namespace slipway::datasets
