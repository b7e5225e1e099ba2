#include "tests/support/scep_fuzz.h"

#include "core/base/text.h"
#include "core/pki/csr.h"
#include "scep_ca/codec/certs_only.h"
#include "scep_ca/codec/request.h"
#include "scep_ca/codec/shape.h"
#include "scep_ca/signer/open.h"
#include "tests/support/scep_msg.h"

/* What must hold of every input, not only "no crash", is checked with this. */
#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

static void fuzz_shape(const uint8_t *p, size_t n)
{
	struct shape_enveloped e;
	struct shape_signed s;

	if (shape_signed(bytes_of(p, n), &s, NULL) == E_OK)
		MUST(s.certs >= 1 && s.certs <= 3 && s.digest != SCEP_DIGEST_NONE);
	if (shape_enveloped(bytes_of(p, n), &e, NULL) == E_OK)
		MUST(e.cipher != SCEP_CIPHER_NONE && e.recipients >= 1 && e.recipients <= 4);
}

static void fuzz_request(const uint8_t *p, size_t n)
{
	struct scep_request req;

	if (scep_request_parse(bytes_of(p, n), &req, NULL) != E_OK)
		return;
	MUST(req.attrs.txn[0] != '\0' && req.attrs.nonce_n <= SCEP_NONCE_MAX && req.envelope.n > 0);
	scep_request_free(&req);
}

/* The same key for all inputs of a run: made once, kept till the end. */
static const struct keys *opener_keys(struct scep_client *ra)
{
	static struct keys_profile profile;
	static struct keys keys;
	static struct scep_client ca;

	if (keys.n == 0) {
		MUST(scep_ca_new("CA", NULL, &ca) && scep_ca_new("RA", &ca, ra));
		profile = (struct keys_profile){
			.name = "p", .ra_cert = ra->cert, .ra_key = ra->key, .allow_3des = true};
		keys = (struct keys){.profiles = &profile, .n = 1, .seal = {1}};
	}
	return &keys;
}

static void open_it(struct bytes envelope, const struct keys *keys)
{
	struct signer_open_request req = {
		.profile = "p", .envelope = envelope, .signer_spki = bytes_str("x")};
	struct signer_opened o;

	if (ra_open(keys, &req, &o, NULL) == E_OK && o.rule != RULE_NONE)
		MUST(o.spki_n == 0 && !o.key_match);
}

static struct scep_client fuzz_ra;

static void fuzz_open(const uint8_t *p, size_t n)
{
	open_it(bytes_of(p, n), opener_keys(&fuzz_ra));
}

/* The input is put into an envelope for our RA: what is behind decryption gets its share too. */
static void fuzz_inside(const uint8_t *p, size_t n)
{
	const struct keys *keys = opener_keys(&fuzz_ra);
	struct scep_msg m = {.content = bytes_of(p, n), .recipient = fuzz_ra.cert};
	struct scep_client nobody = {0};
	struct buf env;

	if (n == 0)
		return;
	buf_init(&env, 1 << 20);
	if (scep_envelope_build(&nobody, &m, &env))
		open_it(buf_bytes(&env), keys);
	buf_free(&env);
}

static void fuzz_csr(const uint8_t *p, size_t n)
{
	struct csr csr;

	if (csr_parse(bytes_of(p, n), &csr, NULL) != E_OK)
		return;
	MUST(csr.spki.n > 0 && strlen(csr.challenge) < CHALLENGE_MAX);
	csr_free(&csr);
}

static void fuzz_base64(const uint8_t *p, size_t n)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	if (text_unbase64_lenient(&out, (const char *)p, n) == E_OK)
		MUST(out.n <= n / 4 * 3 + 3);
	buf_free(&out);
}

const struct scep_fuzz scep_fuzz_targets[] = {
	{"shape", fuzz_shape}, {"request", fuzz_request},
	{"open", fuzz_open},   {"inside", fuzz_inside},
	{"csr", fuzz_csr},     {"base64", fuzz_base64},
	{NULL, NULL},
};
