/*
 * One configuration load.
 *
 * It runs in init_main_conf of the second module of this library: every
 * SSL_CTX is there by then and the first module's configuration is merged, but
 * postconfiguration has not begun to rebuild the filter chain, so a refusal
 * here leaves a running nginx whole.
 */

#include "ngx_http_hpkp.h"


static ngx_uint_t ngx_http_hpkp_signalling(void);
static ngx_uint_t ngx_http_hpkp_used(ngx_conf_t *cf);
static ngx_int_t ngx_http_hpkp_take_emissions(ngx_conf_t *cf,
    hpkp_session_t *session);
static ngx_int_t ngx_http_hpkp_take_header(ngx_conf_t *cf,
    const hpkp_header_t *from, ngx_http_hpkp_header_t *to);
static ngx_http_hpkp_emission_t *ngx_http_hpkp_take_emission(ngx_conf_t *cf,
    const hpkp_emission_t *from, ngx_http_hpkp_header_t *headers);
static ngx_int_t ngx_http_hpkp_copy_label(ngx_pool_t *pool, ngx_str_t *to,
    ngx_http_hpkp_header_t *header, hpkp_str_t from);
static ngx_int_t ngx_http_hpkp_copy(ngx_pool_t *pool, ngx_str_t *to,
    hpkp_str_t from);


ngx_int_t
ngx_http_hpkp_load(ngx_conf_t *cf)
{
    ngx_int_t                   rc;
    hpkp_server_t              *servers;
    hpkp_options_t              options;
    hpkp_session_t             *session;
    ngx_http_core_main_conf_t  *cmcf;
    ngx_http_hpkp_main_conf_t  *hmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    hmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_hpkp_module);

    /* clients may remember what this configuration says nothing of */

    if (ngx_http_hpkp_signalling()
        || (!ngx_http_hpkp_used(cf) && !ngx_http_hpkp_ledger_exists(hmcf)))
    {
        return NGX_OK;
    }

    servers = ngx_http_hpkp_gather(cf);
    if (servers == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&options, sizeof(hpkp_options_t));

    options.now = hmcf->loaded = ngx_time();
    options.strict = hmcf->strict;

    if (ngx_http_hpkp_ledger_options(cf, &options) != NGX_OK) {
        return NGX_ERROR;
    }

    session = hpkp_session_run(servers, cmcf->servers.nelts, &options);
    if (session == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "hpkp: out of memory");
        return NGX_ERROR;
    }

    ngx_http_hpkp_ledger_written(cf, hpkp_session_load(session));

    ngx_http_hpkp_log_lines(cf, session);

    switch (hpkp_session_status(session)) {

    case HPKP_ACCEPTED:
        rc = ngx_http_hpkp_take_emissions(cf, session);
        break;

    case HPKP_REFUSED:
        rc = NGX_ERROR;
        break;

    default: /* HPKP_FAILED */
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "hpkp: %s",
                      hpkp_session_failure(session));
        rc = NGX_ERROR;
        break;
    }

    if (rc != NGX_OK || ngx_http_hpkp_keep_proofs(cf, session) != NGX_OK) {
        hpkp_session_free(session);
    }

    return rc;
}


/*
 * "nginx -s stop|quit|reopen" parses the configuration too.  Refusing there
 * would leave a server that cannot be stopped, so only "reload" is judged.
 * The walk is that of ngx_get_options(), which keeps the signal to itself.
 */

static ngx_uint_t
ngx_http_hpkp_signalling(void)
{
    u_char      *p, *value;
    ngx_int_t    i;
    ngx_uint_t   signalling;

    if (ngx_process != NGX_PROCESS_SIGNALLER) {
        return 0;
    }

    /* of several the last counts */

    signalling = 0;

    for (i = 1; i < ngx_argc; i++) {

        p = (u_char *) ngx_argv[i];

        if (*p++ != '-') {
            continue;
        }

        while (*p) {
            switch (*p++) {

            case 's':
                value = *p ? p : (u_char *) ngx_argv[++i];
                signalling = value == NULL
                             || ngx_strcmp(value, "reload") != 0;

                p = (u_char *) "";
                break;

            case 'p':
            case 'e':
            case 'c':
            case 'g':
                if (*p == '\0') {
                    i++;
                }

                p = (u_char *) "";
                break;
            }
        }
    }

    return signalling;
}


/* a module that is loaded and not used has nothing to check: it cannot fail */

