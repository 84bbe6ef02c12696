/*
 * The header filter, and the check of a whole load: the second module of this
 * library, so that the first one's configuration is merged when it begins.
 */

#include "ngx_http_hpkp.h"


static char *ngx_http_hpkp_filter_init_main_conf(ngx_conf_t *cf, void *conf);
static ngx_int_t ngx_http_hpkp_filter_init(ngx_conf_t *cf);

static ngx_int_t ngx_http_hpkp_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_hpkp_emit_once(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission);
static ngx_int_t ngx_http_hpkp_emit(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission);
static ngx_uint_t ngx_http_hpkp_allowed(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission);
static ngx_inline ngx_uint_t ngx_http_hpkp_may_be_ours(ngx_table_elt_t *h);
static ngx_uint_t ngx_http_hpkp_clear(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission);
static ngx_uint_t ngx_http_hpkp_clear_header(ngx_table_elt_t *h,
    ngx_http_hpkp_emission_t *emission);
static ngx_inline ngx_int_t ngx_http_hpkp_push(ngx_http_request_t *r,
    ngx_str_t *name, u_char *lowcase, ngx_http_hpkp_header_t *header);


static ngx_http_module_t  ngx_http_hpkp_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_hpkp_filter_init,             /* postconfiguration */

    NULL,                                  /* create main configuration */
    ngx_http_hpkp_filter_init_main_conf,   /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_hpkp_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_hpkp_filter_module_ctx,      /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_hpkp_stay_end,                /* init module */
    ngx_http_hpkp_drain_init,              /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
#if (nginx_version >= 1029000)
static ngx_http_output_header_filter_pt  ngx_http_next_early_hints_filter;

static ngx_int_t ngx_http_hpkp_early_hints_filter(ngx_http_request_t *r);
#endif


static ngx_str_t  ngx_http_hpkp_enforce_name = ngx_string("Public-Key-Pins");
static ngx_str_t  ngx_http_hpkp_report_only_name =
    ngx_string("Public-Key-Pins-Report-Only");


/* a load that failed has left us in the chain of a configuration without us */
static ngx_uint_t  ngx_http_hpkp_filter_passes;


