/*
 * First look at the text of a configuration file, for what libconfuse 3.3 gets wrong: it counts a
 * line with a comment three times, takes a file that ends inside a section, and puts environment
 * variables into values. Pure; private to conf.c.
 */
#ifndef CORE_BASE_CONF_SCAN_H
#define CORE_BASE_CONF_SCAN_H

#include <stddef.h>

/* Blanks out comments in place. NULL when the text may be parsed, else what is wrong (a fixed
 * sentence) with its line in *ret_line. */
const char *conf_scan(char *text, size_t n, unsigned *ret_line);

#endif
