/*
 * The facts of nginx's configuration, in the core's terms: for each server its
 * names, addresses, certificates and hpkp directives.  Nothing is judged here.
 */

#include "ngx_http_hpkp.h"


static ngx_int_t ngx_http_hpkp_gather_listens(ngx_conf_t *cf,
    hpkp_server_t *servers);
static ngx_uint_t ngx_http_hpkp_address_tls(ngx_http_conf_addr_t *addr);
static ngx_int_t ngx_http_hpkp_gather_server(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, hpkp_server_t *server);


hpkp_server_t *
ngx_http_hpkp_gather(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    hpkp_server_t               *servers;
    ngx_http_hpkp_srv_conf_t    *hscf;
    ngx_http_core_srv_conf_t   **cscfp;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscfp = cmcf->servers.elts;

    servers = ngx_pcalloc(cf->temp_pool,
                          (cmcf->servers.nelts + 1) * sizeof(hpkp_server_t));
    if (servers == NULL) {
        return NULL;
    }

    for (i = 0; i < cmcf->servers.nelts; i++) {
        hscf = cscfp[i]->ctx->srv_conf[ngx_http_hpkp_module.ctx_index];
        hscf->index = i;

        if (ngx_http_hpkp_gather_server(cf, cscfp[i], &servers[i]) != NGX_OK) {
            return NULL;
        }
    }

    if (ngx_http_hpkp_gather_listens(cf, servers) != NGX_OK) {
        return NULL;
    }

    return servers;
}


/*
 * The addresses know their servers, not the other way round: count them, then
 * fill them in.
 */

static ngx_int_t
ngx_http_hpkp_gather_listens(ngx_conf_t *cf, hpkp_server_t *servers)
{
    size_t                       address;
    ngx_uint_t                   p, a, s, fill;
    hpkp_listen_t               *listens;
    hpkp_server_t               *server;
    ngx_http_conf_port_t        *port;
    ngx_http_conf_addr_t        *addr;
    ngx_http_hpkp_srv_conf_t    *hscf, *dhscf;
    ngx_http_core_srv_conf_t   **cscfp;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL) {
        return NGX_OK;
    }

    port = cmcf->ports->elts;

    for (fill = 0; fill < 2; fill++) {
        address = 0;

        for (p = 0; p < cmcf->ports->nelts; p++) {
            addr = port[p].addrs.elts;

            for (a = 0; a < port[p].addrs.nelts; a++, address++) {
                cscfp = addr[a].servers.elts;
                dhscf = addr[a].default_server->ctx
                                    ->srv_conf[ngx_http_hpkp_module.ctx_index];

                for (s = 0; s < addr[a].servers.nelts; s++) {
                    hscf = cscfp[s]->ctx
                                    ->srv_conf[ngx_http_hpkp_module.ctx_index];
                    server = &servers[hscf->index];

                    if (!fill) {
                        server->listens_n++;
                        continue;
                    }

                    if (server->listens == NULL) {
                        server->listens = ngx_palloc(cf->temp_pool,
                                    server->listens_n * sizeof(hpkp_listen_t));
                        if (server->listens == NULL) {
                            return NGX_ERROR;
                        }

                        server->listens_n = 0;
                    }

                    listens = (hpkp_listen_t *) server->listens;
                    listens += server->listens_n++;

                    listens->address = address;
                    listens->tls = (int) ngx_http_hpkp_address_tls(&addr[a]);
                    listens->default_server = dhscf->index;
                }
            }
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_hpkp_address_tls(ngx_http_conf_addr_t *addr)
{
#if (nginx_version < 1025001)

    ngx_http_ssl_srv_conf_t  *sscf;

    /* "ssl on", which went in 1.25.1, is the default server's to say */

    sscf = addr->default_server->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

    if (sscf->enable == 1) {
        return 1;
    }

#endif

#if (nginx_version >= 1025000)

    if (addr->opt.quic) {
        return 1;
    }

#endif

    return addr->opt.ssl;
}


static ngx_int_t
ngx_http_hpkp_gather_server(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    hpkp_server_t *server)
{
    ngx_str_t                 conf_file, *file;
    ngx_uint_t                i;
    hpkp_str_t               *chains;
    hpkp_name_t              *names;
    hpkp_policy_ref_t        *refs;
    ngx_http_server_name_t   *name;
    ngx_http_hpkp_policy_t   *policy;
    ngx_http_ssl_srv_conf_t  *sscf;
    ngx_http_hpkp_srv_conf_t  *hscf;

    hscf = cscf->ctx->srv_conf[ngx_http_hpkp_module.ctx_index];
    sscf = cscf->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

    conf_file.data = cscf->file_name;
    conf_file.len = ngx_strlen(cscf->file_name);

    server->conf_file = ngx_http_hpkp_str(&conf_file);
    server->conf_line = (unsigned) cscf->line;

    server->names_n = cscf->server_names.nelts;
    names = ngx_pcalloc(cf->temp_pool,
                        (server->names_n + 1) * sizeof(hpkp_name_t));
    if (names == NULL) {
        return NGX_ERROR;
    }

    name = cscf->server_names.elts;

    for (i = 0; i < server->names_n; i++) {
        names[i].text = ngx_http_hpkp_str(&name[i].name);
#if (NGX_PCRE)
        names[i].regex = (name[i].regex != NULL);
#endif
    }

    server->names = names;

    if (hscf->policies) {
        server->policies_n = hscf->policies->nelts;
        refs = ngx_pcalloc(cf->temp_pool,
                           server->policies_n * sizeof(hpkp_policy_ref_t));
        if (refs == NULL) {
            return NGX_ERROR;
        }

        policy = hscf->policies->elts;

        for (i = 0; i < server->policies_n; i++) {
            refs[i].file = ngx_http_hpkp_str(&policy[i].file);
            refs[i].name = ngx_http_hpkp_str(&policy[i].name);
            refs[i].own = (int) hscf->own_policies;
        }

        server->policies = refs;
    }

    if (hscf->served_chains) {
        server->served_chains_n = hscf->served_chains->nelts;
        chains = ngx_pcalloc(cf->temp_pool,
                             server->served_chains_n * sizeof(hpkp_str_t));
        if (chains == NULL) {
            return NGX_ERROR;
        }

        file = hscf->served_chains->elts;

        for (i = 0; i < server->served_chains_n; i++) {
            chains[i] = ngx_http_hpkp_str(&file[i]);
        }

        server->served_chains = chains;
    }

    server->ssl_ctx = sscf->ssl.ctx;
    server->variable_certificates = (sscf->certificate_values != NULL);
    server->reject_handshake = (sscf->reject_handshake == 1);
    server->secure = (int) hscf->secure;
    server->own_secure = (int) hscf->own_secure;

    return NGX_OK;
}