static char *
ngx_http_hpkp_filter_init_main_conf(ngx_conf_t *cf, void *conf)
{
    if (ngx_http_hpkp_stay_prepare(cf) != NGX_OK
        || ngx_http_hpkp_load(cf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * Without any policy too: the chain of filters is the process's, not the
 * configuration's.  If this load fails later, workers of the old one, which
 * sends, are forked with the chain that is made here.
 */

static ngx_int_t
ngx_http_hpkp_filter_init(ngx_conf_t *cf)
{
    ngx_http_hpkp_stay_begin(cf, &ngx_http_hpkp_filter_passes);

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_hpkp_header_filter;

#if (nginx_version >= 1029000)
    ngx_http_next_early_hints_filter = ngx_http_top_early_hints_filter;
    ngx_http_top_early_hints_filter = ngx_http_hpkp_early_hints_filter;
#endif

    return NGX_OK;
}


#if (nginx_version >= 1029000)

/* an upstream's 103 goes before our header, so nothing of that name may */

static ngx_int_t
ngx_http_hpkp_early_hints_filter(ngx_http_request_t *r)
{
    ngx_http_hpkp_srv_conf_t  *hscf;

    if (ngx_http_hpkp_filter_passes) {
        return ngx_http_next_early_hints_filter(r);
    }

    hscf = ngx_http_get_module_srv_conf(r, ngx_http_hpkp_module);

    if (hscf->emission) {
        ngx_http_hpkp_clear(r, hscf->emission);
    }

    return ngx_http_next_early_hints_filter(r);
}

#endif


/*
 * The usual response, from end to end: it carries one header, the connection
 * presented the certificate that the load has checked, and nobody else has put
 * a header of our names there.  Anything else is ngx_http_hpkp_emit()'s, out
 * of line, so that the usual response saves and restores few registers.
 */

static ngx_int_t
ngx_http_hpkp_header_filter(ngx_http_request_t *r)
{
    ngx_uint_t                 i;
    ngx_list_part_t           *part;
    ngx_table_elt_t           *h;
    ngx_ssl_connection_t      *ssl;
    ngx_http_hpkp_srv_conf_t  *hscf;
    ngx_http_hpkp_emission_t  *emission;

    if (ngx_http_hpkp_filter_passes) {
        return ngx_http_next_header_filter(r);
    }

    hscf = ngx_http_get_module_srv_conf(r, ngx_http_hpkp_module);
    emission = hscf->emission;

    if (emission == NULL
        || r != r->main
        || r->http_version < NGX_HTTP_VERSION_10)
    {
        return ngx_http_next_header_filter(r);
    }

    ssl = r->connection->ssl;
    part = &r->headers_out.headers.part;

    if (emission->usual_leaf == NULL || ssl == NULL || part->next) {
        return ngx_http_hpkp_emit(r, emission);
    }

    h = part->elts;

    for (i = 0; i < part->nelts; i++) {
        if (ngx_http_hpkp_may_be_ours(&h[i])) {
            return ngx_http_hpkp_emit(r, emission);
        }
    }

    if (emission->once) {
        return ngx_http_hpkp_emit_once(r, emission);
    }

    if (SSL_get_certificate(ssl->connection) != emission->usual_leaf
        || SSL_session_reused(ssl->connection))
    {
        return ngx_http_hpkp_emit(r, emission);
    }

    if (ngx_http_hpkp_push(r, &ngx_http_hpkp_enforce_name,
                           (u_char *) "public-key-pins", emission->enforce)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


/*
 * A connection that has had its header gets no second one, whatever it
 * presented: so that is asked first, and nothing else.
 */

static NGX_HTTP_HPKP_RARE ngx_int_t
ngx_http_hpkp_emit_once(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission)
{
    if (ngx_http_hpkp_sent_to_first(r)) {
        return ngx_http_next_header_filter(r);
    }

    return ngx_http_hpkp_emit(r, emission);
}


static NGX_HTTP_HPKP_RARE ngx_int_t
ngx_http_hpkp_emit(ngx_http_request_t *r, ngx_http_hpkp_emission_t *emission)
{
    ngx_uint_t  send;

    send = ngx_http_hpkp_allowed(r, emission);

    if (send & NGX_HTTP_HPKP_ENFORCE) {
        ngx_http_hpkp_ramp_step(emission->enforce, ngx_time());
    }

    /* what is there already needs no second one */

    send &= ~ngx_http_hpkp_clear(r, emission);

    if ((send & NGX_HTTP_HPKP_ENFORCE)
        && ngx_http_hpkp_push(r, &ngx_http_hpkp_enforce_name,
                              (u_char *) "public-key-pins", emission->enforce)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((send & NGX_HTTP_HPKP_REPORT_ONLY)
        && ngx_http_hpkp_push(r, &ngx_http_hpkp_report_only_name,
                              (u_char *) "public-key-pins-report-only",
                              emission->report_only)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


/* which headers go out with this response, as a mask */

static ngx_uint_t
ngx_http_hpkp_allowed(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission)
{
    ngx_str_t   pin;
    ngx_uint_t  fit, secure;

    if (ngx_http_hpkp_drained()) {
        return 0;
    }

    if (ngx_http_hpkp_secure(r, &secure)) {
        return secure ? emission->headers : 0;
    }

    fit = ngx_http_hpkp_fit(r, emission, &pin) & emission->headers;

    if (fit && emission->once && ngx_http_hpkp_sent_before(r)) {
        return 0;
    }

    return fit;
}


ngx_uint_t
ngx_http_hpkp_secure(ngx_http_request_t *r, ngx_uint_t *secure)
{
    ngx_str_t                  value;
    ngx_http_hpkp_loc_conf_t  *hlcf;

    hlcf = ngx_http_get_module_loc_conf(r, ngx_http_hpkp_module);

    if (hlcf->secure == NULL) {
        return 0;
    }

    *secure = ngx_http_complex_value(r, hlcf->secure, &value) == NGX_OK
              && value.len != 0
              && !(value.len == 1 && value.data[0] == '0');

    return 1;
}


/* the length tells nearly all others apart */

static ngx_inline ngx_uint_t
ngx_http_hpkp_may_be_ours(ngx_table_elt_t *h)
{
    return h->key.len == sizeof("Public-Key-Pins") - 1
           || h->key.len == sizeof("Public-Key-Pins-Report-Only") - 1;
}


/*
 * Removes what an upstream or add_header has put there: clients read only the
 * first header of a kind.  Our own stays and is reported, since for some
 * answers (416) the filters run twice.
 */

static ngx_uint_t
ngx_http_hpkp_clear(ngx_http_request_t *r, ngx_http_hpkp_emission_t *emission)
{
    ngx_uint_t        i, present;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    present = 0;

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_hpkp_may_be_ours(&h[i])) {
                present |= ngx_http_hpkp_clear_header(&h[i], emission);
            }
        }
    }

    return present;
}


static ngx_uint_t
ngx_http_hpkp_clear_header(ngx_table_elt_t *h,
    ngx_http_hpkp_emission_t *emission)
{
    ngx_str_t               *name;
    ngx_uint_t               kind;
    ngx_http_hpkp_header_t  *own;

    if (h->key.len == ngx_http_hpkp_enforce_name.len) {
        name = &ngx_http_hpkp_enforce_name;
        own = emission->enforce;
        kind = NGX_HTTP_HPKP_ENFORCE;

    } else {
        name = &ngx_http_hpkp_report_only_name;
        own = emission->report_only;
        kind = NGX_HTTP_HPKP_REPORT_ONLY;
    }

    if (h->hash == 0
        || ngx_strncasecmp(h->key.data, name->data, name->len) != 0)
    {
        return 0;
    }

    if (own && h->value.data == own->value.data) {
        return kind;
    }

    h->hash = 0;

    return 0;
}


static ngx_inline ngx_int_t
ngx_http_hpkp_push(ngx_http_request_t *r, ngx_str_t *name, u_char *lowcase,
    ngx_http_hpkp_header_t *header)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key = *name;
    h->value = header->value;
    h->lowcase_key = lowcase;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}
