/*
 * The values of a ramp.  A worker goes on to the next one by the clock and
 * tells nobody but the master, in the memory that they share: should the clock
 * have been ahead, and be right again by the next load, the ledger learns then
 * what clients were sent meanwhile.
 */

#include "ngx_http_hpkp.h"


time_t
ngx_http_hpkp_ramp_reached(time_t now)
{
    time_t  reached;

    if (ngx_http_hpkp_shared == NULL) {
        return 0;
    }

    reached = (time_t) ngx_http_hpkp_shared->reached;

    return (reached > now) ? reached : 0;
}


void
ngx_http_hpkp_ramp_told(time_t reached)
{
    if (reached) {
        (void) ngx_atomic_cmp_set(&ngx_http_hpkp_shared->reached,
                                  (ngx_atomic_uint_t) reached, 0);
    }
}


void
ngx_http_hpkp_ramp_note(time_t from)
{
    ngx_atomic_uint_t  reached;

    if (ngx_http_hpkp_shared == NULL) {
        return;
    }

    do {
        reached = ngx_http_hpkp_shared->reached;

        if (from <= (time_t) reached) {
            return;
        }

    } while (!ngx_atomic_cmp_set(&ngx_http_hpkp_shared->reached, reached,
                                 (ngx_atomic_uint_t) from));
}


/* at run time the header is this worker's own copy */

NGX_HTTP_HPKP_RARE void
ngx_http_hpkp_ramp_step(ngx_http_hpkp_header_t *header, time_t now)
{
    /* one compare for both ends of its time: the clock may go back, too */

    if ((ngx_uint_t) (now - header->from) < header->span) {
        return;
    }

    now = ngx_http_hpkp_ramp_set(header, now);

    if (header->ramp) {
        ngx_http_hpkp_ramp_note(now);
    }
}


/* of a load nothing is noted yet: nginx may not take it */

time_t
ngx_http_hpkp_ramp_set(ngx_http_hpkp_header_t *header, time_t now)
{
    time_t      end;
    ngx_uint_t  i;

    for (i = 0; i + 1 < header->nvalues; i++) {
        if (now < header->values[i + 1].from) {
            break;
        }
    }

    /* the first is for all the time before, the last for all after */

    header->value = header->values[i].text;
    header->from = (i == 0) ? 0 : header->values[i].from;
    end = (i + 1 < header->nvalues) ? header->values[i + 1].from
                                    : (time_t) NGX_MAX_TIME_T_VALUE;
    header->span = end - header->from;

    return header->values[i].from;
}
