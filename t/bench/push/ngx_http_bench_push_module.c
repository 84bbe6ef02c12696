/*
 * The least that a module can do.  Yardsticks for t/bench/request.sh, and
 * nothing to serve with:
 *
 *   bench_push VALUE   pushes a ready string to the list, whatever the request
 *   bench_once on      remembers on the connection for which host the header
 *                      was due, looks that up with the next one, and sends
 *                      nothing
 *   bench_pass on      calls the next filter
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


typedef struct {
    ngx_str_t   push;
    ngx_flag_t  once;
    ngx_flag_t  pass;
} ngx_http_bench_push_conf_t;


static void *ngx_http_bench_push_create_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_bench_push_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_bench_push_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_bench_once_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_bench_remember(ngx_http_request_t *r);
static void ngx_http_bench_once_cleanup(void *data);
static ngx_int_t ngx_http_bench_pass_header_filter(ngx_http_request_t *r);


static ngx_command_t  ngx_http_bench_push_commands[] = {

    { ngx_string("bench_push"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_bench_push_conf_t, push),
      NULL },

    { ngx_string("bench_once"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_bench_push_conf_t, once),
      NULL },

    { ngx_string("bench_pass"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_bench_push_conf_t, pass),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_bench_push_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_bench_push_init,              /* postconfiguration */
    ngx_http_bench_push_create_conf,       /* create main configuration */
    NULL,                                  /* init main configuration */
    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */
    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_bench_push_module = {
    NGX_MODULE_V1,
    &ngx_http_bench_push_module_ctx,       /* module context */
    ngx_http_bench_push_commands,          /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static void *
ngx_http_bench_push_create_conf(ngx_conf_t *cf)
{
    ngx_http_bench_push_conf_t  *bpcf;

    bpcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_bench_push_conf_t));
    if (bpcf == NULL) {
        return NULL;
    }

    bpcf->once = NGX_CONF_UNSET;
    bpcf->pass = NGX_CONF_UNSET;

    return bpcf;
}


static ngx_int_t
ngx_http_bench_push_init(ngx_conf_t *cf)
{
    ngx_http_bench_push_conf_t  *bpcf;

    bpcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_bench_push_module);

    ngx_http_next_header_filter = ngx_http_top_header_filter;

    if (bpcf->push.len) {
        ngx_http_top_header_filter = ngx_http_bench_push_header_filter;

    } else if (bpcf->once == 1) {
        ngx_http_top_header_filter = ngx_http_bench_once_header_filter;

    } else if (bpcf->pass == 1) {
        ngx_http_top_header_filter = ngx_http_bench_pass_header_filter;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_bench_push_header_filter(ngx_http_request_t *r)
{
    ngx_table_elt_t             *h;
    ngx_http_bench_push_conf_t  *bpcf;

    bpcf = ngx_http_get_module_main_conf(r, ngx_http_bench_push_module);

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "Public-Key-Pins");
    h->value = bpcf->push;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return ngx_http_next_header_filter(r);
}


/* nginx has one place where a module can keep what belongs to a connection */

static ngx_int_t
ngx_http_bench_once_header_filter(ngx_http_request_t *r)
{
    ngx_str_t           *host;
    ngx_pool_cleanup_t  *cln;

    cln = r->connection->pool->cleanup;

    if (cln == NULL || cln->handler != ngx_http_bench_once_cleanup) {
        return ngx_http_bench_remember(r);
    }

    host = cln->data;

    if (host->len != r->headers_in.server.len
        || ngx_memcmp(host->data, r->headers_in.server.data, host->len) != 0)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_bench_remember(ngx_http_request_t *r)
{
    ngx_str_t           *host;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->connection->pool, sizeof(ngx_str_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_bench_once_cleanup;

    host = cln->data;
    host->len = r->headers_in.server.len;
    host->data = ngx_pstrdup(r->connection->pool, &r->headers_in.server);
    if (host->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static void
ngx_http_bench_once_cleanup(void *data)
{
}


static ngx_int_t
ngx_http_bench_pass_header_filter(ngx_http_request_t *r)
{
    return ngx_http_next_header_filter(r);
}
