/*
 * When the ledger is written: a load opens entries before any worker can send
 * them (ngx_http_hpkp_load.c); here they are settled once nginx has taken the
 * load, withdrawn if it has not, and closed when nginx stops.  Nothing here
 * can fail a load: what is not written stays open in the ledger, as if sent.
 */

#include "ngx_http_hpkp.h"


static void ngx_http_hpkp_withdraw(void *data);
static void ngx_http_hpkp_at_exit(void);
static ngx_uint_t ngx_http_hpkp_older_master(void);
static ngx_uint_t ngx_http_hpkp_goes_on(ngx_conf_t *cf);
static ngx_http_hpkp_main_conf_t *ngx_http_hpkp_cycle_conf(ngx_cycle_t *cycle);


/* until something was sent: the first load of this process, and its pid */

static ngx_http_hpkp_main_conf_t  *ngx_http_hpkp_unsent;
static ngx_pid_t                   ngx_http_hpkp_loader;


ngx_int_t
ngx_http_hpkp_ledger_options(ngx_conf_t *cf, hpkp_options_t *options)
{
    ngx_http_hpkp_main_conf_t  *hmcf;

    hmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_hpkp_module);

    /* without a pool's memory a load could not be withdrawn: ask for it now */

    hmcf->cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    if (hmcf->cleanup == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_hpkp_shared_init(cf->log) != NGX_OK) {
        return NGX_ERROR;
    }

    hmcf->reached = ngx_http_hpkp_ramp_reached(options->now);

    if (hmcf->ledger.len) {
        options->ledger = ngx_http_hpkp_str(&hmcf->ledger);
    }

    options->conf_file = ngx_http_hpkp_str(&cf->cycle->conf_file);
    options->prefix = ngx_http_hpkp_str(&cf->cycle->prefix);
    options->lockout_warns = (hmcf->lockout == NGX_HTTP_HPKP_LOCKOUT_WARN);
    options->writes = !ngx_test_config && ngx_process != NGX_PROCESS_SIGNALLER;
    options->may_close = !ngx_http_hpkp_older_master()
                         && !ngx_http_hpkp_goes_on(cf);
    options->reached = hmcf->reached;

    return NGX_OK;
}


/*
 * Under "master_process off" the process that reloads goes on answering by the
 * old configuration, for as long as the connections live.
 */

static ngx_uint_t
ngx_http_hpkp_goes_on(ngx_conf_t *cf)
{
    return ngx_process == NGX_PROCESS_SINGLE
           && !ngx_is_init_cycle(cf->cycle->old_cycle);
}


ngx_uint_t
ngx_http_hpkp_ledger_exists(ngx_http_hpkp_main_conf_t *hmcf)
{
    ngx_file_info_t  fi;

    return hmcf->ledger.len
           && (ngx_file_info(hmcf->ledger.data, &fi) != NGX_FILE_ERROR
               || ngx_errno != NGX_ENOENT);
}


void
ngx_http_hpkp_ledger_written(ngx_conf_t *cf, const char *load)
{
    ngx_http_hpkp_main_conf_t  *hmcf;

    hmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_hpkp_module);

    ngx_memcpy(hmcf->load, load, HPKP_LOAD_ID);

    if (hmcf->load[0]) {
        hmcf->cleanup->handler = ngx_http_hpkp_withdraw;
        hmcf->cleanup->data = hmcf;
    }
}


/* the pool of a load that failed after ours goes: nothing of it was sent */

static void
ngx_http_hpkp_withdraw(void *data)
{
    ngx_http_hpkp_main_conf_t  *hmcf = data;

    char  failure[256];

    if (hmcf->settled || !ngx_http_hpkp_ledger_exists(hmcf)) {
        return;
    }

    hmcf->settled = 1;

    if (!hpkp_ledger_withdraw(ngx_http_hpkp_str(&hmcf->ledger), hmcf->load,
                              time(NULL), failure))
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "hpkp: what this load would have sent stays open in the "
                      "ledger: %s", failure);
    }
}


/* the last step of a load that nginx has taken; its workers are yet to come */

