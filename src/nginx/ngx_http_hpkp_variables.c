/*
 * $hpkp_policy, $hpkp_mode, $hpkp_pin.
 */

#include "ngx_http_hpkp.h"


static ngx_int_t ngx_http_hpkp_variable_emission(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_hpkp_variable_pin(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_hpkp_variable_set(ngx_http_variable_value_t *v,
    ngx_str_t *value);


static ngx_http_variable_t  ngx_http_hpkp_vars[] = {

    { ngx_string("hpkp_policy"), NULL, ngx_http_hpkp_variable_emission,
      offsetof(ngx_http_hpkp_emission_t, policy), 0, 0 },

    { ngx_string("hpkp_mode"), NULL, ngx_http_hpkp_variable_emission,
      offsetof(ngx_http_hpkp_emission_t, mode), 0, 0 },

    { ngx_string("hpkp_pin"), NULL, ngx_http_hpkp_variable_pin,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_hpkp_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_hpkp_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_hpkp_variable_emission(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_hpkp_srv_conf_t  *hscf;

    hscf = ngx_http_get_module_srv_conf(r, ngx_http_hpkp_module);

    if (hscf->emission == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_hpkp_variable_set(v,
                               (ngx_str_t *) ((char *) hscf->emission + data));

    return NGX_OK;
}


static ngx_int_t
ngx_http_hpkp_variable_pin(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                  pin;
    ngx_uint_t                 secure;
    ngx_http_hpkp_srv_conf_t  *hscf;
    ngx_http_hpkp_emission_t  *emission;

    hscf = ngx_http_get_module_srv_conf(r, ngx_http_hpkp_module);
    emission = hscf->emission;

    ngx_str_null(&pin);

    if (emission == NULL) {
        /* void */

    } else if (ngx_http_hpkp_secure(r, &secure)) {

        /* which of several chains was presented in front is not known here */

        if (secure && emission->nleaves) {
            pin = emission->leaves[0].pin;
        }

    } else {
        (void) ngx_http_hpkp_fit(r, emission, &pin);
    }

    if (pin.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_hpkp_variable_set(v, &pin);

    return NGX_OK;
}


static void
ngx_http_hpkp_variable_set(ngx_http_variable_value_t *v, ngx_str_t *value)
{
    v->data = value->data;
    v->len = value->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
