/* A device of a person (device:<id>). Plain data, no I/O. */
#ifndef CORE_MODEL_DEVICE_H
#define CORE_MODEL_DEVICE_H

#include "core/model/limits.h"

#include <stdint.h>

struct device {
	char id[ID_SIZE]; /* "d" + 32 hex digits */
	char owner[ID_SIZE];
	char name[TEXT_SIZE];
	char platform[NAME_SIZE]; /* apple, linux, windows, android, other */
	int64_t created;
};

#endif
