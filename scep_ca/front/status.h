/* CRL (RFC 5280) and OCSP (RFC 6960, RFC 5019) by HTTP. */
#ifndef SCEP_CA_FRONT_STATUS_H
#define SCEP_CA_FRONT_STATUS_H

#include "core/http/router.h"

/* Handlers, ctx a struct service. They block on signer and store, and log. */
void status_crl(void *ctx, const struct http_request *req, struct http_response *res);
void status_ocsp_get(void *ctx, const struct http_request *req, struct http_response *res);
void status_ocsp_post(void *ctx, const struct http_request *req, struct http_response *res);

#endif
