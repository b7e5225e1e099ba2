/* What arrives over HTTP, torn to pieces: for libFuzzer (tests/fuzz/fuzz_http.c) and for a unit test. */
#ifndef TESTS_SUPPORT_HTTP_FUZZ_H
#define TESTS_SUPPORT_HTTP_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * Input: lines "URI", "Name: value"..., an empty line, the body. Goes all the way that a request goes until a
 * handler sees it; aborts when what comes out is not what incoming.h promises.
 */
void http_fuzz_one(const uint8_t *p, size_t n);

#endif
