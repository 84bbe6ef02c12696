/*
 * The door between nginx's C and the C++ core.
 *
 * One configuration load is one session: hand over the facts of every server block, print the lines, take the
 * emissions, free it. Nothing of it is left in the workers; they keep copies of the rendered headers and of the
 * fingerprints below.
 *
 * No exception crosses. Strings are not NUL-terminated. What goes in is copied, or referenced where it says so; what
 * comes out belongs to the session and lives as long. No function leaves anything in OpenSSL's error queue.
 */
#ifndef HPKP_H
#define HPKP_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *data;
    size_t      len;
} hpkp_str_t;

typedef struct hpkp_session_s  hpkp_session_t;

/* Where the ledger lies unless hpkp_ledger, or the tool's --ledger, names another. */
#ifndef HPKP_LEDGER
#define HPKP_LEDGER  "/var/lib/nginx/hpkp.ledger"
#endif

typedef enum {
    HPKP_ACCEPTED = 0,
    HPKP_REFUSED,
    HPKP_FAILED       /* no answer: hpkp_session_failure() says why */
} hpkp_status_t;


/* Facts about one "server { ... }". */

typedef struct {
    hpkp_str_t  text;             /* as nginx keeps it; a regular expression without its "~" */
    int         regex;
} hpkp_name_t;

typedef struct {
    size_t      address;          /* the same number for the same address:port */
    int         tls;              /* nginx serves this address over TLS or QUIC */
    size_t      default_server;   /* index of its default server among the servers handed over */
} hpkp_listen_t;

typedef struct {
    hpkp_str_t  file;             /* full path */
    hpkp_str_t  name;             /* data is NULL where hpkp_policy names none */
    int         own;              /* stands in that very server block */
} hpkp_policy_ref_t;

typedef struct {
    hpkp_str_t                conf_file;      /* where its "server {" stands */
    unsigned                  conf_line;
    const hpkp_name_t        *names;
    size_t                    names_n;
    const hpkp_listen_t      *listens;
    size_t                    listens_n;
    const hpkp_policy_ref_t  *policies;
    size_t                    policies_n;
    const hpkp_str_t         *served_chains;  /* full paths */
    size_t                    served_chains_n;
    SSL_CTX                  *ssl_ctx;        /* or NULL; its certificates are referenced, the context is left as it was */
    int                       variable_certificates;
    int                       reject_handshake;
    int                       secure;         /* hpkp_secure holds in it, or in one of its locations */
    int                       own_secure;     /* and stands there, is not inherited */
} hpkp_server_t;


/* What else a load is judged by. */

typedef struct {
    int64_t     now;              /* seconds since the epoch */
    int         strict;           /* warnings refuse too */
    hpkp_str_t  ledger;           /* full path; data is NULL for "hpkp_ledger off" */
    hpkp_str_t  conf_file;        /* which nginx this is; a relative path is seen from the current directory */
    hpkp_str_t  prefix;
    int         lockout_warns;    /* "hpkp_lockout warn" */
    int         writes;           /* the load may go on to serve: not nginx -t, nor an "nginx -s" process */
    int         may_close;        /* no older master of this nginx may still send */
    int64_t     reached;          /* the latest time by which a ramp's value was chosen, where that is after now; 0: none */
} hpkp_options_t;

/*
 * Reads the policies, finds the paths, runs every check, and has in the ledger what will be sent: in a child process, so
 * that nothing that happens there can take the caller down (child_process.hpp). NULL if there is no memory for a session
 * at all. The caller frees it.
 */
hpkp_session_t *hpkp_session_run(const hpkp_server_t *servers, size_t servers_n, const hpkp_options_t *options);
void hpkp_session_free(hpkp_session_t *session);

hpkp_status_t hpkp_session_status(const hpkp_session_t *session);

/* Why the status is HPKP_FAILED. */
const char *hpkp_session_failure(const hpkp_session_t *session);


typedef enum {
    HPKP_NOTE = 0,
    HPKP_WARNING,
    HPKP_ERROR
} hpkp_severity_t;

