/*
 * What a load says: its findings at once, what it proved once nginx has taken
 * it, a line a server at level info.
 */

#include "ngx_http_hpkp.h"


static void ngx_http_hpkp_drop_proofs(void *data);


void
ngx_http_hpkp_log_lines(ngx_conf_t *cf, hpkp_session_t *session)
{
    size_t       i;
    ngx_uint_t   level;
    hpkp_line_t  line;

    for (i = 0; i < hpkp_session_lines(session); i++) {
        line = hpkp_session_line(session, i);

        level = (line.severity == HPKP_ERROR)   ? NGX_LOG_EMERG
              : (line.severity == HPKP_WARNING) ? NGX_LOG_WARN
                                                : NGX_LOG_NOTICE;

        ngx_log_error(level, cf->log, 0, "hpkp: %*s",
                      line.text.len, line.text.data);
    }
}


/*
 * What was proved is said once nginx has taken the load: now, its new log is
 * not open yet.  Without memory to keep the session nothing is said.
 */

ngx_int_t
ngx_http_hpkp_keep_proofs(ngx_conf_t *cf, hpkp_session_t *session)
{
    ngx_pool_cleanup_t         *cln;
    ngx_http_hpkp_main_conf_t  *hmcf;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    hmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_hpkp_module);

    hmcf->session = session;
    cln->handler = ngx_http_hpkp_drop_proofs;
    cln->data = hmcf;

    return NGX_OK;
}


static void
ngx_http_hpkp_drop_proofs(void *data)
{
    ngx_http_hpkp_main_conf_t  *hmcf = data;

    hpkp_session_free(hmcf->session);
    hmcf->session = NULL;
}


void
ngx_http_hpkp_log_proofs(ngx_cycle_t *cycle, ngx_http_hpkp_main_conf_t *hmcf)
{
    size_t      i;
    hpkp_str_t  text;

    if (hmcf->session == NULL) {
        return;
    }

    for (i = 0; i < hpkp_session_proofs(hmcf->session); i++) {
        text = hpkp_session_proof(hmcf->session, i);

        ngx_log_error(NGX_LOG_INFO, cycle->log, 0, "hpkp: %*s",
                      text.len, text.data);
    }

    ngx_http_hpkp_drop_proofs(hmcf);
}
