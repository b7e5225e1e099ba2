/* libFuzzer's entry for one target of tests/support/scep_fuzz.c, named by FUZZ_TARGET. */
#include "tests/support/scep_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	for (const struct scep_fuzz *t = scep_fuzz_targets; t->name; t++) {
		if (strcmp(t->name, FUZZ_TARGET) == 0)
			t->run(p, n);
	}
	return 0;
}