static ngx_uint_t
ngx_http_hpkp_used(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_hpkp_srv_conf_t    *hscf;
    ngx_http_core_srv_conf_t   **cscfp;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        hscf = cscfp[i]->ctx->srv_conf[ngx_http_hpkp_module.ctx_index];

        if (hscf->policies) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_hpkp_take_emissions(ngx_conf_t *cf, hpkp_session_t *session)
{
    size_t                       i, n;
    const hpkp_emission_t       *emission;
    ngx_http_hpkp_header_t      *headers;
    ngx_http_hpkp_srv_conf_t    *hscf;
    ngx_http_core_srv_conf_t   **cscfp;
    ngx_http_hpkp_main_conf_t   *hmcf;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    hmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_hpkp_module);

    n = hpkp_session_headers(session);

    headers = ngx_pcalloc(cf->pool, (n + 1) * sizeof(ngx_http_hpkp_header_t));
    if (headers == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        if (ngx_http_hpkp_take_header(cf, hpkp_session_header(session, i),
                                      &headers[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        hmcf->ramps |= headers[i].ramp;
    }

    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        emission = hpkp_session_emission(session, i);

        if (!emission->has_policy) {
            continue;
        }

        hscf = cscfp[i]->ctx->srv_conf[ngx_http_hpkp_module.ctx_index];

        hscf->emission = ngx_http_hpkp_take_emission(cf, emission, headers);
        if (hscf->emission == NULL) {
            return NGX_ERROR;
        }

        hscf->emission->once =
                           (hscf->emit == NGX_HTTP_HPKP_ONCE_PER_CONNECTION);

        if (hscf->emission->nleaves
            && hscf->emission->headers == NGX_HTTP_HPKP_ENFORCE
            && hscf->emission->enforce->nvalues == 1
            && !hscf->secure)
        {
            hscf->emission->usual_leaf = hscf->emission->leaves[0].x509;
        }

        hmcf->emits = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_hpkp_take_header(ngx_conf_t *cf, const hpkp_header_t *from,
    ngx_http_hpkp_header_t *to)
{
    size_t  i;

    to->nvalues = from->values_n;
    to->values = ngx_palloc(cf->pool,
                            from->values_n * sizeof(ngx_http_hpkp_value_t));
    if (to->values == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < from->values_n; i++) {
        to->values[i].from = from->values[i].from;

        if (ngx_http_hpkp_copy(cf->pool, &to->values[i].text,
                               from->values[i].text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    to->ramp = from->ramp;
    (void) ngx_http_hpkp_ramp_set(to, ngx_time());

    to->npins = from->pins_n;
    to->pins = ngx_palloc(cf->pool, from->pins_n * 32);
    to->labels = ngx_palloc(cf->pool, from->pins_n * sizeof(ngx_str_t));

    if (to->pins == NULL || to->labels == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->pins, from->pins, from->pins_n * 32);

    for (i = 0; i < from->pins_n; i++) {
        if (ngx_http_hpkp_copy_label(cf->pool, &to->labels[i], to,
                                     from->labels[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * A pin without a name is called by its base64, which stands in the header's
 * text: with thousands of headers a second copy would be felt.
 */

static ngx_int_t
ngx_http_hpkp_copy_label(ngx_pool_t *pool, ngx_str_t *to,
    ngx_http_hpkp_header_t *header, hpkp_str_t from)
{
    u_char  *p;

    if (header && header->nvalues && from.len == 44) {
        p = ngx_strstrn(header->values[0].text.data, (char *) from.data,
                        44 - 1);

        if (p) {
            to->data = p;
            to->len = 44;
            return NGX_OK;
        }
    }

    return ngx_http_hpkp_copy(pool, to, from);
}


static ngx_http_hpkp_emission_t *
ngx_http_hpkp_take_emission(ngx_conf_t *cf, const hpkp_emission_t *from,
    ngx_http_hpkp_header_t *headers)
{
    size_t                     i;
    ngx_http_hpkp_emission_t  *to;

    to = ngx_pcalloc(cf->pool, sizeof(ngx_http_hpkp_emission_t));
    if (to == NULL) {
        return NULL;
    }

    if (ngx_http_hpkp_copy(cf->pool, &to->policy, from->policy) != NGX_OK
        || ngx_http_hpkp_copy(cf->pool, &to->mode, from->mode) != NGX_OK)
    {
        return NULL;
    }

    if (from->enforce != HPKP_NONE) {
        to->enforce = &headers[from->enforce];
        to->headers |= NGX_HTTP_HPKP_ENFORCE;
    }

    if (from->report_only != HPKP_NONE) {
        to->report_only = &headers[from->report_only];
        to->headers |= NGX_HTTP_HPKP_REPORT_ONLY;
    }

    to->nleaves = from->leaves_n;
    to->leaves = ngx_palloc(cf->pool,
                            from->leaves_n * sizeof(ngx_http_hpkp_leaf_t));
    if (to->leaves == NULL) {
        return NULL;
    }

    for (i = 0; i < from->leaves_n; i++) {
        to->leaves[i].x509 = from->leaves[i].x509;
        ngx_memcpy(to->leaves[i].fingerprint, from->leaves[i].fingerprint, 32);

        if (ngx_http_hpkp_copy_label(cf->pool, &to->leaves[i].pin,
                                     to->enforce ? to->enforce
                                                 : to->report_only,
                                     from->leaves[i].pin)
            != NGX_OK)
        {
            return NULL;
        }
    }

    return to;
}


static ngx_int_t
ngx_http_hpkp_copy(ngx_pool_t *pool, ngx_str_t *to, hpkp_str_t from)
{
    to->len = from.len;
    to->data = ngx_pnalloc(pool, from.len + 1);

    if (to->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->data, from.data, from.len);
    to->data[from.len] = '\0';

    return NGX_OK;
}
