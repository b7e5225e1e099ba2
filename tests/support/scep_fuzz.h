/* One function per decoder: bytes in, no crash, no leak. Fuzzers and the replay test share them. */
#ifndef TESTS_SUPPORT_SCEP_FUZZ_H
#define TESTS_SUPPORT_SCEP_FUZZ_H

#include <stddef.h>
#include <stdint.h>

struct scep_fuzz {
	const char *name;
	void (*run)(const uint8_t *p, size_t n);
};

/* Ends with name NULL. */
extern const struct scep_fuzz scep_fuzz_targets[];

#endif
