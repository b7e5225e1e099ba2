/* Spellings of serial numbers: one table for serial_parse() and for the Functions (test_store_cert.c). */
#ifndef TESTS_UNIT_MODEL_SERIAL_SPELLINGS_H
#define TESTS_UNIT_MODEL_SERIAL_SPELLINGS_H

#include <stddef.h>

static const struct serial_spelling {
	const char *text;
	const char *serial; /* NULL: must be refused */
} serial_spellings[] = {
	/* as kept */
	{"0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"},
	{"7fffffffffffffffffffffffffffffff", "7fffffffffffffffffffffffffffffff"},
	{"01000000000000000000000000000000", "01000000000000000000000000000000"},
	/* 32 digits that look decimal are hex */
	{"12345678901234567890123456789012", "12345678901234567890123456789012"},
	/* as tools print and people paste */
	{"0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcdef"},
	{"01:23:45:67:89:ab:cd:ef:01:23:45:67:89:AB:CD:EF", "0123456789abcdef0123456789abcdef"},
	{"01-23-45-67-89-ab-cd-ef-01-23-45-67-89-ab-cd-ef", "0123456789abcdef0123456789abcdef"},
	{"0123 4567 89ab cdef 0123 4567 89ab cdef", "0123456789abcdef0123456789abcdef"},
	{"  0123456789abcdef0123456789abcdef\r\n", "0123456789abcdef0123456789abcdef"},
	{"0x0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"},
	{"0X0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcdef"},
	{"serial=0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcdef"},
	{"Serial: 01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef",
	 "0123456789abcdef0123456789abcdef"},
	{"SERIAL:0x0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"},
	{"Serial Number:\n        01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef",
	 "0123456789abcdef0123456789abcdef"},
	/* decimal: 2^120, 2^127 - 1 and one between */
	{"1329227995784915872903807060280344576", "01000000000000000000000000000000"},
	{"170141183460469231731687303715884105727", "7fffffffffffffffffffffffffffffff"},
	{"1512366075204170929049582354406559215", "0123456789abcdef0123456789abcdef"},
	{"serial=1512366075204170929049582354406559215", "0123456789abcdef0123456789abcdef"},
	/* not ours */
	{"", NULL},
	{" ", NULL},
	{"0x", NULL},
	{"serial=", NULL},
	{"serial", NULL},
	{"alice", NULL},
	{"0123456789abcdef0123456789abcde", NULL},
	{"0123456789abcdef0123456789abcdef0", NULL},
	{"0123456789abcdef0123456789abcdeg", NULL},
	{"0123456789abcdef0123456789abcd,f", NULL},
	{"0x0x0123456789abcdef0123456789abcdef", NULL},
	{"serial=serial=0123456789abcdef0123456789abcdef", NULL},
	{"-0123456789abcdef0123456789abcdef!", NULL},
	/* the first byte must be 01..7f */
	{"00123456789abcdef0123456789abcde", NULL},
	{"80000000000000000000000000000000", NULL},
	{"ff000000000000000000000000000000", NULL},
	{"00000000000000000000000000000000", NULL},
	/* decimal out of range: 2^120 - 1, 2^127, 2^128, 10^38 * 9.99, too many digits, 36 digits */
	{"1329227995784915872903807060280344575", NULL},
	{"170141183460469231731687303715884105728", NULL},
	{"340282366920938463463374607431768211456", NULL},
	{"999999999999999999999999999999999999999", NULL},
	{"1512366075204170929049582354406559215000", NULL},
	{"151236607520417092904958235440655921", NULL},
	/* 0x means hex, also with 37 digits */
	{"0x1512366075204170929049582354406559215", NULL},
	/* a sign or a fraction is no serial */
	{"+1512366075204170929049582354406559215", NULL},
	{"1512366075204170929049582354406559215.0", NULL},
	/* UTF-8 full-width digits */
	{"\xef\xbc\x90\xef\xbc\x91"
	 "23456789abcdef0123456789abcdef",
	 NULL},
};

#define N_SERIAL_SPELLINGS (sizeof(serial_spellings) / sizeof(serial_spellings[0]))

#endif
