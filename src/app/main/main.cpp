#include "app/app.hpp"
#include "core/sandbox.hpp"

int main(int argc, char** argv) {
  slipway::run_sandbox_child(argc, argv);
  return slipway::app::run(argc, argv);
}
