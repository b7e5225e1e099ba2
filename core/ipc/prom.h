/*
 * Figures in Prometheus' text format, as a file for node_exporter's textfile collector; scepctl reads the same
 * file to say in a line how things are. Only prom_dir and prom_write touch the file system.
 */
#ifndef CORE_IPC_PROM_H
#define CORE_IPC_PROM_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROM_MAX = 65536 };

/* type: "counter", "gauge" or "histogram". */
void prom_head(struct buf *b, const char *name, const char *type, const char *help);
/* One line: labels are names and values in turn, NULL at the end; or NULL for none. Values are escaped. */
void prom_line(struct buf *b, const char *name, const char *const *labels, int64_t value);
/* The same; value: as the format has numbers. */
void prom_line_text(struct buf *b, const char *name, const char *const *labels, const char *value);

/* The value of the line with this name and exactly these labels; false: there is none. */
bool prom_get(const char *text, const char *name, const char *const *labels, int64_t *ret);
/* Of all lines of this name together; 0 without any. */
int64_t prom_sum(const char *text, const char *name);
/* The value of `label` in the first line of this name; false: there is none, or it does not fit. */
bool prom_label(const char *text, const char *name, const char *label, char *dst, size_t size);

/* Makes the folder (0755) for the owner of the one that it is in; E_OK also when it is there. */
int prom_dir(const char *dir, struct errmsg *em) MUST_CHECK;
/* Replaces dir/name, readable by all: the collector is another user, and nothing in it is secret. */
int prom_write(const char *dir, const char *name, const struct buf *b,
	       struct errmsg *em) MUST_CHECK;

#endif
