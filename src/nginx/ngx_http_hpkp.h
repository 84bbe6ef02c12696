/*
 * What the parts of the shim share.
 *
 *   ngx_http_hpkp_module.c     directives and their merging
 *   ngx_http_hpkp_load.c       a load: judged, its headers to the pool
 *   ngx_http_hpkp_log.c        what a load says
 *   ngx_http_hpkp_gather.c     the facts that a load is judged by
 *   ngx_http_hpkp_ledger.c     what the ledger is told after a load
 *   ngx_http_hpkp_filter.c     the header filter
 *   ngx_http_hpkp_ramp.c       which value of a ramp is in force
 *   ngx_http_hpkp_drain.c      until when an old worker sends
 *   ngx_http_hpkp_stay.c       a load that fails after its filters were set
 *   ngx_http_hpkp_fit.c        whether a header may go out on this connection
 *   ngx_http_hpkp_connection.c what is remembered of a connection
 *   ngx_http_hpkp_variables.c  $hpkp_policy, $hpkp_mode, $hpkp_pin
 */

#ifndef _NGX_HTTP_HPKP_H_INCLUDED_
#define _NGX_HTTP_HPKP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <hpkp.h>


#define NGX_HTTP_HPKP_EVERY_RESPONSE       0
#define NGX_HTTP_HPKP_ONCE_PER_CONNECTION  1

#define NGX_HTTP_HPKP_LOCKOUT_REFUSE       0
#define NGX_HTTP_HPKP_LOCKOUT_WARN         1

/*
 * For what a response rarely needs: inlined, its registers would be saved and
 * restored with every response that does not.
 */
#define NGX_HTTP_HPKP_RARE                 __attribute__((noinline))

/* what may go out */
#define NGX_HTTP_HPKP_ENFORCE              0x01
#define NGX_HTTP_HPKP_REPORT_ONLY          0x02
#define NGX_HTTP_HPKP_BOTH                 0x03


/* what a header says from some second on */

typedef struct {
    time_t                      from;
    ngx_str_t                   text;
} ngx_http_hpkp_value_t;


/* a rendered header; one for all the servers that send it */

typedef struct {
    /* the value in force, and for which seconds it is */
    ngx_str_t                   value;
    time_t                      from;
    ngx_uint_t                  span;

    ngx_http_hpkp_value_t      *values;       /* that one, then a ramp's next */
    ngx_uint_t                  nvalues;
    ngx_uint_t                  ramp;         /* even if its end is in force */

    u_char                    (*pins)[32];
    ngx_str_t                  *labels;       /* of the pins */
    ngx_uint_t                  npins;
} ngx_http_hpkp_header_t;


/* a certificate that the load has checked for the server's policies */

typedef struct {
    /*
     * Compared and nothing else.  It belongs to an SSL_CTX of the same cycle,
     * so no other certificate can have this address while the cycle serves.
     */
    const X509                 *x509;
    u_char                      fingerprint[32];
    ngx_str_t                   pin;          /* label of the pin it matches */
} ngx_http_hpkp_leaf_t;


/* what a server sends */

typedef struct {
    ngx_str_t                   policy;
    ngx_str_t                   mode;
    ngx_uint_t                  headers;      /* a mask of what there is */
    ngx_http_hpkp_header_t     *enforce;      /* NULL: none */
    ngx_http_hpkp_header_t     *report_only;
    ngx_http_hpkp_leaf_t       *leaves;
    ngx_uint_t                  nleaves;

    /*
     * The usual case, decided at load: a response on a connection that
     * presented this leaf may carry the one header there is.  NULL where there
     * is another number of them, the header is a ramp's, hpkp_secure has to be
     * asked, or this worker is an old one.
     */
    const X509                 *usual_leaf;
    ngx_uint_t                  once;         /* a connection and host */
} ngx_http_hpkp_emission_t;


#define NGX_HTTP_HPKP_HOSTS                8

/* what a connection knows, found among the cleanups of its pool */

typedef struct {
    ngx_pool_t                 *pool;

    /* the last judgement */
    X509                       *leaf;
    ngx_http_hpkp_emission_t   *emission;
    ngx_uint_t                  fit;
    ngx_str_t                   pin;

    /* hosts that have had their header */
    ngx_uint_t                  nhosts;
    ngx_str_t                   hosts[NGX_HTTP_HPKP_HOSTS];
} ngx_http_hpkp_connection_t;


typedef struct ngx_http_hpkp_cache_s  ngx_http_hpkp_cache_t;


/* what the workers of a master share */

typedef struct {

    /*
     * the latest time by which a worker chose a value of a ramp, since the
     * ledger was last told
     */
    ngx_atomic_t                reached;

    /* when the log last said that no header was sent */
    ngx_atomic_t                logged;
} ngx_http_hpkp_shared_t;


typedef struct {
    ngx_flag_t                  strict;
    ngx_str_t                   ledger;       /* len 0: off */
    ngx_uint_t                  lockout;
    ngx_uint_t                  emits;        /* some server has a policy */
    ngx_uint_t                  ramps;        /* some header is a ramp's */
    time_t                      loaded;       /* by the clock of that time */

    /* the load, as the ledger knows it */
    char                        load[HPKP_LOAD_ID];
    ngx_uint_t                  settled;
    time_t                      reached;      /* what it told of ramps */
    ngx_pool_cleanup_t         *cleanup;

    hpkp_session_t             *session;      /* until its proofs are logged */

    /* a worker's own */
    ngx_http_hpkp_cache_t      *cache;
} ngx_http_hpkp_main_conf_t;


