/* What OCSP clients get when the signer has no word for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/http/router.h"
#include "core/pki/ocsp.h"
#include "scep_ca/front/service.h"
#include "scep_ca/front/status.h"

static struct {
	int calls, result;
} fake;

int signer_ocsp(struct signer *s, struct bytes question, struct signer_ocsp *ret, struct buf *out,
		struct errmsg *em)
{
	(void)s, (void)question;
	fake.calls++;
	buf_adds(out, "a part");
	if (fake.result != E_OK)
		return err_set(em, fake.result, "no");
	*ret = (struct signer_ocsp){.answered = true};
	return E_OK;
}

int signer_crl(struct signer *s, const char *profile, const char *known, struct signer_crl *ret,
	       struct buf *out, struct errmsg *em)
{
	(void)s, (void)profile, (void)known, (void)ret, (void)out;
	return err_set(em, E_UNAVAIL, "no");
}

const struct service_list *service_find_list(const struct service *s, const char *name)
{
	(void)s, (void)name;
	return NULL;
}

/* n bytes are posted; the status, and the refusal (RFC 6960 section 4.2.1) or 0. */
static unsigned post(size_t n, int result, int *ret_refusal)
{
	static uint8_t question[OCSP_REQUEST_MAX + 1];
	struct http_request req = {.method = "POST", .client = "::1", .body = {question, n}};
	struct http_response res = {.status = 500};
	struct service s = {0};

	fake.calls = 0;
	fake.result = result;
	buf_init(&res.body, 1000);
	status_ocsp_post(&s, &req, &res);
	*ret_refusal = res.body.n == 5 && res.body.p[0] == 0x30 ? res.body.p[4] : 0;
	buf_free(&res.body);
	return res.status;
}

static void test_ocsp(void **state)
{
	int refusal;

	(void)state;
	assert_int_equal(post(100, E_OK, &refusal), 200);
	assert_int_equal(refusal, 0);
	assert_int_equal(post(OCSP_REQUEST_MAX, E_OK, &refusal), 200);
	assert_int_equal(fake.calls, 1);
	assert_int_equal(refusal, 0);
	assert_int_equal(post(OCSP_REQUEST_MAX + 1, E_OK, &refusal), 200);
	assert_int_equal(fake.calls, 0);
	assert_int_equal(refusal, OCSP_MALFORMED);
	assert_int_equal(post(100, E_UNAVAIL, &refusal), 200);
	assert_int_equal(refusal, OCSP_TRY_LATER);
	assert_int_equal(post(100, E_TIMEOUT, &refusal), 200);
	assert_int_equal(refusal, OCSP_TRY_LATER);
	assert_int_equal(post(100, E_INTERNAL, &refusal), 500);
	assert_int_equal(refusal, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_ocsp)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
