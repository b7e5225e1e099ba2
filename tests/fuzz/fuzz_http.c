/* libFuzzer's entry for what HTTP requests are made of. */
#include "tests/support/http_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	http_fuzz_one(p, n);
	return 0;
}
