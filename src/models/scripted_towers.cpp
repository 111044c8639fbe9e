#include <array>

#include "models/detail/clip_pixels.hpp"
#include "models/scripted.hpp"

namespace slipway::models {

namespace {

struct Colour {
  std::string_view name;
  std::array<double, 3> rgb;
};
constexpr Colour colours[] = {{"red", {255, 0, 0}},       {"green", {0, 255, 0}},
                              {"blue", {0, 0, 255}},      {"yellow", {255, 255, 0}},
                              {"white", {255, 255, 255}}, {"black", {0, 0, 0}}};

std::string_view nearest_colour(const Image& image) {
  std::array<double, 3> mean{};
  for (std::size_t i = 0; i < image.rgb.size(); ++i)
    mean[i % 3] += static_cast<unsigned char>(image.rgb[i]);
  std::string_view best;
  double least = 0;
  for (const Colour& colour : colours) {
    double distance = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double off = mean[c] * 3 / static_cast<double>(image.rgb.size()) - colour.rgb[c];
      distance += off * off;
    }
    if (best.empty() || distance < least) {
      best = colour.name;
      least = distance;
    }
  }
  return best;
}

}  // namespace

ScriptedTowers::ScriptedTowers(std::size_t dimension)
    : words_(dimension), identity_(fmt::format("scripted-towers@{}", dimension)) {}

Result<std::vector<Vector>> ScriptedTowers::embed_images(const Context& context,
                                                         std::span<const Image> images) {
  TRY(context.check());
  std::vector<std::string_view> names;
  for (const Image& image : images) {
    TRY(detail::check_image(image));
    names.push_back(nearest_colour(image));
  }
  images_ += images.size();
  return words_.embed(context, names, TextRole::document);
}

}  // namespace slipway::models
