/*
 * The directives of ngx_http_hpkp_module.
 */

#include "ngx_http_hpkp.h"


static void *ngx_http_hpkp_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_hpkp_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_hpkp_create_srv_conf(ngx_conf_t *cf);
static char *ngx_http_hpkp_merge_srv_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void *ngx_http_hpkp_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_hpkp_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);

static char *ngx_http_hpkp_policy(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_hpkp_ledger(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_hpkp_served_chain(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_hpkp_secure_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_conf_enum_t  ngx_http_hpkp_emit[] = {
    { ngx_string("every-response"), NGX_HTTP_HPKP_EVERY_RESPONSE },
    { ngx_string("once-per-connection"), NGX_HTTP_HPKP_ONCE_PER_CONNECTION },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_hpkp_lockout[] = {
    { ngx_string("refuse"), NGX_HTTP_HPKP_LOCKOUT_REFUSE },
    { ngx_string("warn"), NGX_HTTP_HPKP_LOCKOUT_WARN },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_hpkp_commands[] = {

    { ngx_string("hpkp_policy"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE12,
      ngx_http_hpkp_policy,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("hpkp_served_chain"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_hpkp_served_chain,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("hpkp_secure"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_hpkp_secure_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_hpkp_loc_conf_t, secure),
      NULL },

    { ngx_string("hpkp_emit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_hpkp_srv_conf_t, emit),
      ngx_http_hpkp_emit },

    { ngx_string("hpkp_ledger"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_hpkp_ledger,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("hpkp_lockout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_hpkp_main_conf_t, lockout),
      ngx_http_hpkp_lockout },

    { ngx_string("hpkp_strict"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_hpkp_main_conf_t, strict),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_hpkp_module_ctx = {
    ngx_http_hpkp_add_variables,           /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_hpkp_create_main_conf,        /* create main configuration */
    ngx_http_hpkp_init_main_conf,          /* init main configuration */

    ngx_http_hpkp_create_srv_conf,         /* create server configuration */
    ngx_http_hpkp_merge_srv_conf,          /* merge server configuration */

    ngx_http_hpkp_create_loc_conf,         /* create location configuration */
    ngx_http_hpkp_merge_loc_conf           /* merge location configuration */
};


ngx_module_t  ngx_http_hpkp_module = {
    NGX_MODULE_V1,
    &ngx_http_hpkp_module_ctx,             /* module context */
    ngx_http_hpkp_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_hpkp_init_module,             /* init module */
    ngx_http_hpkp_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    ngx_http_hpkp_exit_master,             /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_hpkp_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_hpkp_main_conf_t  *hmcf;

    hmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_hpkp_main_conf_t));
    if (hmcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     hmcf->ledger = { 0, NULL };
     *     hmcf->emits = 0;
     *     hmcf->load = "";
     *     hmcf->settled = 0;
     *     hmcf->cleanup = NULL;
     *     hmcf->cache = NULL;
     */

    hmcf->strict = NGX_CONF_UNSET;
    hmcf->lockout = NGX_CONF_UNSET_UINT;

    return hmcf;
}


static char *
ngx_http_hpkp_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_hpkp_main_conf_t  *hmcf = conf;

    ngx_conf_init_value(hmcf->strict, 0);
    ngx_conf_init_uint_value(hmcf->lockout, NGX_HTTP_HPKP_LOCKOUT_REFUSE);

    if (hmcf->ledger.data == NULL) {
        ngx_str_set(&hmcf->ledger, HPKP_LEDGER);

        if (ngx_conf_full_name(cf->cycle, &hmcf->ledger, 0) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_hpkp_create_srv_conf(ngx_conf_t *cf)
{
    ngx_http_hpkp_srv_conf_t  *hscf;

    hscf = ngx_pcalloc(cf->pool, sizeof(ngx_http_hpkp_srv_conf_t));
    if (hscf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     hscf->own_policies = 0;
     *     hscf->secure = 0;
     *     hscf->own_secure = 0;
     *     hscf->index = 0;
     *     hscf->emission = NULL;
     */

    hscf->policies = NGX_CONF_UNSET_PTR;
    hscf->served_chains = NGX_CONF_UNSET_PTR;
    hscf->emit = NGX_CONF_UNSET_UINT;

    return hscf;
}


static char *
ngx_http_hpkp_merge_srv_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_hpkp_srv_conf_t  *prev = parent;
    ngx_http_hpkp_srv_conf_t  *conf = child;

    conf->own_policies = (conf->policies != NGX_CONF_UNSET_PTR);

    ngx_conf_merge_ptr_value(conf->policies, prev->policies, NULL);
    ngx_conf_merge_ptr_value(conf->served_chains, prev->served_chains, NULL);
    ngx_conf_merge_uint_value(conf->emit, prev->emit,
                              NGX_HTTP_HPKP_EVERY_RESPONSE);

    if (prev->secure) {
        conf->secure = 1;
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_hpkp_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_hpkp_loc_conf_t  *hlcf;

    hlcf = ngx_palloc(cf->pool, sizeof(ngx_http_hpkp_loc_conf_t));
    if (hlcf == NULL) {
        return NULL;
    }

    hlcf->secure = NGX_CONF_UNSET_PTR;

    return hlcf;
}


static char *
ngx_http_hpkp_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_hpkp_loc_conf_t  *prev = parent;
    ngx_http_hpkp_loc_conf_t  *conf = child;

    ngx_conf_merge_ptr_value(conf->secure, prev->secure, NULL);

    return NGX_CONF_OK;
}


static char *
ngx_http_hpkp_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_hpkp_srv_conf_t  *hscf = conf;

    ngx_str_t               *value;
    ngx_http_hpkp_policy_t  *policy;

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {

        if (hscf->policies != NGX_CONF_UNSET_PTR) {
            return "is duplicate";
        }

        hscf->policies = NULL;
        return NGX_CONF_OK;
    }

    if (hscf->policies == NULL) {
        return "stands beside \"hpkp_policy off\"";
    }

    if (hscf->policies == NGX_CONF_UNSET_PTR) {
        hscf->policies = ngx_array_create(cf->pool, 1,
                                          sizeof(ngx_http_hpkp_policy_t));
        if (hscf->policies == NULL) {
            hscf->policies = NGX_CONF_UNSET_PTR;
            return NGX_CONF_ERROR;
        }
    }

    policy = ngx_array_push(hscf->policies);
    if (policy == NULL) {
        return NGX_CONF_ERROR;
    }

    policy->file = value[1];
    ngx_str_null(&policy->name);

    if (cf->args->nelts == 3) {
        policy->name = value[2];
    }

    /* as ssl_certificate's path: relative to the configuration */

    if (ngx_conf_full_name(cf->cycle, &policy->file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_hpkp_ledger(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_hpkp_main_conf_t  *hmcf = conf;

    ngx_str_t  *value;

    if (hmcf->ledger.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        ngx_str_set(&hmcf->ledger, "");
        return NGX_CONF_OK;
    }

    hmcf->ledger = value[1];

    /* as pid's path: relative to the prefix */

    if (ngx_conf_full_name(cf->cycle, &hmcf->ledger, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_hpkp_served_chain(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_hpkp_srv_conf_t  *hscf = conf;

    ngx_str_t  *value, *file;

    value = cf->args->elts;

    if (hscf->served_chains == NGX_CONF_UNSET_PTR) {
        hscf->served_chains = ngx_array_create(cf->pool, 1, sizeof(ngx_str_t));
        if (hscf->served_chains == NULL) {
            hscf->served_chains = NGX_CONF_UNSET_PTR;
            return NGX_CONF_ERROR;
        }
    }

    file = ngx_array_push(hscf->served_chains);
    if (file == NULL) {
        return NGX_CONF_ERROR;
    }

    *file = value[1];

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_hpkp_secure_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_hpkp_loc_conf_t  *hlcf = conf;

    char                      *rv;
    ngx_http_hpkp_srv_conf_t  *hscf;

    rv = ngx_http_set_complex_value_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (hlcf->secure->lengths == NULL) {
        return "needs a variable that says whether the client came over TLS";
    }

    /* the check for hpkp_served_chain is the server's */

    hscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_hpkp_module);
    hscf->secure = 1;
    hscf->own_secure = 1;

    return NGX_CONF_OK;
}
