#include "scep_ca/policy/rule.h"

static const struct {
	const char *word, *text;
} rules[] = {
#define X(name, word, text) {word, text},
	SCEP_RULES(X)
#undef X
};

const char *rule_word(enum scep_rule r)
{
	return (unsigned)r < RULE_COUNT ? rules[r].word : rules[RULE_INTERNAL].word;
}

const char *rule_text(enum scep_rule r)
{
	return (unsigned)r < RULE_COUNT ? rules[r].text : rules[RULE_INTERNAL].text;
}