ngx_int_t
ngx_http_hpkp_init_module(ngx_cycle_t *cycle)
{
    char                        failure[256];
    ngx_uint_t                  written;
    ngx_http_hpkp_main_conf_t  *hmcf;

    hmcf = ngx_http_hpkp_cycle_conf(cycle);

    /* a reload: there have been workers */

    if (ngx_http_hpkp_loader) {
        ngx_http_hpkp_unsent = NULL;
    }

    if (hmcf == NULL) {
        return NGX_OK;
    }

    ngx_http_hpkp_log_proofs(cycle, hmcf);

    written = (hmcf->load[0] != '\0' && !hmcf->settled);

    if (written) {
        hmcf->settled = 1;
        ngx_http_hpkp_ramp_told(hmcf->reached);
    }

    /* after that: it is news, and where nothing was written nobody knows it */

    if (hmcf->ramps) {
        ngx_http_hpkp_ramp_note(hmcf->loaded);
    }

    if (!written) {
        return NGX_OK;
    }

    /* a first start may still fail: to write its pid file, say */

    if (ngx_http_hpkp_loader == 0) {
        ngx_http_hpkp_loader = ngx_getpid();
        ngx_http_hpkp_unsent = hmcf;
        (void) atexit(ngx_http_hpkp_at_exit);
    }

    /* nginx has not looked at the clock since the load began */

    if (!hpkp_ledger_settle(ngx_http_hpkp_str(&hmcf->ledger), hmcf->load,
                            time(NULL), failure))
    {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "hpkp: what is no longer sent stays open in the ledger "
                      "until the next load: %s", failure);
    }

    return NGX_OK;
}


/* what this process loaded is sent from now on, if by a worker of its own */

ngx_int_t
ngx_http_hpkp_init_process(ngx_cycle_t *cycle)
{
    ngx_http_hpkp_unsent = NULL;

    return NGX_OK;
}


/*
 * A master that ends without ever having had a worker sent nothing.  The
 * process that a daemon was forked from ends here too, and is none.  A master
 * that stops has said so in exit_master before, and its configuration is gone.
 */

static void
ngx_http_hpkp_at_exit(void)
{
    int               status;
    ngx_core_conf_t  *ccf;

    /* a worker that fails before its init_process; others may serve */

    if (ngx_process == NGX_PROCESS_WORKER
        || ngx_process == NGX_PROCESS_HELPER)
    {
        return;
    }

    if (ngx_http_hpkp_unsent == NULL
        || ngx_last_process != 0
        || ngx_cycle->conf_ctx == NULL)
    {
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    /* which has a child; a start that failed before that has none */

    if (ccf->daemon && !ngx_inherited
        && ngx_getpid() == ngx_http_hpkp_loader
        && (waitpid(-1, &status, WNOHANG) != -1 || ngx_errno != NGX_ECHILD))
    {
        return;
    }

    ngx_http_hpkp_unsent->settled = 0;
    ngx_http_hpkp_withdraw(ngx_http_hpkp_unsent);
}


/* a clean stop: all workers are gone */

void
ngx_http_hpkp_exit_master(ngx_cycle_t *cycle)
{
    char                        failure[256];
    time_t                      now;
    ngx_http_hpkp_main_conf_t  *hmcf;

    ngx_http_hpkp_unsent = NULL;

    hmcf = ngx_http_hpkp_cycle_conf(cycle);

    /* another master of this nginx goes on: the newer one, or the older */

    if (hmcf == NULL
        || hmcf->load[0] == '\0'
        || ngx_new_binary
        || ngx_http_hpkp_older_master()
        || !ngx_http_hpkp_ledger_exists(hmcf))
    {
        return;
    }

    now = time(NULL);

    if (!hpkp_ledger_close(ngx_http_hpkp_str(&hmcf->ledger), hmcf->load, now,
                           ngx_http_hpkp_ramp_reached(now), failure))
    {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "hpkp: what was sent stays open in the ledger: %s",
                      failure);
    }
}


/* nginx's own test: the master that was upgraded still runs */

static ngx_uint_t
ngx_http_hpkp_older_master(void)
{
    return ngx_inherited && ngx_getppid() == ngx_parent;
}


static ngx_http_hpkp_main_conf_t *
ngx_http_hpkp_cycle_conf(ngx_cycle_t *cycle)
{
    return ngx_http_cycle_get_module_main_conf(cycle, ngx_http_hpkp_module);
}
