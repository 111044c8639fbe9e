/* Rewrites a GGUF model with 8-bit weights: requantize FROM TO. Why: docs/decisions/0006-llama-cpp.md. */
#include <llama.h>

#include <stdio.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: requantize FROM TO\n");
    return 2;
  }
  llama_backend_init();
  struct llama_model_quantize_params parameters = llama_model_quantize_default_params();
  parameters.ftype = LLAMA_FTYPE_MOSTLY_Q8_0;
  parameters.allow_requantize = true;
  return llama_model_quantize(argv[1], argv[2], &parameters) == 0 ? 0 : 1;
}
