/*
 * Why an enrolment was refused: one stable word each, for the log, the audit event and
 * enrol:<txn>, and a sentence for the helpdesk. None of it ever reaches the client. Pure.
 */
#ifndef SCEP_CA_POLICY_RULE_H
#define SCEP_CA_POLICY_RULE_H

#define SCEP_RULES(X)                                                                              \
	X(RULE_NONE, "none", "nothing was refused")                                                \
	X(RULE_MESSAGE_TYPE, "message_type", "only PKCSReq is served")                             \
	X(RULE_EC_SIGNER, "ec_signer", "SCEP can send certificates to RSA keys only")              \
	X(RULE_DIGEST, "digest", "signed with SHA-1, which this profile does not allow")           \
	X(RULE_ENVELOPE, "envelope", "the envelope is not of an accepted form")                    \
	X(RULE_CIPHER, "cipher", "encrypted in a way that this profile does not allow")            \
	X(RULE_DECRYPT, "decrypt",                                                                 \
	  "the envelope could not be opened; is the device using an old RA certificate?")          \
	X(RULE_CSR, "csr", "the request inside is malformed or not signed by its key")             \
	X(RULE_KEY, "key", "the public key is not of an accepted kind or size")                    \
	X(RULE_KEY_MISMATCH, "key_mismatch", "message and request are signed by different keys")   \
	X(RULE_NO_CHALLENGE, "no_challenge", "the request has no challenge password")              \
	X(RULE_UNKNOWN_CHALLENGE, "unknown_challenge", "no such challenge, or it is long gone")    \
	X(RULE_TICKET, "ticket", "the ticket in the store is damaged")                             \
	X(RULE_PROFILE, "profile", "the challenge is for another profile")                         \
	X(RULE_EXPIRED, "expired", "the challenge was not used in time")                           \
	X(RULE_MAC, "mac", "the ticket was not minted by the portal")                              \
	X(RULE_SEAL, "seal", "the request was changed between opening and issuing")                \
	X(RULE_LIMITS, "limits", "the ticket asks for more than the profile allows")               \
	X(RULE_CLAIM, "claim",                                                                     \
	  "used with another key, revoked, or the person is held or has left")                     \
	X(RULE_KEY_OWNER, "key_owner", "the public key has a certificate of another person")       \
	X(RULE_INTERRUPTED, "interrupted",                                                         \
	  "an earlier attempt was cut short; a fresh challenge helps")                             \
	X(RULE_COMMIT, "commit", "the person was held or the challenge revoked while signing")     \
	X(RULE_INTERNAL, "internal", "internal error; see the log")

enum scep_rule {
#define X(name, word, text) name,
	SCEP_RULES(X)
#undef X
		RULE_COUNT,
};

const char *rule_word(enum scep_rule r);
const char *rule_text(enum scep_rule r);

#endif
