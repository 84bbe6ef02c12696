/*
 * Until when an old worker sends.
 *
 * After a reload it goes on with the configuration that it has, for as long as
 * somebody is still being answered: hours, for a download or an upstream that
 * takes its time.  The ledger counts with kDrainSeconds of it
 * (src/core/ledger/entry.hpp).  So a worker stops a little before: its answers
 * then have no header of ours, and no client misses anything by that.
 *
 * Those who are answered by a worker that serves do not pay for it.  A timer
 * looks whether it is to end, and sends all its answers the long way then; what
 * goes out until it looks is of the first seconds.
 */

#include "ngx_http_hpkp.h"


/*
 * Seconds, and less than kDrainSeconds, which count from the load: the master
 * begins to tell old workers of it a moment later.
 */
#define NGX_HTTP_HPKP_DRAIN   290

#define NGX_HTTP_HPKP_PERIOD  5000


static void ngx_http_hpkp_drain_look(ngx_event_t *ev);
static void ngx_http_hpkp_drain_begin(void);


/* when this worker was last seen to serve: one clock may be set, one is not */

static time_t            ngx_http_hpkp_served;
static ngx_msec_t        ngx_http_hpkp_served_msec;

static ngx_uint_t        ngx_http_hpkp_orphaned;

static ngx_event_t       ngx_http_hpkp_drain_event;
static ngx_connection_t  ngx_http_hpkp_drain_connection;


ngx_int_t
ngx_http_hpkp_drain_init(ngx_cycle_t *cycle)
{
    ngx_event_t                *ev;
    ngx_http_hpkp_main_conf_t  *hmcf;

    hmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_hpkp_module);

    /* the only process of "master_process off" has no successor */

    if (hmcf == NULL || !hmcf->emits || ngx_process != NGX_PROCESS_WORKER) {
        return NGX_OK;
    }

    /* a debug log asks for a descriptor */

    ngx_http_hpkp_drain_connection.fd = (ngx_socket_t) -1;

    ev = &ngx_http_hpkp_drain_event;

    ev->handler = ngx_http_hpkp_drain_look;
    ev->data = &ngx_http_hpkp_drain_connection;
    ev->log = cycle->log;

    /* an old worker that has answered everybody does not wait for it */

    ev->cancelable = 1;

    ngx_http_hpkp_drain_look(ev);

    return NGX_OK;
}


static void
ngx_http_hpkp_drain_look(ngx_event_t *ev)
{
    /* a master that was killed leaves its workers, which nobody will end */

    ngx_http_hpkp_orphaned = (ngx_getppid() != ngx_parent);

    if (ngx_quit || ngx_exiting || ngx_http_hpkp_orphaned) {
        ngx_http_hpkp_drain_begin();
        return;
    }

    ngx_http_hpkp_served = ngx_time();
    ngx_http_hpkp_served_msec = ngx_current_msec;

    ngx_add_timer(ev, NGX_HTTP_HPKP_PERIOD);
}


/* what is written to is this worker's own copy */

static void
ngx_http_hpkp_drain_begin(void)
{
    ngx_uint_t                   i;
    ngx_http_hpkp_srv_conf_t    *hscf;
    ngx_http_core_srv_conf_t   **cscfp;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        hscf = cscfp[i]->ctx->srv_conf[ngx_http_hpkp_module.ctx_index];

        if (hscf->emission) {
            hscf->emission->usual_leaf = NULL;
        }
    }
}


/*
 * Counted from when it was last seen to serve, which was before the load that
 * ended it, or a moment after, and by the clock that goes faster.  By one that
 * was set back nothing can be told.
 */

ngx_uint_t
ngx_http_hpkp_drained(void)
{
    time_t  now;

    if (!ngx_exiting && !ngx_http_hpkp_orphaned) {
        return 0;
    }

    now = ngx_time();

    return now < ngx_http_hpkp_served
           || now - ngx_http_hpkp_served > NGX_HTTP_HPKP_DRAIN
           || ngx_current_msec - ngx_http_hpkp_served_msec
              > NGX_HTTP_HPKP_DRAIN * 1000;
}
