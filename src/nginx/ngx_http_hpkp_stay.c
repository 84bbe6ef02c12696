/*
 * A load with us that fails after its filters were set.
 *
 * nginx goes on with the old configuration, and unloads the modules of the new
 * one.  But the chain of filters is the process's: if the old configuration
 * is one without us, its next workers would call what is no longer there.  So
 * we stay in memory, and do nothing.
 */

#include "ngx_http_hpkp.h"

#include <dlfcn.h>


static void ngx_http_hpkp_stay(void *data);


/* the load under way, what is called if it fails, and whom to tell */

static ngx_cycle_t         *ngx_http_hpkp_stay_cycle;
static ngx_pool_cleanup_t  *ngx_http_hpkp_stay_cleanup;
static ngx_uint_t          *ngx_http_hpkp_stay_passes;


/* what may fail, before anything is set */

ngx_int_t
ngx_http_hpkp_stay_prepare(ngx_conf_t *cf)
{
    ngx_http_hpkp_stay_cleanup = ngx_pool_cleanup_add(cf->cycle->pool, 0);

    return ngx_http_hpkp_stay_cleanup ? NGX_OK : NGX_ERROR;
}


/* the filters are being set: *passes is 0, and 1 once they must do nothing */

void
ngx_http_hpkp_stay_begin(ngx_conf_t *cf, ngx_uint_t *passes)
{
    ngx_http_hpkp_stay_cycle = cf->cycle;
    ngx_http_hpkp_stay_passes = passes;
    *passes = 0;

    ngx_http_hpkp_stay_cleanup->handler = ngx_http_hpkp_stay;
    ngx_http_hpkp_stay_cleanup->data = cf->cycle;
}


/* init_module: nginx has taken the load */

ngx_int_t
ngx_http_hpkp_stay_end(ngx_cycle_t *cycle)
{
    ngx_http_hpkp_stay_cycle = NULL;

    return NGX_OK;
}


/* the pool of a configuration goes, before nginx unloads its modules */

static void
ngx_http_hpkp_stay(void *data)
{
    Dl_info     info;
    ngx_uint_t  i;

    if (data != ngx_http_hpkp_stay_cycle) {
        return;
    }

    ngx_http_hpkp_stay_cycle = NULL;

    for (i = 0; ngx_cycle->modules && ngx_cycle->modules[i]; i++) {
        if (ngx_cycle->modules[i] == &ngx_http_hpkp_filter_module) {
            return;
        }
    }

    *ngx_http_hpkp_stay_passes = 1;

    if (dladdr(&ngx_http_hpkp_filter_module, &info) != 0) {
        (void) dlopen(info.dli_fname, RTLD_NOW|RTLD_NOLOAD|RTLD_NODELETE);
    }
}
