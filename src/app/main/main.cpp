#include "core/sandbox.hpp"

int main(int argc, char** argv) {
  slipway::run_sandbox_child(argc, argv);
  return 0;
}
