/*
 * Whether a header may go out on this connection: only where the certificate
 * that it presented fits the policy.
 *
 * A leaf of the server's own chains has been checked at load: that is one
 * pointer to compare.  Any other (the SNI of one server and the Host of
 * another, certificates by variable) is judged by the core once, and the
 * answer is remembered: on the connection, and by leaf in the worker.
 */

#include "ngx_http_hpkp.h"


#define NGX_HTTP_HPKP_CACHE_SIZE  256


/*
 * A worker's answers by leaf and header.  A slot holds one answer; a newer one
 * takes its place, so memory is bounded, and a lost answer is only asked again.
 */

struct ngx_http_hpkp_cache_s {
    u_char                      fingerprint[32];
    ngx_http_hpkp_header_t     *header;
    size_t                      matched;
    int                         fits;
};


static ngx_uint_t ngx_http_hpkp_same_name(SSL *ssl);
static ngx_uint_t ngx_http_hpkp_judge(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission, X509 *leaf, ngx_str_t *pin);
static ngx_uint_t ngx_http_hpkp_judge_leaf(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission, X509 *leaf, ngx_str_t *pin,
    ngx_uint_t *sure);
static ngx_uint_t ngx_http_hpkp_judge_header(ngx_http_request_t *r,
    ngx_http_hpkp_header_t *header, u_char *fingerprint, ngx_str_t *pin,
    ngx_uint_t *sure);
static void ngx_http_hpkp_log_unfit(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission);


ngx_uint_t
ngx_http_hpkp_fit(ngx_http_request_t *r, ngx_http_hpkp_emission_t *emission,
    ngx_str_t *pin)
{
    X509              *leaf;
    ngx_uint_t         i;
    ngx_connection_t  *c;

    c = r->connection;

    /* not r->http_connection->ssl, which plain HTTP on a TLS port sets too */

    if (c->ssl == NULL) {
        return 0;
    }

    if (SSL_session_reused(c->ssl->connection)
        && !ngx_http_hpkp_same_name(c->ssl->connection))
    {
        return 0;
    }

    leaf = SSL_get_certificate(c->ssl->connection);

    for (i = 0; i < emission->nleaves; i++) {
        if (emission->leaves[i].x509 == leaf && leaf != NULL) {
            *pin = emission->leaves[i].pin;
            return NGX_HTTP_HPKP_BOTH;
        }
    }

    /*
     * OpenSSL does not know the certificate of a session resumed where
     * certificates come by variable
     */

    if (leaf == NULL) {
        return 0;
    }

    return ngx_http_hpkp_judge(r, emission, leaf, pin);
}


/*
 * In TLS 1.3 a session may be resumed under another server name.  No
 * certificate is presented then: the client has the one of the first name,
 * OpenSSL here has the one of the second.
 */

static ngx_uint_t
ngx_http_hpkp_same_name(SSL *ssl)
{
    const char  *first, *now;

    first = SSL_SESSION_get0_hostname(SSL_get0_session(ssl));
    now = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    if (first == NULL || now == NULL) {
        return first == now;
    }

    return ngx_strcmp(first, now) == 0;
}


static ngx_uint_t
ngx_http_hpkp_judge(ngx_http_request_t *r, ngx_http_hpkp_emission_t *emission,
    X509 *leaf, ngx_str_t *pin)
{
    ngx_uint_t                   sure;
    ngx_http_hpkp_connection_t  *hc;

    hc = ngx_http_hpkp_connection(r);

    if (hc == NULL) {
        return 0;
    }

    if (hc->leaf != leaf || hc->emission != emission) {
        ngx_str_null(&hc->pin);

        sure = 1;

        hc->fit = ngx_http_hpkp_judge_leaf(r, emission, leaf, &hc->pin, &sure);
        hc->leaf = sure ? leaf : NULL;
        hc->emission = emission;
    }

    *pin = hc->pin;

    return hc->fit;
}


/* not sure: memory or OpenSSL has failed, so ask again for the next answer */

