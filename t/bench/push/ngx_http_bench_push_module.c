/*
 * The least that a module can do to send a header: push a ready string to the
 * list, whatever the request.  A yardstick for t/bench/request.sh, and nothing
 * to serve with.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


static void *ngx_http_bench_push_create_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_bench_push_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_bench_push_header_filter(ngx_http_request_t *r);


static ngx_command_t  ngx_http_bench_push_commands[] = {

    { ngx_string("bench_push"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
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
    return ngx_pcalloc(cf->pool, sizeof(ngx_str_t));
}


static ngx_int_t
ngx_http_bench_push_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_bench_push_header_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_bench_push_header_filter(ngx_http_request_t *r)
{
    ngx_str_t        *value;
    ngx_table_elt_t  *h;

    value = ngx_http_get_module_main_conf(r, ngx_http_bench_push_module);

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "Public-Key-Pins");
    h->value = *value;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return ngx_http_next_header_filter(r);
}