typedef struct {
    ngx_str_t                   file;
    ngx_str_t                   name;         /* data is NULL: none given */
} ngx_http_hpkp_policy_t;


typedef struct {
    ngx_array_t                *policies;       /* ngx_http_hpkp_policy_t */
    ngx_array_t                *served_chains;  /* ngx_str_t */
    ngx_uint_t                  emit;
    ngx_uint_t                  own_policies;   /* unsigned own_policies:1 */
    ngx_uint_t                  secure;         /* hpkp_secure holds in it */
    ngx_uint_t                  own_secure;     /* and stands in this block */

    /* set by ngx_http_hpkp_load() */
    ngx_uint_t                  index;
    ngx_http_hpkp_emission_t   *emission;       /* NULL: no policy here */
} ngx_http_hpkp_srv_conf_t;


typedef struct {
    ngx_http_complex_value_t   *secure;
} ngx_http_hpkp_loc_conf_t;


/* a string of nginx's as the core takes it */

static ngx_inline hpkp_str_t
ngx_http_hpkp_str(ngx_str_t *s)
{
    hpkp_str_t  str;

    str.data = (char *) s->data;
    str.len = s->len;

    return str;
}


/* all servers, in nginx's order, in cf->temp_pool; NULL: no memory */
hpkp_server_t *ngx_http_hpkp_gather(ngx_conf_t *cf);

/*
 * Reads, checks and renders; what it finds goes to cf->log.  NGX_ERROR if the
 * configuration is refused.
 */
ngx_int_t ngx_http_hpkp_load(ngx_conf_t *cf);

/*
 * Which headers the certificate of this connection fits, as a mask, and the
 * label of the pin that its chain matches.
 */
ngx_uint_t ngx_http_hpkp_fit(ngx_http_request_t *r,
    ngx_http_hpkp_emission_t *emission, ngx_str_t *pin);

/* NULL: no memory */
ngx_http_hpkp_connection_t *ngx_http_hpkp_connection(ngx_http_request_t *r);

/*
 * Under "once-per-connection": 1 if this connection has had the header for
 * this host; otherwise notes that it has it now.
 */
ngx_uint_t ngx_http_hpkp_sent_before(ngx_http_request_t *r);

/*
 * 1 if it has, and this host was its first; 0 may mean either.  Notes nothing.
 */
ngx_uint_t ngx_http_hpkp_sent_to_first(ngx_http_request_t *r);

/* 1 if this worker is an old one, and has had the time that it had to drain */
ngx_uint_t ngx_http_hpkp_drained(void);
ngx_int_t ngx_http_hpkp_drain_init(ngx_cycle_t *cycle);

ngx_int_t ngx_http_hpkp_stay_prepare(ngx_conf_t *cf);
void ngx_http_hpkp_stay_begin(ngx_conf_t *cf, ngx_uint_t *passes);
ngx_int_t ngx_http_hpkp_stay_end(ngx_cycle_t *cycle);

/* 1 if hpkp_secure decides here, whatever it decides */
ngx_uint_t ngx_http_hpkp_secure(ngx_http_request_t *r, ngx_uint_t *secure);

/* once; NGX_ERROR: no memory */
ngx_int_t ngx_http_hpkp_shared_init(ngx_log_t *log);

/* NULL until then */
extern ngx_http_hpkp_shared_t  *ngx_http_hpkp_shared;

/* puts in force the value of this second; from when on it is */
time_t ngx_http_hpkp_ramp_set(ngx_http_hpkp_header_t *header, time_t now);

/* in a worker: the same, if it is another one, and noted */
void ngx_http_hpkp_ramp_step(ngx_http_hpkp_header_t *header, time_t now);

/* a value is sent that was chosen by this time */
void ngx_http_hpkp_ramp_note(time_t from);

/* the latest time by which a value was chosen, if by a clock since set back */
time_t ngx_http_hpkp_ramp_reached(time_t now);

/* the ledger knows of it now */
void ngx_http_hpkp_ramp_told(time_t reached);

ngx_int_t ngx_http_hpkp_add_variables(ngx_conf_t *cf);

/* the findings */
void ngx_http_hpkp_log_lines(ngx_conf_t *cf, hpkp_session_t *session);

/* the session is kept until what it proved is logged; NGX_ERROR: it is not */
ngx_int_t ngx_http_hpkp_keep_proofs(ngx_conf_t *cf, hpkp_session_t *session);
void ngx_http_hpkp_log_proofs(ngx_cycle_t *cycle,
    ngx_http_hpkp_main_conf_t *hmcf);

/* what the ledger has to know of this load; NGX_ERROR: no memory */
ngx_int_t ngx_http_hpkp_ledger_options(ngx_conf_t *cf,
    hpkp_options_t *options);

/* 1 unless there is surely none */
ngx_uint_t ngx_http_hpkp_ledger_exists(ngx_http_hpkp_main_conf_t *hmcf);

/* the load is in the ledger: if it fails from here on, it has to be undone */
void ngx_http_hpkp_ledger_written(ngx_conf_t *cf, const char *load);

ngx_int_t ngx_http_hpkp_init_module(ngx_cycle_t *cycle);
ngx_int_t ngx_http_hpkp_init_process(ngx_cycle_t *cycle);
void ngx_http_hpkp_exit_master(ngx_cycle_t *cycle);


extern ngx_module_t  ngx_http_hpkp_module;
extern ngx_module_t  ngx_http_hpkp_filter_module;


#endif /* _NGX_HTTP_HPKP_H_INCLUDED_ */