static ngx_uint_t
ngx_http_hpkp_judge_leaf(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission, X509 *leaf, ngx_str_t *pin,
    ngx_uint_t *sure)
{
    u_char      fingerprint[EVP_MAX_MD_SIZE];
    ngx_uint_t  i, fit;

    if (X509_digest(leaf, EVP_sha256(), fingerprint, NULL) != 1) {
        ERR_clear_error();
        *sure = 0;
        return 0;
    }

    for (i = 0; i < emission->nleaves; i++) {
        if (ngx_memcmp(emission->leaves[i].fingerprint, fingerprint, 32) == 0) {
            *pin = emission->leaves[i].pin;
            return NGX_HTTP_HPKP_BOTH;
        }
    }

    fit = 0;

    if (emission->report_only
        && ngx_http_hpkp_judge_header(r, emission->report_only, fingerprint,
                                      pin, sure))
    {
        fit |= NGX_HTTP_HPKP_REPORT_ONLY;
    }

    if (emission->enforce
        && ngx_http_hpkp_judge_header(r, emission->enforce, fingerprint, pin,
                                      sure))
    {
        fit |= NGX_HTTP_HPKP_ENFORCE;
    }

    if (*sure
        && ((emission->enforce && !(fit & NGX_HTTP_HPKP_ENFORCE))
            || (emission->report_only && !(fit & NGX_HTTP_HPKP_REPORT_ONLY))))
    {
        ngx_http_hpkp_log_unfit(r, emission);
    }

    return fit;
}


static ngx_uint_t
ngx_http_hpkp_judge_header(ngx_http_request_t *r,
    ngx_http_hpkp_header_t *header, u_char *fingerprint, ngx_str_t *pin,
    ngx_uint_t *sure)
{
    ngx_uint_t                  slot;
    ngx_http_hpkp_cache_t      *entry;
    ngx_http_hpkp_main_conf_t  *hmcf;

    hmcf = ngx_http_get_module_main_conf(r, ngx_http_hpkp_module);

    if (hmcf->cache == NULL) {
        hmcf->cache = ngx_pcalloc(ngx_cycle->pool,
                                  NGX_HTTP_HPKP_CACHE_SIZE
                                  * sizeof(ngx_http_hpkp_cache_t));
        if (hmcf->cache == NULL) {
            *sure = 0;
            return 0;
        }
    }

    slot = (fingerprint[0] ^ ((uintptr_t) header / sizeof(*header)))
           % NGX_HTTP_HPKP_CACHE_SIZE;
    entry = &hmcf->cache[slot];

    if (entry->header != header
        || ngx_memcmp(entry->fingerprint, fingerprint, 32) != 0)
    {
        entry->header = header;
        ngx_memcpy(entry->fingerprint, fingerprint, 32);

        entry->matched = 0;
        entry->fits = hpkp_may_be_noted(r->connection->ssl->connection,
                                        (const uint8_t (*)[32]) header->pins,
                                        header->npins, &entry->matched);

        if (entry->fits < 0) {
            entry->header = NULL;
            *sure = 0;
            return 0;
        }
    }

    if (entry->fits) {
        *pin = header->labels[entry->matched];
    }

    return entry->fits;
}


static void
ngx_http_hpkp_log_unfit(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission)
{
    ngx_atomic_int_t   ago;
    ngx_atomic_uint_t  now, logged;

    if (ngx_http_hpkp_shared == NULL) {
        return;
    }

    now = (ngx_atomic_uint_t) ngx_time();
    logged = ngx_http_hpkp_shared->logged;

    ago = (ngx_atomic_int_t) (now - logged);

    /* workers read the clock at different moments; one set back says it again */

    if ((ago < 60 && ago > -60)
        || !ngx_atomic_cmp_set(&ngx_http_hpkp_shared->logged, logged, now))
    {
        return;
    }

    /* a header that is silently missing is what somebody will look for */

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "hpkp: no header sent: the certificate that this connection "
                  "presented does not fit policy \"%V\" "
                  "(said once a minute at most)",
                  &emission->policy);
}
