#include "core/pki/cert_urls.h"

#include "core/base/text.h"

struct list {
	char (*v)[CERT_URL_SIZE];
	size_t n, max;
};

static int add(struct list *l, const ASN1_IA5STRING *s)
{
	const char *data = (const char *)ASN1_STRING_get0_data(s);
	size_t n = (size_t)ASN1_STRING_length(s);
	char url[CERT_URL_SIZE];

	if (n >= sizeof(url))
		return E_TOOBIG;
	memcpy(url, data, n);
	url[n] = '\0';
	/* What is no plain text is nobody's address. */
	if (strlen(url) != n || !text_is_plain(url, n))
		return E_OK;
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i], url) == 0)
			return E_OK;
	}
	if (l->n == l->max)
		return E_TOOBIG;
	memcpy(l->v[l->n++], url, n + 1);
	return E_OK;
}

static int add_names(struct list *l, const GENERAL_NAMES *names)
{
	int r = E_OK;

	for (int i = 0; r == E_OK && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_URI)
			r = add(l, g->d.uniformResourceIdentifier);
	}
	return r;
}

static int add_crl(struct list *l, X509 *cert)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
	int r = E_OK;

	for (int i = 0; r == E_OK && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *p = sk_DIST_POINT_value(points, i);

		if (p->distpoint != NULL && p->distpoint->type == 0)
			r = add_names(l, p->distpoint->name.fullname);
	}
	CRL_DIST_POINTS_free(points);
	return r;
}

static int add_ocsp(struct list *l, X509 *cert)
{
	AUTHORITY_INFO_ACCESS *info = X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);
	int r = E_OK;

	for (int i = 0; r == E_OK && i < sk_ACCESS_DESCRIPTION_num(info); i++) {
		const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(info, i);

		if (OBJ_obj2nid(d->method) == NID_ad_OCSP && d->location->type == GEN_URI)
			r = add(l, d->location->d.uniformResourceIdentifier);
	}
	AUTHORITY_INFO_ACCESS_free(info);
	return r;
}

int cert_urls(X509 *cert, char ret[][CERT_URL_SIZE], size_t max, size_t *ret_n)
{
	struct list l = {.v = ret, .max = max};
	int r = add_crl(&l, cert);

	if (r == E_OK)
		r = add_ocsp(&l, cert);
	if (r == E_OK)
		*ret_n = l.n;
	return r;
}
