/*
 * What is remembered of a connection while it lasts: how its certificate was
 * judged (ngx_http_hpkp_fit.c), and which hosts have had their header.
 */

#include "ngx_http_hpkp.h"


static ngx_inline ngx_pool_t *ngx_http_hpkp_pool(ngx_http_request_t *r);
static ngx_http_hpkp_connection_t *ngx_http_hpkp_new_connection(
    ngx_pool_t *pool);
static void ngx_http_hpkp_note_sent(ngx_http_request_t *r,
    ngx_http_hpkp_connection_t *hc);
static void ngx_http_hpkp_connection_cleanup(void *data);


ngx_uint_t
ngx_http_hpkp_sent_before(ngx_http_request_t *r)
{
    ngx_str_t                   *known;
    ngx_uint_t                   i;
    ngx_http_hpkp_connection_t  *hc;

    hc = ngx_http_hpkp_connection(r);

    if (hc == NULL) {
        return 0;
    }

    for (i = 0; i < hc->nhosts; i++) {
        known = &hc->hosts[i];

        if (known->len == r->headers_in.server.len
            && ngx_memcmp(known->data, r->headers_in.server.data, known->len)
               == 0)
        {
            return 1;
        }
    }

    ngx_http_hpkp_note_sent(r, hc);

    return 0;
}


/*
 * Most connections are of one host, and our entry is the first of its pool:
 * what is added there later comes before it, and then the long way is taken.
 */

ngx_uint_t
ngx_http_hpkp_sent_to_first(ngx_http_request_t *r)
{
    ngx_str_t                   *known;
    ngx_pool_cleanup_t          *cln;
    ngx_http_hpkp_connection_t  *hc;

    cln = ngx_http_hpkp_pool(r)->cleanup;

    if (cln == NULL || cln->handler != ngx_http_hpkp_connection_cleanup) {
        return 0;
    }

    hc = cln->data;
    known = &hc->hosts[0];

    return hc->nhosts
           && known->len == r->headers_in.server.len
           && ngx_memcmp(known->data, r->headers_in.server.data, known->len)
              == 0;
}


/*
 * A client that asks for more hosts than there is room for on one connection
 * gets the header with every response: more than it needs, never less.
 */

static NGX_HTTP_HPKP_RARE void
ngx_http_hpkp_note_sent(ngx_http_request_t *r, ngx_http_hpkp_connection_t *hc)
{
    ngx_str_t  *host, *known;

    if (hc->nhosts == NGX_HTTP_HPKP_HOSTS) {
        return;
    }

    host = &r->headers_in.server;
    known = &hc->hosts[hc->nhosts];

    known->len = host->len;
    known->data = ngx_pnalloc(hc->pool, host->len + 1);

    if (known->data == NULL) {
        return;
    }

    ngx_memcpy(known->data, host->data, host->len);

    hc->nhosts++;
}


ngx_http_hpkp_connection_t *
ngx_http_hpkp_connection(ngx_http_request_t *r)
{
    ngx_pool_t          *pool;
    ngx_pool_cleanup_t  *cln;

    pool = ngx_http_hpkp_pool(r);

    for (cln = pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_hpkp_connection_cleanup) {
            return cln->data;
        }
    }

    return ngx_http_hpkp_new_connection(pool);
}


/* a stream of HTTP/3 has a pool of its own */

static ngx_inline ngx_pool_t *
ngx_http_hpkp_pool(ngx_http_request_t *r)
{
#if (NGX_HTTP_V3)

    if (r->connection->quic) {
        return r->connection->quic->parent->pool;
    }

#endif

    return r->connection->pool;
}


static NGX_HTTP_HPKP_RARE ngx_http_hpkp_connection_t *
ngx_http_hpkp_new_connection(ngx_pool_t *pool)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_hpkp_connection_t  *hc;

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_http_hpkp_connection_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_hpkp_connection_cleanup;

    hc = cln->data;
    ngx_memzero(hc, sizeof(ngx_http_hpkp_connection_t));

    hc->pool = pool;

    return hc;
}


/* there is nothing to clean: its address marks our entry */

static void
ngx_http_hpkp_connection_cleanup(void *data)
{
}
