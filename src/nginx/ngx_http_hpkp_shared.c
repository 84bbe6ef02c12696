/*
 * What the workers of a master and the master itself share: a page for the
 * life of the process, since draining workers write to it after the
 * configuration that they serve has gone.
 */

#include "ngx_http_hpkp.h"


ngx_http_hpkp_shared_t  *ngx_http_hpkp_shared;


ngx_int_t
ngx_http_hpkp_shared_init(ngx_log_t *log)
{
    ngx_shm_t  shm;

    if (ngx_http_hpkp_shared) {
        return NGX_OK;
    }

    ngx_memzero(&shm, sizeof(ngx_shm_t));

    shm.size = sizeof(ngx_http_hpkp_shared_t);
    shm.log = log;
    ngx_str_set(&shm.name, "hpkp_shared");

    if (ngx_shm_alloc(&shm) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_hpkp_shared = (ngx_http_hpkp_shared_t *) shm.addr;

    return NGX_OK;
}
