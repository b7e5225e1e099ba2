/* Included by force into every file of ours: functions whose use has cost others a CVE. */
#ifndef CORE_BASE_BANNED_H
#define CORE_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef alloca /* a macro in glibc; poisoning one is a warning of its own */
#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat gets strtok atoi atol atoll
#pragma GCC poison alloca mktemp tmpnam system popen

#endif