typedef struct {
    hpkp_severity_t  severity;
    hpkp_str_t       text;        /* at most 1,900 bytes */
} hpkp_line_t;

/* The findings as text, a log line each, the gravest last. */
size_t hpkp_session_lines(const hpkp_session_t *session);
hpkp_line_t hpkp_session_line(const hpkp_session_t *session, size_t i);

/* What the load has proved, a line a server with a policy; none where it is refused. */
size_t hpkp_session_proofs(const hpkp_session_t *session);
hpkp_str_t hpkp_session_proof(const hpkp_session_t *session, size_t i);


/* What workers send, once for all the servers that send it. */

/* A header's value from some second on, since the epoch. */
typedef struct {
    int64_t     from;
    hpkp_str_t  text;
} hpkp_value_t;

typedef struct {
    const hpkp_value_t *values;   /* of Public-Key-Pins or Public-Key-Pins-Report-Only; the first is in force now */
    size_t              values_n; /* more than one under a ramp that still rises, in the order of time */
    int                 ramp;     /* its max-age is a ramp: by the clock of the load, even where that left one value */
    const uint8_t     (*pins)[32];
    const hpkp_str_t   *labels;   /* of the pins: what $hpkp_pin says */
    size_t              pins_n;
} hpkp_header_t;

size_t hpkp_session_headers(const hpkp_session_t *session);
const hpkp_header_t *hpkp_session_header(const hpkp_session_t *session, size_t i);

#define HPKP_NONE  ((size_t) -1)

/* A certificate that the load has checked for all the policies of a server. */
typedef struct {
    const X509  *x509;            /* of the SSL_CTX, to be compared and nothing else; NULL where it came from a file */
    uint8_t      fingerprint[32]; /* SHA-256 of its DER */
    hpkp_str_t   pin;             /* label of the pin that its chain matches; empty if none */
} hpkp_leaf_t;

typedef struct {
    int                 has_policy;   /* 0: nothing is sent, and nothing removed */
    hpkp_str_t          policy;       /* names, ", " between them */
    hpkp_str_t          mode;         /* "enforce", "report-only", "both" or "guard" */
    size_t              enforce;      /* index of the header, or HPKP_NONE */
    size_t              report_only;
    const hpkp_leaf_t  *leaves;
    size_t              leaves_n;
} hpkp_emission_t;

/* The emission of server `i`, where the status is HPKP_ACCEPTED. */
const hpkp_emission_t *hpkp_session_emission(const hpkp_session_t *session, size_t i);


/*
 * The ledger after a load. Each runs in a child process; 1, or 0 and why it failed (255 bytes at most and a NUL), where
 * the entries stay open, as if still sent.
 */

#define HPKP_LOAD_ID  17

/*
 * The load that the ledger now knows of, or may know of where the status is HPKP_FAILED: 16 hex digits and a NUL; empty
 * if nothing was written.
 */
const char *hpkp_session_load(const hpkp_session_t *session);

/* nginx has taken the load: what it no longer sends ends now, and its ramps were sent by this clock. */
int hpkp_ledger_settle(hpkp_str_t ledger, const char *load, int64_t now, char *failure);
/* It has not: nothing of it was sent. */
int hpkp_ledger_withdraw(hpkp_str_t ledger, const char *load, int64_t now, char *failure);
/* Its nginx has stopped.  Nothing ends if a later load of the same nginx is in the ledger, which goes on sending. */
int hpkp_ledger_close(hpkp_str_t ledger, const char *load, int64_t now, int64_t reached, char *failure);


/*
 * At run time, for a certificate that no load has checked: may a header with these pins go out on this connection?
 * 1 and the index of the pin that matches, or 0; -1 if memory or OpenSSL fails, which means no for now. Verifies
 * signatures: remember the answer, if it is one.
 */
int hpkp_may_be_noted(const SSL *connection, const uint8_t (*pins)[32], size_t pins_n, size_t *matched);

#ifdef __cplusplus
}
#endif

#endif /* HPKP_H */
